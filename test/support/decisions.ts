import assert from 'node:assert/strict';
import type { Decision } from '../../lambda/curfew/cancel.ts';
import type { Project } from '../../lambda/curfew/context.ts';
import { judge, type Rules } from '../../lambda/curfew/deadline.ts';
import type { FineTuningProvider, Job, JobRow } from '../../lambda/curfew/job.ts';

/** Now, in Unix seconds. */
export const now = Date.parse('2026-11-25T12:00:00Z') / 1000;

const rules: Rules = {
  timeBudgetMinutes: 90,
  budgetFrom: 'default',
  queueLimitMinutes: undefined,
  lookbackDays: 30,
  cancelLimit: 20,
  dryRun: false,
};

/** A running job, 100 minutes old. */
export function jobNamed(id: string, fields: Partial<Job> = {}): Job {
  return {
    id,
    status: 'running',
    phase: 'running',
    wasCancelled: false,
    isKnownStatus: true,
    createdAt: now - 100 * 60,
    startedAt: null,
    estimatedFinish: null,
    model: 'gpt-4o-mini',
    metadata: { team: 'search' },
    hasOddMetadata: false,
    ...fields,
  };
}

/** A project whose provider answers only the given calls. */
export function projectNamed(name?: string, calls: Partial<FineTuningProvider> = {}): Project {
  const unexpected = () => assert.fail('an unexpected call');
  const provider = { mayHave: () => true, retrieve: unexpected, cancel: unexpected, list: unexpected, ...calls };
  return { name, rules, provider, maxConcurrency: 100 };
}

interface DecisionFields extends Partial<Omit<Decision, 'judgement'>> {
  row?: JobRow;
}

/** What was decided about `ftjob-1`: by default, that it was cancelled as alice requested. */
export function decisionOn({ row = {}, ...fields }: DecisionFields = {}): Decision {
  const { project = projectNamed(), job = jobNamed('ftjob-1') } = fields;
  return {
    project,
    job,
    judgement: judge(job, row, project.rules, now),
    outcome: 'cancelled',
    finalStatus: 'cancelled',
    reason: 'requested',
    requestedBy: 'alice',
    isCancelledNow: true,
    wasPublished: false,
    ...fields,
  };
}
