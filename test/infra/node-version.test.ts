import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import cdkJson from '../../cdk.json' with { type: 'json' };
import { projectDirectory } from '../../infra/local/aws/workspace.ts';
import manifest from '../../package.json' with { type: 'json' };

const check = './infra/node-version.js';

/** Runs an empty program after the check, on a Node that claims this version. */
function runOn(version: string): { status: number | null; stderr: string } {
  const pretend = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } })`;
  const args = ['--import', `data:text/javascript,${pretend}`, '--import', check, '--eval', ''];
  return spawnSync(process.execPath, args, { cwd: projectDirectory, encoding: 'utf8' });
}

test('an older Node stops with a message that says what to do', () => {
  for (const version of ['18.20.8', '20.20.2', '22.21.0']) {
    const { status, stderr } = runOn(version);
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^This needs Node 24, but runs on ${version}\\. .*Run "npm ci", .*npx cdk deploy`));
  }
  for (const version of ['24.0.0', '25.1.0']) assert.deepEqual(runOn(version).status, 0, version);
});

test('everything that runs our TypeScript checks that first', () => {
  const commands = { ...manifest.scripts, app: cdkJson.app };
  assert.equal(manifest.scripts.pretest, 'node infra/node-version.js');
  for (const [name, command] of Object.entries(commands)) {
    if (command.includes('.ts')) assert.ok(command.includes(`node --import ${check} `), name);
  }
});
