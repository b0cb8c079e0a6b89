import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { startAwsStub } from '../../../infra/local/aws/stub/server.ts';
import { createAwsClients } from '../../../lambda/aws/clients.ts';
import { createProjectList } from '../../../lambda/aws/project-list.ts';
import { parseSettings } from '../../../lambda/settings.ts';
import { awsCredentials, environmentWith } from '../../support/curfew.ts';

const aws = await startAwsStub();
after(() => aws[Symbol.asyncDispose]());
const clients = createAwsClients({ endpoint: aws.url, region: 'us-east-1', credentials: awsCredentials });

const path = '/fine-tuning-curfew/projects/0123456789abcdef';
const warnings: string[] = [];
const logger = { warn: (line: string) => warnings.push(line) };

beforeEach(() => {
  Object.assign(aws, { parameterStore: 'up', parameterReads: 0 });
  aws.parameters.clear();
  warnings.length = 0;
});

/** Puts parts of a list into Parameter Store, keyed by the end of their names. */
function putParts(parts: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(parts)) {
    aws.parameters.set(`${path}/${name}`, typeof value === 'string' ? value : JSON.stringify(value));
  }
}

/** Puts a list into Parameter Store, and reads it as a function that expects this many parts. */
function listOf(parts: Record<string, unknown>, settings: object = {}, told = Object.keys(parts).length) {
  putParts(parts);
  const projectList = { path, parts: told };
  return createProjectList(projectList, parseSettings(environmentWith(settings)), clients.parameterStore, logger);
}
const namesIn = async (list: ReturnType<typeof listOf>) => (await list()).map(({ name }) => name);

describe('the projects of a deployment', () => {
  test('come in configured order, whatever the order of the parameters', async () => {
    const list = listOf({ '0010': [{ name: 'last' }], '0000': [{ name: 'first' }, { name: 'second' }], '0002': [] });
    assert.deepEqual(await namesIn(list), ['first', 'second', 'last']);
  });

  test('come from all pages', async () => {
    const names = Array.from({ length: 25 }, (_, index) => `team-${index}`);
    const parts = names.map((name, index) => [String(index).padStart(4, '0'), [{ name }]]);
    assert.deepEqual(await namesIn(listOf(Object.fromEntries(parts))), names);
    assert.equal(aws.parameterReads, 3);
  });

  test('inherit the settings, and keep their own, as numbers or text', async () => {
    const own = { timeBudgetMinutes: 90, lookbackDays: '0', cancelLimit: 'none', dryRun: 'true' };
    const parts = {
      '0000': [
        { name: 'research', ...own },
        { name: 'cloud', provider: 'bedrock' },
      ],
    };
    const [research, cloud] = await listOf(parts, { secretName: 'top/key', warnBeforeMinutes: 5 })();
    assert.partialDeepStrictEqual(research, {
      secretName: 'top/key',
      timeBudgetMinutes: 90,
      budgetFrom: 'project',
      lookbackDays: 0,
      cancelLimit: 'none',
      dryRun: true,
    });
    assert.equal(cloud?.openaiBaseUrl, 'https://bedrock-mantle.us-east-1.api.aws/v1');
  });
});

describe('the list is cached', () => {
  test('for five minutes', async (t) => {
    let now = performance.now();
    t.mock.method(performance, 'now', () => now);
    const list = listOf({ '0000': [{ name: 'old' }] });
    await list();
    putParts({ '0000': [{ name: 'new' }] });
    now += 4.9 * 60_000;
    assert.deepEqual([await namesIn(list), aws.parameterReads], [['old'], 1]);
    now += 0.2 * 60_000;
    assert.deepEqual([await namesIn(list), aws.parameterReads], [['new'], 2]);
  });

  const faults: [name: string, spoil: () => void, reason: string][] = [
    ['Parameter Store denies it', () => Object.assign(aws, { parameterStore: 'denied' }), 'AccessDeniedException'],
    ['parts of it are missing', () => aws.parameters.delete(`${path}/0001`), 'MissingPartsError'],
    ['it is invalid', () => putParts({ '0001': '{' }), 'ValiError'],
  ];
  for (const [name, spoil, reason] of faults) {
    test(`by a warm function if ${name}, for another five minutes`, async (t) => {
      let now = performance.now();
      t.mock.method(performance, 'now', () => now);
      const list = listOf({ '0000': [{ name: 'a' }], '0001': [{ name: 'b' }] });
      await list();
      spoil();
      now += 6 * 60_000;
      for (const _time of [1, 2]) assert.deepEqual(await namesIn(list), ['a', 'b']);
      assert.equal(aws.parameterReads, 2);
      const warning = `The projects could not be refreshed (${reason}). The previous ones stay in use.`;
      assert.deepEqual(warnings, [warning]);
    });
  }

  test('but not if it could not be read', async () => {
    const list = listOf({ '0000': [{ name: 'research' }] });
    aws.parameterStore = 'denied';
    await assert.rejects(list(), { name: 'StateError' });
    aws.parameterStore = 'up';
    assert.deepEqual(await namesIn(list), ['research']);
  });
});

describe('a list that cannot be read is a StateError that says what to do', () => {
  for (const [health, reason] of [
    ['denied', 'AccessDeniedException'],
    ['down', 'InternalServerError'],
  ] as const) {
    test(`from a Parameter Store that is ${health}`, async () => {
      const list = listOf({ '0000': [{ name: 'research' }] });
      aws.parameterStore = health;
      const message =
        `The projects could not be read from Parameter Store under ${path} (${reason}). ` +
        'Try again; if it persists, deploy the stack again.';
      await assert.rejects(list(), { name: 'StateError', message });
    });
  }

  const one = [{ name: 'research' }];
  const malformed: [name: string, parts: Record<string, unknown>, reason: string, told?: number][] = [
    ['no parts', {}, 'MissingPartsError', 1],
    ['fewer parts than the stack wrote', { '0000': one }, 'MissingPartsError', 2],
    ['more parts than the stack wrote', { '0000': one, '0001': one }, 'MissingPartsError', 1],
    ['no JSON', { '0000': 'research' }, 'ValiError'],
    ['no array', { '0000': { name: 'research' } }, 'ValiError'],
    ['a project without a name', { '0000': [{ timeBudgetMinutes: 5 }] }, 'ValiError'],
    ['an invalid name', { '0000': [...one, { name: 'research team' }] }, 'ValiError'],
    ['an unknown setting', { '0000': [{ name: 'research', timebudgetminutes: 5 }] }, 'ValiError'],
    ['an invalid setting', { '0000': [{ name: 'research', timeBudgetMinutes: null }] }, 'ValiError'],
    ['settings that do not fit together', { '0000': [{ name: 'research', provider: 'azure' }] }, 'Error'],
  ];
  for (const [name, parts, reason, told] of malformed) {
    test(`with ${name}`, async () => {
      const message = new RegExp(`under ${path} \\(${reason}\\)`);
      await assert.rejects(listOf(parts, {}, told)(), { name: 'StateError', message });
    });
  }
});
