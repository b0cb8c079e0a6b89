import { changed, isObject, isRef, type JsonObject } from './json.ts';
import { type Resource, synthesized } from './synthesized.ts';
import { bedrockRegion, ifElse, secretArn } from './template-conditions.ts';

/** The policy of the function that lets it in wherever its provider is: with a secret and its key, or with its own role. */
export function policyFor(resource: Resource): Resource {
  const { PolicyDocument } = resource.Properties;
  const Statement = [...statementsOf(resource).map(ifSecret), ...bedrockStatements()];
  const document = isObject(PolicyDocument) ? PolicyDocument : {};
  return { ...resource, Properties: { ...resource.Properties, PolicyDocument: { ...document, Statement } } };
}

function ifSecret(statement: JsonObject): JsonObject {
  const { Action } = statement;
  if (Action === 'secretsmanager:GetSecretValue') {
    return ifElse('NeedsSecret', { ...statement, Resource: secretArn });
  }
  return Action === 'kms:Decrypt' ? ifElse('NeedsKmsKey', statement) : statement;
}

function bedrockStatements(): JsonObject[] {
  const { Resources } = synthesized((parameter) => ({
    provider: 'bedrock',
    openaiProject: parameter('OpenaiProject'),
  }));
  return Object.values(Resources)
    .flatMap(statementsOf)
    .filter(({ Action }) => JSON.stringify(Action).includes('bedrock-mantle:'))
    .map((statement) =>
      changed(statement, (part) => {
        if (isRef(part, 'AWS::Region')) return bedrockRegion;
        return isRef(part, 'OpenaiProject') ? ifElse('HasProject', part, '*') : part;
      }),
    )
    .map((statement) => ifElse('IsBedrock', statement));
}

function statementsOf({ Type, Properties: { PolicyDocument } }: Resource): JsonObject[] {
  const statements =
    Type === 'AWS::IAM::Policy' && isObject(PolicyDocument) ? PolicyDocument['Statement'] : [];
  return Array.isArray(statements) ? statements.filter(isObject) : [];
}
