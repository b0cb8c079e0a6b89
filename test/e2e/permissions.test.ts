import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { aws } from '../../infra/local/aws/commands.ts';
import { eventually } from '../../infra/local/aws/eventually.ts';
import type { Invocation } from '../../infra/local/aws/local-system.ts';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import type { SweepAnswer } from '../../lambda/contract.ts';
import { deployOrSkip } from '../support/deploy-or-skip.ts';

const { system, skip } = await deployOrSkip({
  projects: { research: { provider: 'openai', jobs: [] }, bedrock: { provider: 'bedrock', jobs: [] } },
  context: { sweepEveryMinutes: '1440' },
});
after(() => system?.[Symbol.asyncDispose]());

const sweepOf = ({ payload }: Invocation) => payload as SweepAnswer;
const extend = { extend: { jobId: 'ftjob-overdue', minutes: 60 } };

/** What happens without each permission. */
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
  ['ssm:GetParametersByPath', { list: {} }, ({ error }) => assert.match(error?.message ?? '', /AccessDenied/)],
];

describe('each permission is needed, and reported if it is missing', { skip }, async () => {
  if (!system) return;
  const { emulator, providers } = system;
  const role = (await system.output('RoleArn')).split('/').at(-1) ?? '';
  const policy = ['--role-name', role, '--policy-name', 'taken-away'];
  const takeAway = (action: string) => {
    const Statement = [{ Effect: 'Deny', Action: action, Resource: '*' }];
    const document = JSON.stringify({ Version: '2012-10-17', Statement });
    return aws(emulator, 'iam', 'put-role-policy', ...policy, '--policy-document', document);
  };
  /** Forgets what was read before. */
  const startCold = (description: string) =>
    aws(
      emulator,
      ...['lambda', 'update-function-configuration', '--function-name', system.functionName],
      ...['--description', description],
    );

  const overdueJob = () => {
    const job = simulatedJob({ id: 'ftjob-overdue', status: 'running', ageMinutes: 400 });
    providers.get('research')?.jobs.set(job.id, job);
    return job;
  };
  const without = async <Result>(action: string, run: () => Promise<Result>): Promise<Result> => {
    await takeAway(action);
    await startCold(`Without ${action}`);
    try {
      return await run();
    } finally {
      await aws(emulator, 'iam', 'delete-role-policy', ...policy);
      await startCold('With everything again');
    }
  };

  for (const [action, request, sees] of cases) {
    test(action, async () => {
      const job = overdueJob();
      sees(await without(action, () => system.invoke(request)));
      assert.equal(job.status, 'running');
    });
  }

  test('events:PutEvents: the cancel stands, and the log says what was not published', async () => {
    const group = `/aws/lambda/${system.functionName}`;
    const filter = ['--log-group-name', group, '--filter-pattern', '"No event could be published"'];
    await without('events:PutEvents', () =>
      // On a loaded machine the refusal may take longer than the two seconds that a cancel waits for it.
      eventually(async () => {
        const job = overdueJob();
        const { error } = await system.invoke({ jobId: job.id });
        assert.equal(error, undefined);
        assert.equal(job.status, 'cancelled');
        const { events } = (await aws(emulator, 'logs', 'filter-log-events', ...filter)) as {
          events: { message: string }[];
        };
        return events.some(({ message }) => message.includes(job.id) && message.includes('AccessDenied'));
      }),
    );
  });

  test('with all of them, a sweep does its work', async () => {
    overdueJob();
    const { complete, cancelled } = sweepOf(await system.invoke({ sweep: {} }));
    assert.deepEqual([complete, cancelled], [true, 1]);
  });
});
