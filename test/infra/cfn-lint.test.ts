import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../../infra/local/aws/processes.ts';
import { EmulatorUnavailableError, installPythonTools } from '../../infra/local/aws/python-tools.ts';
import { newRunDirectory, projectDirectory } from '../../infra/local/aws/workspace.ts';
import { curfewTemplate } from '../../infra/release/template.ts';
import { contextNames } from './contexts.ts';
import { synthesize } from './synthesize.ts';

/** Undefined where Python's packages are not available. */
const tools = await installPythonTools().catch((error: unknown) => {
  if (error instanceof EmulatorUnavailableError && process.env['CI'] !== 'true') return undefined;
  throw error;
});
const skip = tools ? false : 'no cfn-lint';

const lint = async (files: string[]) => {
  const options = ['--non-zero-exit-code', 'error', '--regions', 'us-east-1', 'eu-central-1', '--'];
  await run(tools?.cfnLint ?? '', [...options, ...files], process.env);
};

test('cfn-lint finds no error in the template of any context', { skip }, async () => {
  await lint(contextNames.map((context) => synthesize(context).file));
});

test('cfn-lint finds no error in the template of a release', { skip }, async () => {
  const file = join(newRunDirectory(), 'release.template.json');
  writeFileSync(file, JSON.stringify(curfewTemplate('code.zip')));
  await lint([file]);
});

test('cfn-lint finds no error in the example', { skip }, async () => {
  const outdir = mkdtempSync(join(newRunDirectory(), 'example-'));
  const environment = { ...process.env, AWS_ENDPOINT_URL: undefined, CDK_OUTDIR: outdir };
  await run(process.execPath, ['test/example/app.ts'], environment, projectDirectory);
  const templates = readdirSync(outdir).filter((file) => file.endsWith('.template.json'));
  await lint(templates.map((file) => join(outdir, file)));
});
