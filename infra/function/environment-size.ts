import { CfnFunction, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';

/** Lambda's limit on the names and values of an environment together. */
const maxBytes = 4096;
/** More than most tokens become: ARNs of topics and buses, names of tables. */
const guessedBytesOfToken = 160;

/** Fails synth if the environment of a function, once it is complete, may be larger than Lambda allows. */
export function checkEnvironmentSize({ node, stack }: LambdaFunction): void {
  node.addValidation({
    validate: () => {
      if (!(node.defaultChild instanceof CfnFunction)) return [];
      const { variables = {} } = stack.resolve(node.defaultChild.environment) ?? {};
      const bytes = Object.entries(variables).reduce((sum, [name, value]) => sum + name.length + bytesOf(value), 0);
      if (bytes <= maxBytes) return [];
      return [
        `the settings may take ${bytes} bytes of the function's environment, tokens counted as ${guessedBytesOfToken} each, ` +
          `but Lambda allows ${maxBytes}: shorten them, and give "stopAllOn" fewer topics`,
      ];
    },
  });
}

/** The bytes of a text, in which functions of CloudFormation stand for tokens. */
function bytesOf(text: unknown): number {
  if (typeof text === 'string') return Buffer.byteLength(text);
  const isJoin = typeof text === 'object' && text !== null && 'Fn::Join' in text;
  const [, parts]: unknown[] = isJoin && Array.isArray(text['Fn::Join']) ? text['Fn::Join'] : [];
  return Array.isArray(parts) ? parts.reduce((sum: number, part) => sum + bytesOf(part), 0) : guessedBytesOfToken;
}
