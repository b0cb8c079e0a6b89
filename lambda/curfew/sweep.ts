import pMap from 'p-map';
import type { Outcome, StopAllRequest, SweepRequest } from '../contract.ts';
import { StateError, toNamedError } from '../errors.ts';
import { cancelJob, type Decision, type Reason } from './cancel.ts';
import type { Context, Project } from './context.ts';
import { cancelProgress, findWarning, isActive, type JudgedJob, loadAndJudge, type Rules } from './deadline.ts';
import { listJobs } from './listing.ts';
import { stopAllAnswer, sweepAnswer, Tally } from './tally.ts';

/** Leaves room for a hundred projects that hang until their calls time out. */
export const maxConcurrentProjects = 200;

/** Cancels every job past its deadline, in all given projects. */
export async function sweep({ sweep: given }: SweepRequest, projects: Project[], context: Context) {
  const targets = projects.map((project) => ({ ...project, rules: overrideRules(project, given) }));
  // A trial sweep sends no warnings.
  const warns = given.timeBudgetMinutes === undefined && given.dryRun !== true;
  const warnBeforeMinutes = warns ? context.warnBeforeMinutes : 0;
  const tally = await sweepProjects(targets, 'time_budget', { ...context, warnBeforeMinutes });
  return { answer: sweepAnswer(tally), tally };
}

/** Cancels every active job, in all given projects, whatever its budget, exemption or extension. */
export async function stopAll({ stopAll: given }: StopAllRequest, projects: Project[], context: Context) {
  const { dryRun = false } = given;
  const overrides = { dryRun, lookbackDays: 0, cancelLimit: 'none' as const };
  const targets = projects.map((project) => ({ ...project, rules: { ...project.rules, ...overrides } }));
  const tally = await sweepProjects(targets, 'stop_all', { ...context, warnBeforeMinutes: 0 });
  return { answer: stopAllAnswer(tally, dryRun), tally };
}

/** Returns a project's rules with the request's overrides. */
function overrideRules({ name, rules }: Project, given: SweepRequest['sweep']): Rules {
  const { project, dryRun = rules.dryRun, ...overrides } = given;
  // With `projects`, a request must name a dry-run project to cancel its jobs for real.
  const mayCancel = name === undefined || project !== undefined;
  return { ...rules, ...overrides, dryRun: mayCancel ? dryRun : dryRun || rules.dryRun };
}

async function sweepProjects(projects: Project[], reason: Reason, context: Context): Promise<Tally> {
  const tally = new Tally(projects);
  // In random order, so the same project is not cut off by time in every sweep.
  const shuffled = projects
    .map((project) => ({ project, position: Math.random() }))
    .sort((a, b) => a.position - b.position);
  await pMap(
    shuffled,
    ({ project }) => sweepProject(project, reason, tally, context).catch((error) => tally.addFailure(project, error)),
    { concurrency: maxConcurrentProjects },
  );
  if (context.time.signal.aborted) tally.isOutOfTime = true;
  return tally;
}

/** Sweeps one project: list, look up, judge, limit, act. */
async function sweepProject(project: Project, reason: Reason, tally: Tally, context: Context): Promise<void> {
  const { rules, maxConcurrency: concurrency } = project;
  const { now, report, requestedBy } = context;
  const isSweep = reason === 'time_budget';
  const decide = ({ job, judgement }: JudgedJob, outcome: Outcome, error?: unknown): Decision => {
    const facts = { project, job, judgement, reason, requestedBy, outcome };
    const unsent = { ...facts, finalStatus: null, isCancelledNow: false, wasPublished: false };
    const decision: Decision = error === undefined ? unsent : { ...unsent, error: toNamedError(error) };
    report.decided(decision);
    return decision;
  };

  // List
  const listing = await listJobs(project, { lookbackDays: rules.lookbackDays, withBudgets: isSweep }, context);

  // Look up, judge
  const judgedJobs = await Promise.all(listing.unfinished.map((job) => loadAndJudge(project, job, isSweep, context)));
  for (const { job, judgement, row } of judgedJobs) tally.addFound(job, judgement, row, now);
  for (const judged of judgedJobs.filter(({ job }) => job.phase === 'other')) decide(judged, 'not_cancellable');
  const active = judgedJobs.filter(({ job }) => isActive(job));
  const isDue = ({ judgement }: JudgedJob) => !isSweep || judgement.isOverdue;
  const { due = [], notDue = [] } = Object.groupBy(active, (judged) => (isDue(judged) ? 'due' : 'notDue'));
  for (const judged of notDue) decide(judged, judged.judgement.budgetFrom === 'exempt' ? 'exempt' : 'within_budget');

  // Limit
  const isNew = ({ row }: JudgedJob) => row.cancellingSince === undefined;
  const isOverLimit = rules.cancelLimit !== 'none' && due.filter(isNew).length > rules.cancelLimit;

  // Act
  const unreadable = judgedJobs.find(({ readError }) => readError);
  if (unreadable) report.problem(unreadable, unreadable.readError);
  if (isSweep) await noteStates(judgedJobs, concurrency, context);
  await pMap(notDue, (judged) => warn(judged, context), { concurrency });
  for (const decision of await pMap(due, act, { concurrency })) if (decision) tally.addDecision(decision);
  tally.addListing(listing);

  /** Returns undefined if time runs out before its turn. */
  async function act(judged: JudgedJob): Promise<Decision | undefined> {
    // A cancel cannot be undone, and the job may have been extended. The next sweep is minutes away.
    if (judged.readError) return decide(judged, 'failed', judged.readError);
    if (isOverLimit && isNew(judged)) return decide(judged, 'held_back');
    if (cancelProgress(judged.row, now) === 'recent') return decide(judged, 'cancelling');
    if (context.time.signal.aborted) return undefined;
    const target = { project, jobId: judged.job.id, reason, dryRun: rules.dryRun };
    return cancelJob(target, context).catch((error) => decide(judged, 'failed', error));
  }
}

/**
 * Notes which jobs are waiting or being cancelled. A failure costs a job its queue time at most, so only the first is
 * logged. Cancels come after this, so a slow table gets only a third of the time left.
 */
async function noteStates(judgedJobs: JudgedJob[], concurrency: number, context: Context): Promise<void> {
  const { table, now, time, report } = context;
  const startedAt = performance.now();
  const endsAt = startedAt + (time.endsAt - startedAt) / 3;
  const note = async ({ job, row }: JudgedJob): Promise<void> => {
    const isCancelling = job.phase === 'cancelling' && row.cancellingSince === undefined;
    if (job.phase !== 'waiting' && !isCancelling) return;
    if (performance.now() > endsAt) throw new StateError('The table of jobs is too slow to note the state of the job.');
    await (isCancelling ? table().noteCancelling : table().noteWaiting)(job.id, now);
  };
  const failures: { judged: JudgedJob; error: unknown }[] = [];
  await pMap(judgedJobs, (judged) => note(judged).catch((error) => failures.push({ judged, error })), { concurrency });
  const [first] = failures;
  if (first) report.problem(first.judged, first.error, failures.length - 1);
}

/** Publishes a warning, if one is due, and then notes it. */
async function warn(judged: JudgedJob, context: Context): Promise<void> {
  const { table, report } = context;
  const warning = findWarning(judged, context);
  if (warning === undefined || !(await report.publishWarning(judged, warning))) return;
  await table()
    .noteWarned(judged.job.id, warning.deadline)
    .catch((error) => report.problem(judged, error));
}
