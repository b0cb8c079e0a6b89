import type { Template } from 'aws-cdk-lib/assertions';
import { settingsVariable } from '../../lambda/settings.ts';

export interface Statement {
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Resource: unknown;
  Principal?: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

/** The properties of every resource of a type, by logical id. */
export function resourcesOf(template: Template, type: string): Record<string, Record<string, unknown>> {
  const resources = Object.entries(template.findResources(type));
  return Object.fromEntries(resources.map(([id, resource]) => [id, resource['Properties']]));
}

/** Returns the environment variables of the one function. */
export function environmentOf(template: Template): Record<string, unknown> {
  const [{ Environment } = {}] = Object.values(resourcesOf(template, 'AWS::Lambda::Function'));
  return (Environment as { Variables: Record<string, unknown> }).Variables;
}

/** Returns the function's settings as JSON, with each token replaced by what `become` returns for it. */
export function settingsJsonOf(template: Template, become: (token: object) => string): string {
  const json = environmentOf(template)[settingsVariable] as string | { 'Fn::Join': ['', (string | object)[]] };
  const parts = typeof json === 'string' ? [json] : json['Fn::Join'][1];
  return parts.map((part) => (typeof part === 'string' ? part : become(part))).join('');
}

/** Returns the settings of the function. Tokens, text or number, appear as elsewhere in the template. */
export function settingsIn(template: Template): Record<string, unknown> {
  const tokens = new Map<string, object>();
  // Digits are valid JSON with or without quotes.
  const json = settingsJsonOf(template, (token) => {
    const standIn = `${8_900_000_000_000 + tokens.size}`;
    tokens.set(standIn, token);
    return standIn;
  });
  return JSON.parse(json, (_key, value: unknown) => {
    if (typeof value !== 'string' && typeof value !== 'number') return value;
    const parts = String(value)
      .split(/(89\d{11})/)
      .filter((part) => part !== '');
    if (!parts.some((part) => tokens.has(part))) return value;
    const [only, ...others] = parts.map((part) => tokens.get(part) ?? part);
    return others.length === 0 ? only : { 'Fn::Join': ['', [only, ...others]] };
  });
}

/** Everything that the roles of a template may do, by their own policies and managed ones. */
export function statementsOf(template: Template): Statement[] {
  return ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].flatMap((type) =>
    Object.values(template.findResources(type)).flatMap(
      (policy): Statement[] => policy['Properties'].PolicyDocument.Statement,
    ),
  );
}

/** The statements with actions of one service. */
export function statementsFor(template: Template, service: string): Statement[] {
  return statementsOf(template).filter(({ Action }) => [Action].flat().some((a) => a.startsWith(`${service}:`)));
}

/** An ARN in this account and, by default, this region, as templates write it. */
export function arnOf(service: string, resource: string, region: string | object = { Ref: 'AWS::Region' }): object {
  const place = typeof region === 'string' ? [`:${service}:${region}:`] : [`:${service}:`, region, ':'];
  return { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ...place, { Ref: 'AWS::AccountId' }, `:${resource}`]] };
}
