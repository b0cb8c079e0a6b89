import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type AwsStub, startAwsStub } from '../../../infra/local/aws/stub/server.ts';
import { createAwsClients } from '../../../lambda/aws/clients.ts';
import { createProjectList } from '../../../lambda/aws/project-list.ts';
import type { ProjectSettings } from '../../../lambda/project-settings.ts';
import { defaultSettings, environmentFor, type Settings, settingsFrom } from '../../../lambda/settings.ts';
import { awsCredentials, startCurfew } from '../../support/curfew.ts';

const path = '/fine-tuning-curfew/projects/0123456789abcdef';

interface ListUnderTest extends AsyncDisposable {
  aws: AwsStub;
  warnings: unknown[];
  projects: () => Promise<ProjectSettings[]>;
}

/** The list of a function, over parameters by the last part of their name. */
async function startList(
  parameters: Record<string, unknown>,
  settings: Partial<Settings> = {},
): Promise<ListUnderTest> {
  await using starting = new AsyncDisposableStack();
  const values = Object.entries(parameters).map(([name, value]) => [
    `${path}/${name}`,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  const aws = starting.use(await startAwsStub({ parameters: Object.fromEntries(values) }));
  const clients = createAwsClients({ endpoint: aws.url, region: 'us-east-1', credentials: awsCredentials });
  starting.defer(() => clients.destroy());
  const environment = {
    ...environmentFor({ ...defaultSettings, ...settings }),
    TABLE_NAME: 'table',
    AWS_REGION: 'us-east-1',
    PROJECTS_PATH: path,
  };
  const warnings: unknown[] = [];
  const logger = { warn: (line: unknown) => warnings.push(line) };
  const running = starting.move();
  return {
    aws,
    warnings,
    projects: createProjectList(settingsFrom(environment), clients.parameterStore, logger),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Lets so many minutes pass since now, on the process's clock. */
function inMinutes(t: TestContext): (minutes: number) => void {
  const startedAt = performance.now();
  let now = startedAt;
  t.mock.method(performance, 'now', () => now);
  return (minutes) => {
    now = startedAt + minutes * 60_000;
  };
}

describe('the projects of a deployment', () => {
  test('come in configured order, whatever the order of the parameters', async () => {
    await using list = await startList({
      '0010': [{ name: 'last' }],
      '0000': [{ name: 'first' }, { name: 'second' }],
      '0002': [{ name: 'third' }],
    });
    const names = (await list.projects()).map(({ name }) => name);
    assert.deepEqual(names, ['first', 'second', 'third', 'last']);
  });

  test('come from as many pages as there are', async () => {
    const parameters = Array.from({ length: 25 }, (_, index) => [
      String(index).padStart(4, '0'),
      [{ name: `team-${index}` }],
    ]);
    await using list = await startList(Object.fromEntries(parameters));
    const names = (await list.projects()).map(({ name }) => name);
    assert.deepEqual(
      names,
      Array.from({ length: 25 }, (_, index) => `team-${index}`),
    );
    assert.equal(list.aws.parameterReads, 3);
  });

  test('inherit from the settings, and hold what they set, as text or not', async () => {
    const own = { timeBudgetMinutes: 90, lookbackDays: '0', cancelLimit: 'none', dryRun: true };
    await using list = await startList(
      { '0000': [{ name: 'research', ...own }, { name: 'production' }] },
      { secretName: 'top/key', cancelLimit: 3 },
    );
    const [research, production] = await list.projects();
    assert.deepEqual(production, {
      name: 'production',
      provider: 'openai',
      openaiBaseUrl: 'https://api.openai.com/v1',
      openaiProject: undefined,
      secretName: 'top/key',
      secretField: 'apiKey',
      secretKmsKeyArn: undefined,
      timeBudgetMinutes: 360,
      budgetFrom: 'default',
      lookbackDays: 30,
      cancelLimit: 3,
      dryRun: false,
    });
    assert.deepEqual(research, {
      ...production,
      name: 'research',
      timeBudgetMinutes: 90,
      budgetFrom: 'project',
      lookbackDays: 0,
      cancelLimit: 'none',
      dryRun: true,
    });
  });

  test('on Bedrock are in the region of the function, if they name none', async () => {
    await using list = await startList({ '0000': [{ name: 'here', provider: 'bedrock' }] });
    const [project] = await list.projects();
    assert.equal(project?.openaiBaseUrl, 'https://bedrock-mantle.us-east-1.api.aws/v1');
  });
});

describe('the projects are read', () => {
  test('once in five minutes, however many ask', async () => {
    await using list = await startList({ '0000': [{ name: 'research' }] });
    await Promise.all([list.projects(), list.projects()]);
    await list.projects();
    assert.equal(list.aws.parameterReads, 1);
  });

  test('again after five minutes, so a secret that was replaced is known', async (t) => {
    await using list = await startList({ '0000': [{ name: 'research', secretName: 'old' }] });
    const passed = inMinutes(t);
    assert.equal((await list.projects())[0]?.secretName, 'old');
    list.aws.parameters.set(`${path}/0000`, JSON.stringify([{ name: 'research', secretName: 'new' }]));
    passed(4.9);
    assert.equal((await list.projects())[0]?.secretName, 'old');
    passed(5.1);
    assert.equal((await list.projects())[0]?.secretName, 'new');
  });

  test('but still hold if that fails, with one warning in five minutes', async (t) => {
    await using list = await startList({ '0000': [{ name: 'research' }] });
    const passed = inMinutes(t);
    await list.projects();
    list.aws.parameterStore = 'denied';
    passed(6);
    for (let times = 0; times < 2; times += 1) assert.equal((await list.projects())[0]?.name, 'research');
    assert.deepEqual(list.warnings, [
      'The projects could not be read again (AccessDeniedException). Those that were read before still hold.',
    ]);
  });

  test('once, by invocations of any kind', async () => {
    await using curfew = await startCurfew({ projects: { research: {}, production: {} } });
    await curfew.list();
    await curfew.sweep();
    await assert.rejects(curfew.cancel('ftjob-none'), { name: 'JobNotFoundError' });
    assert.equal(curfew.aws.parameterReads, 1);
  });

  test('never, if there is only one, made of the settings', async () => {
    await using curfew = await startCurfew();
    await curfew.sweep();
    assert.equal(curfew.aws.parameterReads, 0);
  });

  test('again, if that failed', async () => {
    await using list = await startList({ '0000': [{ name: 'research' }] });
    list.aws.parameterStore = 'denied';
    await assert.rejects(list.projects(), { name: 'StateError' });
    list.aws.parameterStore = 'up';
    assert.equal((await list.projects()).length, 1);
    assert.equal(list.aws.parameterReads, 2);
  });
});

describe('projects that cannot be read are a StateError that says what to do', { concurrency: true }, () => {
  const faults = [
    ['throttled', 'ThrottlingException'],
    ['denied', 'AccessDeniedException'],
    ['down', 'InternalServerError'],
    ['silent', 'TimeoutError'],
  ] as const;
  for (const [health, reason] of faults) {
    test(`from a Parameter Store that is ${health}`, async () => {
      await using list = await startList({ '0000': [{ name: 'research' }] });
      list.aws.parameterStore = health;
      await assert.rejects(list.projects(), {
        name: 'StateError',
        message:
          `The projects could not be read from Parameter Store below ${path} (${reason}). ` +
          'Try again; if it persists, deploy the stack again.',
      });
    });
  }

  const malformed: [name: string, parameters: Record<string, unknown>, reason: string][] = [
    // To sweep no project would look like success.
    ['no parameters', {}, 'NoParameters'],
    ['no JSON', { '0000': 'research' }, 'ValiError'],
    ['no list', { '0000': { name: 'research' } }, 'ValiError'],
    ['no name', { '0000': [{ timeBudgetMinutes: 5 }] }, 'ValiError'],
    ['no valid name', { '0000': [{ name: 'research team' }] }, 'ValiError'],
    ['an unknown setting', { '0000': [{ name: 'research', timebudgetminutes: 5 }] }, 'ValiError'],
    ['a wrong setting', { '0000': [{ name: 'research', timeBudgetMinutes: -5 }] }, 'ValiError'],
    ['a setting that is null', { '0000': [{ name: 'research', timeBudgetMinutes: null }] }, 'ValiError'],
    ['settings that do not fit together', { '0000': [{ name: 'research', provider: 'azure' }] }, 'Error'],
    ['one that is wrong among others', { '0000': [{ name: 'a' }], '0001': [{ name: '' }] }, 'ValiError'],
  ];
  for (const [name, parameters, reason] of malformed) {
    test(`from parameters that hold ${name}`, async () => {
      await using list = await startList(parameters);
      await assert.rejects(list.projects(), {
        name: 'StateError',
        message: new RegExp(`below ${path} \\(${reason}\\)`),
      });
    });
  }

  test('and no job is looked at, nor a key read', async () => {
    await using curfew = await startCurfew({ projects: { research: {} } });
    curfew.aws.parameterStore = 'denied';
    for (const ask of [curfew.sweep, curfew.list, curfew.stopAll]) {
      await assert.rejects(ask(), { name: 'StateError' });
    }
    assert.deepEqual([curfew.openai.calls, curfew.aws.secretReads], [[], []]);
    assert.equal(curfew.metricDocuments.filter(({ Errors }) => Errors === 1).length, 3);
  });
});
