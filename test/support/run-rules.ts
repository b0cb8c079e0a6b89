import assert from 'node:assert/strict';
import type { SweepRequest } from '../../lambda/contract.ts';
import { type CancelTarget, cancelJob, type Decision } from '../../lambda/curfew/cancel.ts';
import { judge } from '../../lambda/curfew/deadline.ts';
import type { CancelReply, Job, JobRow, Phase } from '../../lambda/curfew/job.ts';
import type { Listing } from '../../lambda/curfew/listing.ts';
import { sweep } from '../../lambda/curfew/sweep.ts';
import {
  type FakeContext,
  type FakeContextOptions,
  type FakeProjectOptions,
  fakeContext,
  fakeProject,
  jobOf,
  now,
} from './fake-ports.ts';

const id = 'ftjob-1';
/** The job to cancel: overdue, in this phase. */
export const jobIn = (phase: Phase, fields: Partial<Job> = {}) => jobOf({ id, phase, ageMinutes: 400, ...fields });
export const running = jobIn('running');
export const cancelled = jobIn('finished', { wasCancelled: true });

export interface CancelScript extends Partial<CancelTarget>, FakeContextOptions {
  /** What reading the job returns each time; by default, a running, overdue job. */
  looks?: (Job | Error)[];
  /** What sending a cancel returns each time. */
  replies?: CancelReply[];
  context?: FakeContext;
}

/** Cancels `ftjob-1`, whose provider answers by the script. Fails on any other call. */
export function cancelWith({ looks = [running], replies = [], ...options }: CancelScript) {
  const looksLeft = [...looks];
  const repliesLeft = [...replies];
  const project = fakeProject({
    retrieve: async () => {
      const look = looksLeft.shift();
      assert.ok(look, 'an unexpected look');
      if (look instanceof Error) throw look;
      return look;
    },
    cancel: async () => {
      const reply = repliesLeft.shift();
      assert.ok(reply, 'an unexpected cancel');
      return reply;
    },
  });
  const context = options.context ?? fakeContext(options);
  const decided = cancelJob({ project, jobId: id, reason: 'requested', dryRun: false, ...options }, context);
  const steps = () => project.calls.map((call) => call.split(' ')[0]).join(' ');
  return { decided, steps, context };
}

export async function outcomeOf(script: CancelScript) {
  const { outcome, finalStatus } = await cancelWith(script).decided;
  return { outcome, finalStatus };
}

export interface SweepScene extends FakeProjectOptions, FakeContextOptions {
  request?: SweepRequest['sweep'];
  context?: FakeContext;
}

/** Sweeps one project. Calls to provider, table and events are recorded in one list. */
export async function sweepOne({ request = {}, ...options }: SweepScene) {
  const calls: string[] = [];
  const context = options.context ?? fakeContext({ calls, ...options });
  const project = fakeProject({ calls, ...options });
  const { answer, tally } = await sweep({ sweep: request }, [project], context);
  const outcomes = Object.fromEntries(answer.jobs.map(({ jobId, outcome }) => [jobId, outcome]));
  return { answer, tally, outcomes, project, context, calls };
}

/** Changes something after rows are looked up and before single jobs are. */
export function afterLookUp(context: FakeContext, change: () => void): FakeContext {
  const { read } = context.table;
  context.table.read = async (jobId) => {
    const row = await read(jobId);
    change();
    return row;
  };
  return context;
}

export interface DecisionFields extends Partial<Omit<Decision, 'judgement'>> {
  row?: JobRow;
}

/** A decision on `ftjob-1`, 400 minutes old: by default, that it was cancelled as alice requested. */
export function decisionOn({ row = {}, ...fields }: DecisionFields = {}): Decision {
  const { project = fakeProject(), job = jobOf({ id, ageMinutes: 400.5 }) } = fields;
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

/** The complete listing of a project without jobs. */
export const listingOf = (fields: Partial<Listing> = {}): Listing => ({
  project: fakeProject(),
  unfinished: [],
  inspected: 0,
  unreadable: [],
  hasFirstPage: true,
  ...fields,
});
