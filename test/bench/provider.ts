import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, answerTo } from '../../infra/local/providers/endpoints.ts';
import type { SimulatedJob } from '../../infra/local/providers/simulated-job.ts';
import { type Fault, startFineTuningSimulator } from '../../infra/local/providers/simulator.ts';

/** Returns the key of a project, which identifies its calls and is as long as the vendor's project keys. */
export function keyOf(project: string): string {
  return `sk-proj-bench4nXq7TzLw2VbYc9RkDm5-${project}-`.padEnd(164, 'x');
}

export interface Behaviour {
  /** How long each answer takes. */
  answerMs?: number;
  /** Returns the refusal of the next call, or lets it through. */
  refuse?: () => Answer | undefined;
}

/** Calls may be on their way when a refusal is sent. */
const graceMs = 100;

const nothing = {
  /** Calls about projects without a fault. */
  calls: 0,
  refused: 0,
  /** Calls that came during a pause that a refusal had asked for. */
  callsInSilence: 0,
  /** When the last call was answered, as `performance.now()`. */
  lastAnswerAt: 0,
};

/** Starts a simulated OpenAI with these projects, told apart by their keys. Some may have a fault. */
export async function startProvider(projects: string[], faults: Map<string, Fault>) {
  const simulator = await startFineTuningSimulator({ apiKeys: projects.map(keyOf) });
  let jobs = new Map<string, Map<string, SimulatedJob>>();
  let behaviour: Behaviour = {};
  let tally = { ...nothing };
  let silence = { from: 0, until: 0 };

  simulator.faultFor = (call) => {
    const project = /project-\d+/.exec(call.headers.authorization ?? '')?.[0] ?? '';
    const fault = faults.get(project);
    if (fault) return fault;
    const ofProject = jobs.get(project);
    // The simulator itself refuses unknown keys.
    if (ofProject === undefined) return undefined;
    return async (_answer, response) => {
      const arrivedAt = performance.now();
      tally.calls += 1;
      if (arrivedAt > silence.from && arrivedAt < silence.until) tally.callsInSilence += 1;
      response.once('finish', () => {
        tally.lastAnswerAt = performance.now();
      });
      const refusal = behaviour.refuse?.();
      if (behaviour.answerMs) await sleep(behaviour.answerMs);
      if (refusal === undefined) return answerTo(call, call.url, ofProject);
      tally.refused += 1;
      noteSilence(refusal);
      return refusal;
    };
  };

  /** A pause begins with the first of overlapping refusals, and lasts as long as any of them asks for. */
  function noteSilence({ headers = {} }: Answer): void {
    const now = performance.now();
    const until = now + Number(headers['retry-after-ms'] ?? 1000 * Number(headers['retry-after'] ?? 0));
    const from = now > silence.until ? now + graceMs : silence.from;
    if (until > silence.until) silence = { from, until };
  }

  return {
    baseUrl: simulator.baseUrl,
    /** Gives each project its jobs, and resets the counts. */
    begin(jobsOf: (project: string) => SimulatedJob[], how: Behaviour): void {
      jobs = new Map(projects.map((project) => [project, new Map(jobsOf(project).map((job) => [job.id, job]))]));
      behaviour = how;
      tally = { ...nothing };
      silence = { from: 0, until: 0 };
      simulator.calls.length = 0;
    },
    /** The counts since then. */
    tally() {
      const all = [...jobs.values()].flatMap((ofProject) => [...ofProject.values()]);
      const cancelled = all.filter(({ status }) => status === 'cancelled').length;
      return { ...tally, cancelled };
    },
    [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose](),
  };
}
