export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** Returns the value at this path in nested objects, if any. */
export function at(json: Json | undefined, ...path: string[]): Json | undefined {
  return path.reduce((part, key) => (isObject(part) ? part[key] : undefined), json);
}

/** Values that AWS itself supplies. */
const pseudoParameters: Record<string, string> = {
  'AWS::Region': 'eu-central-1',
  'AWS::AccountId': '123456789012',
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
};

/**
 * Evaluates a template as CloudFormation would: the resources and outputs with these parameters, all functions resolved.
 * What is unknown until resources exist becomes a placeholder.
 */
export function evaluated(
  template: Readonly<Record<string, Json>>,
  given: Readonly<Record<string, string>> = {},
): { resources: JsonObject; outputs: JsonObject } {
  const section = (name: string) => objectOf(template[name] ?? {});
  const values = Object.fromEntries(
    Object.entries(section('Parameters')).map(([name, definition]) => {
      const { Default = '', Type } = objectOf(definition);
      const value = given[name] ?? Default;
      return [name, Type === 'Number' ? Number(value) : value];
    }),
  );
  const holds = (name: string): boolean => value(section('Conditions')[name] ?? null) === true;

  function value(json: Json): Json | undefined {
    if (Array.isArray(json)) return json.map(value).filter((part) => part !== undefined);
    if (!isObject(json)) return json;
    const [[key, argument] = ['', null], another] = Object.entries(json);
    const intrinsic = another === undefined ? intrinsics[key] : undefined;
    if (intrinsic) return intrinsic(argument);
    const entries = Object.entries(json).map(([name, part]) => [name, value(part)] as const);
    // CDK leaves out empty lists.
    return Object.fromEntries(
      entries.flatMap(([name, part]) => (part === undefined || isEmptyList(part) ? [] : [[name, part]])),
    );
  }

  const list = (json: Json) => listOf(value(json) ?? []);
  const text = (json: Json | undefined) => String(value(json ?? null));
  const named = (name: string) => values[name] ?? pseudoParameters[name] ?? `\${${name}}`;
  const intrinsics: Record<string, (argument: Json) => Json | undefined> = {
    Ref: (name) => (name === 'AWS::NoValue' ? undefined : named(String(name))),
    Condition: (name) => (typeof name === 'string' ? holds(name) : value({ '': name })),
    'Fn::GetAtt': (path) => `\${${listOf(path).join('.')}}`,
    'Fn::Join': (argument) => {
      const [separator, parts] = list(argument);
      return listOf(parts).join(String(separator));
    },
    'Fn::Sub': (argument) => text(argument).replaceAll(/\$\{([^!}]+)\}/g, (_, name) => String(named(name))),
    'Fn::Split': (argument) => {
      const [separator, whole] = list(argument);
      return String(whole).split(String(separator));
    },
    'Fn::Select': (argument) => {
      const [index, parts] = list(argument);
      return listOf(parts)[Number(index)] ?? null;
    },
    'Fn::FindInMap': (argument) => {
      const [table, row, column] = list(argument).map(String);
      return at(section('Mappings'), table ?? '', row ?? '', column ?? '') ?? null;
    },
    'Fn::If': (argument) => {
      const [name, then, otherwise] = listOf(argument);
      return value((holds(String(name)) ? then : otherwise) ?? null);
    },
    'Fn::Equals': (argument) => {
      const [one, other] = list(argument);
      return one === other;
    },
    'Fn::Not': (argument) => !list(argument)[0],
    'Fn::And': (argument) => list(argument).every(Boolean),
    'Fn::Or': (argument) => list(argument).some(Boolean),
  };

  const there = Object.entries(section('Resources')).flatMap(([id, resource]): [string, Json][] => {
    const { Condition, ...others } = objectOf(resource);
    return Condition === undefined || holds(String(Condition)) ? [[id, value(others) ?? null]] : [];
  });
  return { resources: Object.fromEntries(there), outputs: objectOf(value(section('Outputs')) ?? {}) };
}

function objectOf(json: Json): JsonObject {
  if (!isObject(json)) throw new Error(`No object: ${JSON.stringify(json)}`);
  return json;
}

function listOf(json: Json | undefined): Json[] {
  if (!Array.isArray(json)) throw new Error(`No list: ${JSON.stringify(json)}`);
  return json;
}

const isEmptyList = (json: Json) => Array.isArray(json) && json.length === 0;
