import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { unzipSync } from 'fflate';
import { run } from '../../infra/local/aws/processes.ts';
import { isolatedEnvironment, newRunDirectory, projectDirectory } from '../../infra/local/aws/workspace.ts';
import { npmInstall } from './npm.ts';
import { lowestCdk, released } from './released.ts';

const runDirectory = newRunDirectory();
const environment = isolatedEnvironment(runDirectory);
const tool = (name: string) => join(projectDirectory, 'node_modules', '.bin', name);
const app = join(runDirectory, 'app');
mkdirSync(app);
writeFileSync(join(app, 'package.json'), '{ "allowScripts": { "node": true } }');
await npmInstall([released.tarball, `aws-cdk-lib@${lowestCdk}`, 'constructs'], environment, app);
const installed = (file: string) => readFileSync(join(app, 'node_modules', 'fine-tuning-curfew', file), 'utf8');

test('publint finds nothing in the package', async () => {
  await run(tool('publint'), ['run', released.tarball, '--strict'], environment);
});

test('are-the-types-wrong finds nothing in the package', async () => {
  await run(tool('attw'), [released.tarball], environment);
});

const documents = readdirSync(join(projectDirectory, 'docs')).sort();

test('the zip of the template holds the code, the documents and the licences', () => {
  const names = Object.keys(unzipSync(readFileSync(released.code)));
  const expected = ['index.js', 'package.json', 'README.md', 'LICENSE', 'THIRD-PARTY-NOTICES.txt'];
  for (const name of [...expected, ...documents.map((each) => `docs/${each}`)]) assert.ok(names.includes(name), name);
});

test('the package holds what is needed and nothing else', async () => {
  const listed = await run('tar', ['-tzf', released.tarball], environment);
  assert.deepEqual(listed.trim().split('\n').sort(), [
    'package/CHANGELOG.md',
    'package/LICENSE',
    'package/README.md',
    'package/SECURITY.md',
    'package/dist/THIRD-PARTY-NOTICES.txt',
    'package/dist/index.cjs',
    'package/dist/index.d.cts',
    'package/dist/lambda/index.js',
    'package/dist/lambda/late-bedrock.js',
    'package/dist/lambda/late-sdk.js',
    'package/dist/lambda/package.json',
    'package/dist/lambda/ssm.js',
    ...documents.map((name) => `package/docs/${name}`),
    'package/package.json',
  ]);
});

test('the package is smaller than 600 kB', () => {
  assert.ok(statSync(released.tarball).size < 600_000);
});

test('the package depends only on the CDK of the app', () => {
  const { dependencies, peerDependencies } = JSON.parse(installed('package.json'));
  assert.equal(dependencies, undefined);
  assert.deepEqual(Object.keys(peerDependencies), ['aws-cdk-lib', 'constructs']);
  const sources = [installed('dist/index.cjs'), installed('dist/index.d.cts')].join('\n');
  const imported = [...sources.matchAll(/(?:require\(|from )["']([^"']+)["']/g)].map(([, name]) => name ?? '');
  const others = imported.filter((name) => !/^(node:|aws-cdk-lib|constructs$)/.test(name));
  assert.deepEqual(others, []);
});

test('each prop and member of the construct has a docstring', () => {
  const declarations = installed('dist/index.d.cts');
  for (const name of ['class FineTuningCurfew', 'interface FineTuningCurfewProps', 'interface FineTuningProject']) {
    const [, body = ''] =
      new RegExp(`\\*/\\nexport declare ${name}[^{]*\\{\\n(.*?)\\n\\}`, 's').exec(declarations) ?? [];
    const members = body.split(/;\n/).filter((member) => !member.includes('#private'));
    assert.ok(members.length > 5, name);
    for (const member of members) assert.match(member, /\/\*\*/, member);
  }
});

test('the licence of everything bundled is included', () => {
  const notices = installed('dist/THIRD-PARTY-NOTICES.txt');
  for (const name of ['valibot', '@middy/core', '@smithy/core', '@aws-sdk/client-dynamodb']) {
    assert.match(notices, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'));
  }
});

const source = `
const stack = new Stack(new App({ outdir: 'cdk.out' }), 'Test');
const projects = { a: { dryRun: true }, b: { provider: 'bedrock' } };
new FineTuningCurfew(stack, 'Curfew', { notifyEmail: 'ops@example.com', projects });
const { Resources } = stack.node.root.synth().getStackByName('Test').template;
console.log(Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function').length);
`;
const apps = {
  'app.mjs': `import { App, Stack } from 'aws-cdk-lib';\nimport { FineTuningCurfew } from 'fine-tuning-curfew';\n${source}`,
  'app.cjs': `const { App, Stack } = require('aws-cdk-lib');\nconst { FineTuningCurfew } = require('fine-tuning-curfew');\n${source}`,
};

describe('ES module and CommonJS apps load the package', () => {
  for (const [file, text] of Object.entries(apps)) writeFileSync(join(app, file), text);
  for (const version of [20, 22, 24]) {
    test(`on Node ${version}`, async () => {
      await npmInstall(['--no-save', `node@${version}`], environment, app);
      const node = join(app, 'node_modules', 'node', 'bin', 'node');
      assert.match(await run(node, ['--version'], environment), new RegExp(`^v${version}\\.`));
      for (const file of Object.keys(apps)) assert.equal(await run(node, [file], environment, app), '1\n', file);
    });
  }
});
