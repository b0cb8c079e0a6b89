import pMap from 'p-map';
import type { Outcome, StopAllRequest, SweepRequest } from '../contract.ts';
import { StateError, toNamedError } from '../errors.ts';
import { cancelJob, type Decision, type Reason } from './cancel.ts';
import type { Context, Project } from './context.ts';
import { cancelProgress, findWarning, isActive, type JudgedJob, lookUp, type Rules } from './deadline.ts';
import { listJobs } from './listing.ts';
import { stopAllAnswer, sweepAnswer, Tally } from './tally.ts';

/** Two hundred projects at once leave room for a hundred that hang until their calls time out. */
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

/** Returns the rules of a project with what the request puts in their place. */
function overrideRules({ name, rules }: Project, given: SweepRequest['sweep']): Rules {
  const { project, dryRun = rules.dryRun, ...overrides } = given;
  // A dry-run project must be named to be armed, if it has a name.
  const mayArm = name === undefined || project !== undefined;
  return { ...rules, ...overrides, dryRun: mayArm ? dryRun : dryRun || rules.dryRun };
}

async function sweepProjects(projects: Project[], reason: Reason, context: Context): Promise<Tally> {
  const tally = new Tally(projects);
  // In random order, so that no project is always the one that time does not reach.
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
  const leave = ({ job, judgement }: JudgedJob, outcome: Outcome, error?: unknown): Decision => {
    const facts = { project, job, judgement, reason, requestedBy, outcome };
    const unsent = { ...facts, finalStatus: null, isCancelledNow: false, wasPublished: false };
    const decision: Decision = error === undefined ? unsent : { ...unsent, error: toNamedError(error) };
    report.decided(decision);
    return decision;
  };

  // List
  const listing = await listJobs(project, { lookbackDays: rules.lookbackDays, withBudgets: isSweep }, context);

  // Look up, judge
  const judged = await Promise.all(listing.unfinished.map((job) => lookUp(project, job, isSweep, context)));
  for (const { job, judgement, row } of judged) tally.addFound(job, judgement, row, now);
  for (const one of judged.filter(({ job }) => job.phase === 'other')) leave(one, 'not_cancellable');
  const active = judged.filter(({ job }) => isActive(job));
  const isDue = ({ judgement }: JudgedJob) => !isSweep || judgement.isOverdue;
  const { overdue = [], fine = [] } = Object.groupBy(active, (one) => (isDue(one) ? 'overdue' : 'fine'));
  for (const one of fine) leave(one, one.judgement.budgetFrom === 'exempt' ? 'exempt' : 'within_budget');

  // Limit
  const isNew = ({ row }: JudgedJob) => row.cancellingSince === undefined;
  const isOverLimit = rules.cancelLimit !== 'none' && overdue.filter(isNew).length > rules.cancelLimit;

  // Act
  const unreadable = judged.find((one) => one.unreadable);
  if (unreadable) report.problem(unreadable, unreadable.unreadable);
  if (isSweep) await noteStates(judged, concurrency, context);
  await pMap(fine, (one) => warn(one, context), { concurrency });
  for (const decision of await pMap(overdue, act, { concurrency })) if (decision) tally.addDecision(decision);
  tally.addListing(listing);

  /** Returns undefined if time runs out before the job. */
  async function act(one: JudgedJob): Promise<Decision | undefined> {
    // A cancel cannot be taken back, and the job may have been extended. The next sweep is minutes away.
    if (one.unreadable) return leave(one, 'failed', one.unreadable);
    if (isOverLimit && isNew(one)) return leave(one, 'held_back');
    if (cancelProgress(one.row, now) === 'recent') return leave(one, 'cancelling');
    if (context.time.signal.aborted) return undefined;
    const target = { project, jobId: one.job.id, reason, dryRun: rules.dryRun };
    return cancelJob(target, context).catch((error) => leave(one, 'failed', error));
  }
}

/**
 * Notes which jobs are waiting, or being cancelled. A failure costs at most queue time, so the first is logged for all.
 * Cancels come after this, so a table that does not answer gets a third of the time that is left.
 */
async function noteStates(judged: JudgedJob[], concurrency: number, context: Context): Promise<void> {
  const { table, now, time, report } = context;
  const startedAt = performance.now();
  const endsAt = startedAt + (time.endsAt - startedAt) / 3;
  const note = async ({ job, row }: JudgedJob): Promise<void> => {
    const isCancelling = job.phase === 'cancelling' && row.cancellingSince === undefined;
    if (job.phase !== 'waiting' && !isCancelling) return;
    if (performance.now() > endsAt) throw new StateError('The table of jobs is too slow to note where the job stands.');
    await (isCancelling ? table().noteCancelling : table().noteWaiting)(job.id, now);
  };
  const failures: { one: JudgedJob; error: unknown }[] = [];
  await pMap(judged, (one) => note(one).catch((error) => failures.push({ one, error })), { concurrency });
  const [first] = failures;
  if (first) report.problem(first.one, first.error, failures.length - 1);
}

/** Publishes a warning, if one is due, and then notes it. */
async function warn(one: JudgedJob, context: Context): Promise<void> {
  const { table, report } = context;
  const warning = findWarning(one, context);
  if (warning === undefined || !(await report.publishWarning(one, warning))) return;
  await table()
    .noteWarned(one.job.id, warning.deadline)
    .catch((error) => report.problem(one, error));
}
