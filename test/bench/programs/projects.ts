/** `node projects.ts`, forked with an IPC channel: many projects at one provider, told apart by their keys. */

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerTo } from '../../../infra/local/providers/endpoints.ts';
import { type Call, startFineTuningSimulator } from '../../../infra/local/providers/simulator.ts';
import { failingAmong } from '../world/failing-projects.ts';
import { keyOf, nameIn, projectNames } from '../world/project-keys.ts';
import {
  type JobsAre,
  jobsOf,
  type ProjectsOptions,
  type ProjectsTally,
} from '../world/simulated-projects.ts';
import { givenOptions } from './given-options.ts';

const options = await givenOptions<ProjectsOptions>();
const names = projectNames(options.projects);
const failing = options.someFail ? failingAmong(names) : new Map();
let generation = 0;
let jobs = jobsThatAre('quiet');
let counted = nothing();
const reached = new Set<string>();

const simulator = await startFineTuningSimulator({ apiKeys: names.map(keyOf) });
simulator.faultFor = (call) => {
  const name = nameIn(call.headers.authorization?.replace('Bearer ', '') ?? '');
  const way = failing.get(name);
  if (typeof way === 'function') return way;
  const ofProject = jobs.get(name);
  // The simulator itself refuses a key that it does not know.
  if (ofProject === undefined) return undefined;
  return async (_answer, response) => {
    counted.calls += 1;
    counted.requestBytes += bytesOf(call);
    reached.add(name);
    await sleep(options.answerMilliseconds);
    void once(response, 'finish').then(() => {
      counted.lastAnswerAt = performance.timeOrigin + performance.now();
    });
    return answerTo(call, call.url, ofProject);
  };
};

function jobsThatAre(jobsAre: JobsAre) {
  return new Map(
    names.map((name) => [name, new Map(jobsOf(name, jobsAre, generation).map((job) => [job.id, job]))]),
  );
}

function nothing() {
  return { calls: 0, requestBytes: 0, lastAnswerAt: 0 };
}

/** The head of a request, as it was on the wire. No call has a body. */
function bytesOf({ url, headers }: Call): number {
  const requestLine = `POST ${url.pathname}${url.search} HTTP/1.1\r\n`;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return requestLine.length + lines.join('').length + 2;
}

function tally(): ProjectsTally {
  const all = [...jobs.values()].flatMap((ofProject) => [...ofProject.values()]);
  const cancelled = all.filter(({ status }) => status === 'cancelled').length;
  const answer = { ...counted, projects: reached.size, cancelled };
  counted = nothing();
  reached.clear();
  simulator.calls.length = 0;
  return answer;
}

function become(jobsAre: JobsAre): void {
  if (jobsAre === 'renewed') generation += 1;
  jobs = jobsThatAre(jobsAre);
}

process.on('message', (question: 'tally' | JobsAre) => {
  if (question === 'tally') {
    process.send?.(tally());
  } else {
    become(question);
    process.send?.('done');
  }
});
process.on('disconnect', () => process.exit());
process.send?.(simulator.baseUrl);
