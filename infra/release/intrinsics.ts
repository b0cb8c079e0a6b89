/** The functions of CloudFormation. */
import { isObject, type Json, type JsonObject } from './json.ts';

export const ref = (name: string): JsonObject => ({ Ref: name });
export const equals = (one: Json, other: Json): JsonObject => ({ 'Fn::Equals': [one, other] });
export const not = (condition: JsonObject): JsonObject => ({ 'Fn::Not': [condition] });
export const or = (...any: JsonObject[]): JsonObject => ({ 'Fn::Or': any });
export const and = (...all: JsonObject[]): JsonObject => ({ 'Fn::And': all });
/** That condition, in another one. */
export const condition = (name: string): JsonObject => ({ Condition: name });
/** By default, what is left out where the condition does not hold. */
export const ifElse = (name: string, then: Json, otherwise: Json = ref('AWS::NoValue')): JsonObject => ({
  'Fn::If': [name, then, otherwise],
});
export const join = (...parts: Json[]): JsonObject => ({ 'Fn::Join': ['', parts] });
export const partOf = (text: Json, separator: string, index: number): JsonObject => ({
  'Fn::Select': [index, { 'Fn::Split': [separator, text] }],
});
export const inTable = (table: string, key: Json, column: string): JsonObject => ({
  'Fn::FindInMap': [table, key, column],
});

export function isRef(json: Json | undefined, target: string): boolean {
  return isObject(json) && json['Ref'] === target;
}

/** A text joined from parts as one with placeholders: a packaged template has a line for each part. */
export function asSubstitution(json: Json): Json {
  const arguments_ = isObject(json) ? json['Fn::Join'] : undefined;
  const [separator, parts] = Array.isArray(arguments_) ? arguments_ : [];
  if (separator !== '' || !Array.isArray(parts)) return json;
  const texts = parts.map((part) => {
    if (typeof part === 'string') return part.replaceAll('${', '${!');
    const { Ref, 'Fn::GetAtt': attribute } = isObject(part) ? part : {};
    if (typeof Ref === 'string') return `\${${Ref}}`;
    return Array.isArray(attribute) ? `\${${attribute.join('.')}}` : undefined;
  });
  return texts.includes(undefined) ? json : { 'Fn::Sub': texts.join('') };
}
