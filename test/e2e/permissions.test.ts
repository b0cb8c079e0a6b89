import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { aws } from '../../infra/local/aws-commands.ts';
import type { Invocation } from '../../infra/local/local-system.ts';
import { simulatedJob } from '../../infra/local/simulated-job.ts';
import type { SweepAnswer } from '../support/answers.ts';
import { deployOrSkip } from '../support/deploy-or-skip.ts';

const { system, skip } = await deployOrSkip({
  projects: {
    research: { provider: 'openai', jobs: [] },
    bedrock: { provider: 'bedrock', jobs: [] },
  },
  context: { sweepEveryMinutes: '1440' },
});
after(() => system?.[Symbol.asyncDispose]());

interface Statement {
  Action: string | string[];
}

const sweepOf = ({ payload }: Invocation) => payload as SweepAnswer;
const extend = { extend: { jobId: 'ftjob-overdue', minutes: 60 } };

/** What is seen without a permission, by what it allows. */
const cases: [action: string, request: object, sees: (invocation: Invocation) => void][] = [
  [
    'secretsmanager:GetSecretValue',
    { sweep: {} },
    (invocation) => {
      const { failedProjects } = sweepOf(invocation);
      assert.deepEqual(
        failedProjects?.map(({ project, error }) => [project, error.name]),
        [['research', 'ApiKeyError']],
      );
      assert.match(failedProjects?.[0]?.error.message ?? '', /AccessDenied/);
    },
  ],
  [
    'dynamodb:BatchGetItem',
    { sweep: {} },
    (invocation) => {
      const { cancelled, failed, jobs } = sweepOf(invocation);
      assert.deepEqual([cancelled, failed], [0, 1]);
      assert.equal(jobs[0]?.error?.name, 'StateError');
    },
  ],
  ['dynamodb:UpdateItem', extend, ({ error }) => assert.match(error?.message ?? '', /table.*AccessDenied/i)],
  [
    'ssm:GetParametersByPath',
    { list: {} },
    ({ error }) => assert.match(error?.message ?? '', /AccessDenied/),
  ],
];

describe('each permission is needed, and its lack is named', { skip }, async () => {
  if (!system) return;
  const { emulator, providers } = system;
  const role = (await system.output('RoleArn')).split('/').at(-1) ?? '';
  const { PolicyNames } = (await aws(emulator, 'iam', 'list-role-policies', '--role-name', role)) as {
    PolicyNames: string[];
  };
  const policyOf = async (name: string) => {
    const { PolicyDocument } = (await aws(
      emulator,
      ...['iam', 'get-role-policy', '--role-name', role, '--policy-name', name],
    )) as { PolicyDocument: { Statement: Statement[] } };
    return PolicyDocument;
  };
  const put = (name: string, document: object) =>
    aws(
      emulator,
      ...['iam', 'put-role-policy', '--role-name', role, '--policy-name', name],
      ...['--policy-document', JSON.stringify(document)],
    );
  /** What was read before is forgotten. */
  const startCold = (description: string) =>
    aws(
      emulator,
      ...['lambda', 'update-function-configuration', '--function-name', system.functionName],
      ...['--description', description],
    );

  for (const [action, request, sees] of cases) {
    test(action, async () => {
      const job = simulatedJob({ id: 'ftjob-overdue', status: 'running', ageMinutes: 400 });
      providers.get('research')?.jobs.set(job.id, job);
      const whole = await Promise.all(
        PolicyNames.map(async (name) => ({ name, document: await policyOf(name) })),
      );
      const without = whole.map(({ name, document }) => ({
        name,
        document: {
          ...document,
          Statement: document.Statement.flatMap((statement) => lacking(statement, action)),
        },
      }));
      assert.notDeepEqual(without, whole, `the role has ${action}`);
      for (const { name, document } of without) await put(name, document);
      await startCold(`Without ${action}`);
      try {
        sees(await system.invoke(request));
        assert.equal(job.status, 'running');
      } finally {
        for (const { name, document } of whole) await put(name, document);
        await startCold('Whole again');
      }
    });
  }

  test('with all of them a sweep does its work', async () => {
    const { complete, cancelled } = sweepOf(await system.invoke({ sweep: {} }));
    assert.deepEqual([complete, cancelled], [true, 1]);
  });
});

/** The statement without an action; nothing if that was its only one. */
function lacking(statement: Statement, action: string): Statement[] {
  const left = [statement.Action].flat().filter((allowed) => allowed !== action);
  return left.length === 0 ? [] : [{ ...statement, Action: left }];
}
