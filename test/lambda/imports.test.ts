import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';

const root = fileURLToPath(new URL('../..', import.meta.url));
const biome = join(root, 'node_modules/.bin/biome');

/** What a file may not import, and what it may. */
const arrows: Record<string, { refused: string[]; allowed: string[] }> = {
  'lambda/work.ts': {
    refused: ['../infra/settings.ts', '../test/support/curfew.ts'],
    allowed: ['./aws/report.ts', './openai/client.ts', './curfew/sweep.ts', './errors.ts', 'middy'],
  },
  'lambda/request.ts': {
    refused: ['./aws/table.ts', './openai/client.ts', './work.ts', '../infra/settings.ts'],
    allowed: ['./curfew/job.ts', './errors.ts', './names.ts', 'valibot'],
  },
  'lambda/errors.ts': { refused: ['./names.ts', './curfew/job.ts', 'valibot'], allowed: [] },
  'lambda/aws/planted.ts': {
    refused: ['../openai/client.ts', '../work.ts', '../invocation.ts', '../../infra/settings/settings.ts'],
    allowed: [
      '../curfew/decision.ts',
      '../settings.ts',
      '../request.ts',
      '@aws-sdk/client-ssm',
      './table.ts',
    ],
  },
  'lambda/openai/planted.ts': {
    refused: [
      '../aws/table.ts',
      '../settings.ts',
      '../work.ts',
      '@aws-sdk/client-ssm',
      '@aws/bedrock-token-generator',
      '@aws-lambda-powertools/logger',
    ],
    allowed: [
      '../curfew/job.ts',
      '../errors.ts',
      '../providers.ts',
      './answer.ts',
      '@smithy/node-http-handler',
    ],
  },
  'lambda/curfew/planted.ts': {
    refused: [
      '../aws/table.ts',
      '../openai/client.ts',
      '../settings.ts',
      '@aws-sdk/client-ssm',
      '@smithy/node-http-handler',
      'node:fs',
    ],
    allowed: ['./job.ts', '../errors.ts', 'valibot'],
  },
  'infra/planted.ts': {
    refused: [
      '../lambda/invocation.ts',
      '../lambda/curfew/list.ts',
      './local/tour/tour.ts',
      '../test/support/curfew.ts',
    ],
    allowed: ['../lambda/settings.ts', '../lambda/names.ts', './monitoring/alarms.ts', 'aws-cdk-lib'],
  },
  'infra/monitoring/planted.ts': {
    refused: ['../../lambda/invocation.ts', '../local/tour/tour.ts', '../../test/support/curfew.ts'],
    allowed: ['../../lambda/names.ts', '../settings/settings.ts', './metrics.ts'],
  },
  'infra/local/aws/planted.ts': {
    refused: [
      '../../stack.ts',
      '../../index.ts',
      '../../../lambda/invocation.ts',
      '../../../lambda/curfew/list.ts',
    ],
    allowed: ['../../../lambda/contract.ts', '../../../lambda/names.ts', '../providers/simulator.ts'],
  },
  'infra/local/aws/stub/planted.ts': {
    refused: ['../../../stack.ts', '../../../../lambda/handler.ts'],
    allowed: ['../../providers/simulator.ts', '../../../../lambda/names.ts'],
  },
};

const reportSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    diagnostics: v.array(
      v.object({
        category: v.string(),
        location: v.object({ path: v.string(), start: v.object({ line: v.number() }) }),
      }),
    ),
  }),
);

/** Of files that each re-export modules: which modules the linter refuses under a rule, by file. */
async function refusals(planted: Record<string, string[]>, rule: string): Promise<Record<string, string[]>> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'curfew-imports-'));
  await cp(join(root, 'biome.json'), join(directory.path, 'biome.json'));
  for (const [file, modules] of Object.entries(planted)) {
    const path = join(directory.path, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(
      path,
      modules.map((module, line) => `export { it as it${line} } from '${module}';\n`).join(''),
    );
  }
  const flags = ['--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', `--only=${rule}`];
  const { stdout } = await spawnAndRead(['lint', ...flags, '.'], directory.path);
  const { diagnostics } = v.parse(reportSchema, stdout);
  return Object.fromEntries(
    Object.entries(planted).map(([file, modules]) => {
      const lines = diagnostics.filter(
        ({ category, location }) => category === `lint/${rule}` && location.path === file,
      );
      const refused = new Set(lines.map(({ location }) => location.start.line - 1));
      return [file, modules.filter((_, line) => refused.has(line))];
    }),
  );
}

/** What Biome writes; that it finds fault is no failure here. */
async function spawnAndRead(args: string[], cwd: string): Promise<{ stdout: string }> {
  const { promise, resolve } = Promise.withResolvers<{ stdout: string }>();
  // Biome's cache belongs to the clone, not to the home directory.
  const env = { ...process.env, XDG_CACHE_HOME: join(root, '.cache') };
  execFile(biome, args, { cwd, env }, (_fault, stdout) => resolve({ stdout }));
  return promise;
}

test('no part of the project imports what is above it', async () => {
  const planted = Object.entries(arrows).map(([file, { refused, allowed }]) => [
    file,
    [...refused, ...allowed],
  ]);
  const expected = Object.entries(arrows).map(([file, { refused }]) => [file, refused]);
  assert.deepEqual(
    await refusals(Object.fromEntries(planted), 'style/noRestrictedImports'),
    Object.fromEntries(expected),
  );
});

test('no files import each other in a circle', async () => {
  const circle = {
    'lambda/curfew/a.ts': ['./b.ts'],
    'lambda/curfew/b.ts': ['./c.ts'],
    'lambda/curfew/c.ts': ['./a.ts'],
    'lambda/curfew/d.ts': ['./a.ts'],
  };
  assert.deepEqual(await refusals(circle, 'suspicious/noImportCycles'), {
    ...circle,
    'lambda/curfew/d.ts': [],
  });
});
