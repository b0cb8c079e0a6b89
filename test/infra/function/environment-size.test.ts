import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, CfnParameter, Stack } from 'aws-cdk-lib';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { checkEnvironmentSize } from '../../../infra/function/function.ts';
import { FineTuningCurfew } from '../../../infra/index.ts';
import '../synthesize.ts';

/** Synthesises a function with this environment, of which some is added after the check was asked for. */
function synthWith(environmentOf: (stack: Stack) => Record<string, string>): void {
  const app = new App();
  const stack = new Stack(app, 'Test');
  const fn = new LambdaFunction(stack, 'Function', {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromInline('exports.handler = () => {};'),
  });
  checkEnvironmentSize(fn);
  for (const [name, value] of Object.entries(environmentOf(stack))) fn.addEnvironment(name, value);
  app.synth();
}

describe('an environment of more than 4 kB fails synth, and a smaller one does not', () => {
  const tokens = (stack: Stack, count: number) =>
    Array.from({ length: count }, (_, i) => new CfnParameter(stack, `P${i}`).valueAsString);
  const cases: [name: string, bytes: number, environmentOf: (stack: Stack) => Record<string, string>][] = [
    ['names and values', 4096, () => ({ NAME: 'x'.repeat(4092) })],
    ['a byte more', 4097, () => ({ NAME: 'x'.repeat(4093) })],
    ['bytes, not characters', 4098, () => ({ NAME: 'ä'.repeat(2047) })],
    ['tokens alone', 4 + 25 * 160, (stack) => ({ LIST: tokens(stack, 25).join('') })],
    ['tokens with what separates them', 4 + 26 * 161 - 1, (stack) => ({ LIST: tokens(stack, 26).join(',') })],
  ];
  for (const [name, bytes, environmentOf] of cases) {
    test(`${name}: ${bytes} bytes`, () => {
      const synth = () => synthWith(environmentOf);
      if (bytes <= 4096) assert.doesNotThrow(synth);
      else assert.throws(synth, new RegExp(`may take ${bytes} bytes .* Lambda allows 4096: shorten them`));
    });
  }
});

test('the environment of the construct is checked, with what is added to it later', () => {
  const app = new App();
  const stack = new Stack(app, 'Test');
  const curfew = new FineTuningCurfew(stack, 'Curfew');
  for (let i = 0; i < 30; i += 1) curfew.stopAllOn(new Topic(stack, `Topic${i}`));
  assert.throws(() => app.synth(), /Test\/Curfew\/Curfew\/Function.* give "stopAllOn" fewer topics/);
});
