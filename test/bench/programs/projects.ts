/**
 * Forked by startProgram: many projects at one provider, told apart by their keys. `tally` says what reached them since it
 * was last asked; any other message says how their jobs are from now on.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerTo } from '../../../infra/local/providers/endpoints.ts';
import { type SimulatedJob, simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { type Call, startFineTuningSimulator } from '../../../infra/local/providers/simulator.ts';
import { failuresAmong, keyOf, projectNames } from '../keys.ts';

export interface ProjectsOptions {
  projects: number;
  /** How long each answer takes. */
  answerMs: number;
  /** Twenty of them fail, each in another way. */
  someFail?: boolean;
  /** One job of each project is waiting. */
  oneWaits?: boolean;
}

/** How the jobs are: well within their budgets; all of them new; or, in each project, one near its deadline and one past it. */
export type JobsAre = 'quiet' | 'renewed' | 'eventful';

export interface ProjectsTally {
  /** Calls about healthy projects, and how many projects those were. */
  calls: number;
  projects: number;
  cancelled: number;
  /** What the function sent in them, but for what encrypts it. */
  requestBytes: number;
  /** When the last of them was answered, in Unix milliseconds. */
  lastAnswerAt: number;
}

const quietAges = [30, 90, 150, 210, 270];
/** One past a budget of six hours, one 20 minutes before its end. */
const eventfulAges = [30, 90, 150, 340, 400];

const [options] = (await once(process, 'message')) as [ProjectsOptions];
const names = projectNames(options.projects);
const failures = options.someFail ? failuresAmong(names) : new Map();
let generation = 0;
let jobs = jobsThatAre('quiet');
let counted = { calls: 0, requestBytes: 0, lastAnswerAt: 0 };
const reached = new Set<string>();

const simulator = await startFineTuningSimulator({ apiKeys: names.map(keyOf) });
simulator.faultFor = (call) => {
  const name = /project-\d+/.exec(call.headers.authorization ?? '')?.[0] ?? '';
  const way = failures.get(name);
  if (typeof way === 'function') return way;
  const ofProject = jobs.get(name);
  // The simulator itself refuses a key that it does not know.
  if (ofProject === undefined) return undefined;
  return async (_answer, response) => {
    counted.calls += 1;
    counted.requestBytes += bytesOf(call);
    reached.add(name);
    await sleep(options.answerMs);
    response.once('finish', () => {
      counted.lastAnswerAt = performance.timeOrigin + performance.now();
    });
    return answerTo(call, call.url, ofProject);
  };
};

function jobsThatAre(jobsAre: JobsAre): Map<string, Map<string, SimulatedJob>> {
  const ages = jobsAre === 'eventful' ? eventfulAges : quietAges;
  const jobsIn = (name: string) =>
    ages.map((ageMinutes, index) => {
      const id = `ftjob-${name}-${generation}-${index}`;
      return simulatedJob({ id, status: options.oneWaits && index === 0 ? 'queued' : 'running', ageMinutes });
    });
  return new Map(names.map((name) => [name, new Map(jobsIn(name).map((job) => [job.id, job]))]));
}

/** Returns the size of a request as it was on the wire. No call has a body. */
function bytesOf({ url, headers }: Call): number {
  const requestLine = `POST ${url.pathname}${url.search} HTTP/1.1\r\n`;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return requestLine.length + lines.join('').length + 2;
}

process.on('message', (message: 'tally' | JobsAre) => {
  if (message === 'renewed') generation += 1;
  if (message !== 'tally') jobs = jobsThatAre(message);
  const all = [...jobs.values()].flatMap((ofProject) => [...ofProject.values()]);
  const cancelled = all.filter(({ status }) => status === 'cancelled').length;
  process.send?.({ ...counted, projects: reached.size, cancelled } satisfies ProjectsTally);
  counted = { calls: 0, requestBytes: 0, lastAnswerAt: 0 };
  reached.clear();
  simulator.calls.length = 0;
});
process.on('disconnect', () => process.exit());
process.send?.(simulator.baseUrl);
