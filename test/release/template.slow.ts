import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { accountOrSkip } from './account.ts';
import { released } from './released.ts';
import { deployTemplate } from './stack.ts';

const { account, skip } = await accountOrSkip(['ftjob-1', 'ftjob-2']);
after(() => account?.[Symbol.asyncDispose]());

describe('the template, deployed by the AWS CLI alone', { skip }, () => {
  if (!account) return;
  const { emulator, openai } = account;
  const deploy = (parameters: Record<string, string>) =>
    deployTemplate(emulator, {
      stackName: 'ByTemplate',
      template: released.template,
      parameters: { Name: 'by-template', OpenaiBaseUrl: openai.baseUrl, ...parameters },
    });

  test('creates a function that cancels a job', async () => {
    const { invoke } = await deploy({});
    assert.deepEqual(await invoke({ jobId: 'ftjob-1' }), {
      payload: { jobId: 'ftjob-1', outcome: 'cancelled', initialStatus: 'running', finalStatus: 'cancelled' },
    });
    assert.equal(openai.jobs.get('ftjob-1')?.status, 'cancelled');
  });

  test('is small enough once it is packaged', () => {
    assert.ok(statSync(join(emulator.runDirectory, 'ByTemplate.yaml')).size < 51_200);
  });

  test('accepts other settings, and creates what they need', async () => {
    const { invoke } = await deploy({
      ...{ TimeBudgetMinutes: '0', DryRun: 'true', NotifyEmail: 'ops@example.com', SweepEveryMinutes: '1' },
      ...{ CancelLimit: 'none', LogLevel: 'DEBUG', WarnBeforeMinutes: '0' },
    });
    const { payload } = await invoke({ sweep: {} });
    const { dryRun, timeBudgetMinutes, cancelLimit, wouldCancel } = payload as Record<string, unknown>;
    assert.deepEqual(
      { dryRun, timeBudgetMinutes, cancelLimit, wouldCancel },
      { dryRun: true, timeBudgetMinutes: 0, cancelLimit: 'none', wouldCancel: 1 },
    );
  });

  const refused: [parameter: string, value: string, complaint: RegExp][] = [
    ['TimeBudgetMinutes', '0', /TimeBudgetMinutes 0 would cancel every job at once/],
    ['TimeBudgetMinutes', '1.5', /a whole number, 0 or more/],
    ['OpenaiBaseUrl', 'http://example.com/v1', /an https URL, or http on loopback/],
    ['SweepEveryMinutes', '7', /SweepEveryMinutes/],
  ];
  for (const [parameter, value, complaint] of refused) {
    test(`refuses ${parameter} ${value} before anything is deployed`, async () => {
      await assert.rejects(deploy({ DryRun: 'false', [parameter]: value }), complaint);
    });
  }
});
