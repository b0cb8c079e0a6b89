import { ifElse, isRef, join, partOf, ref } from './intrinsics.ts';
import { changed, isObject, type JsonObject } from './json.ts';
import { type Resource, synthesized } from './synthesized.ts';

/** The policy of the function that lets it in wherever its provider is: with a secret and its key, or with its own role. */
export function policyFor(resource: Resource): Resource {
  const { PolicyDocument } = resource.Properties;
  const Statement = [...bedrockStatements(), ...statementsOf(resource).map(ifSecret)];
  const document = isObject(PolicyDocument) ? PolicyDocument : {};
  return { ...resource, Properties: { ...resource.Properties, PolicyDocument: { ...document, Statement } } };
}

const anySuffix = '-??????';

/**
 * The ARN of a secret that is given by name or by ARN. Behind a name follows what the parts of its ARN are; behind an ARN
 * the same stands too late to be read.
 *
 * @param end what is put behind an ARN that is given: nothing if that is whole.
 */
const secretArn = (end: string) => {
  const name = ref('SecretName');
  const others = [':::', ref('AWS::Region'), ':', ref('AWS::AccountId'), ':secret:', name, anySuffix];
  const lengthened = join(name, end, ...others);
  return join(
    ...['arn:', ref('AWS::Partition'), ':secretsmanager:', partOf(lengthened, ':', 3)],
    ...[':', partOf(lengthened, ':', 4), ':secret:', partOf(lengthened, ':', 6)],
  );
};

function ifSecret(statement: JsonObject): JsonObject {
  const { Action } = statement;
  if (Action === 'secretsmanager:GetSecretValue') {
    // With a name the two are the same.
    return ifElse('NeedsSecret', { ...statement, Resource: [secretArn(''), secretArn(anySuffix)] });
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
      changed(statement, (part) => (isRef(part, 'OpenaiProject') ? ifElse('HasProject', part, '*') : part)),
    )
    .map((statement) => ifElse('IsBedrock', statement));
}

function statementsOf({ Type, Properties: { PolicyDocument } }: Resource): JsonObject[] {
  const statements =
    Type === 'AWS::IAM::Policy' && isObject(PolicyDocument) ? PolicyDocument['Statement'] : [];
  return Array.isArray(statements) ? statements.filter(isObject) : [];
}
