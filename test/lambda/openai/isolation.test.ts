import assert from 'node:assert/strict';
import dns from 'node:dns';
import { describe, test } from 'node:test';
import pMap from 'p-map';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import type { Fault } from '../../../infra/local/providers/simulator.ts';
import { list } from '../../../lambda/curfew/list.ts';
import { stopAll, sweep } from '../../../lambda/curfew/sweep.ts';
import { findJob, maxCallsPerProject } from '../../../lambda/projects.ts';
import { createClient, startInvocation, startProvider } from '../../support/openai-client.ts';
import { startVirtualTime } from '../../support/virtual-time.ts';
import { answers, drips, endless, late, noAnswer, noBody, says, switchesProtocol } from '../../support/wire-faults.ts';

startVirtualTime();
const openai = await startProvider();

const overdueJob = (id: string) => simulatedJob({ id, status: 'running', ageMinutes: 400 });
const overdueJobs = (count: number) => Array.from({ length: count }, (_, index) => overdueJob(`ftjob-${index}`));

describe('a hundred broken projects cost a healthy one nothing', () => {
  const kinds: [name: string, fault: Fault, error: string][] = [
    ['hangs', noAnswer, 'OpenAIError'],
    ['hangs-after-the-head', noBody, 'OpenAIError'],
    ['drips', drips(), 'OpenAIError'],
    ['is-endless', endless(), 'OpenAIError'],
    ['switches-protocols', switchesProtocol, 'OpenAIError'],
    ['is-down', answers(503), 'OpenAIError'],
    ['is-over-its-limit', answers(429, { 'retry-after': '3600' }), 'RateLimitError'],
    ['has-a-bad-key', answers(401), 'AuthenticationError'],
  ];
  const bad = Array.from({ length: 100 }, (_, index) => `${kinds[index % kinds.length]?.[0]}-${index}`);
  const kindOf = (project: unknown) => kinds.find(([name]) => String(project).startsWith(`${name}-`));

  /** Starts over with a healthy project of twenty overdue jobs, and with others. */
  function start(others: { openaiProject: string; baseUrl?: string }[]) {
    openai.reset(...overdueJobs(20));
    openai.faultFor = ({ headers }) => kindOf(headers['openai-project'])?.[1];
    const invocation = startInvocation();
    const maxConcurrency = maxCallsPerProject(others.length + 1);
    const clients = [{ openaiProject: 'sound' }, ...others].map((options) =>
      createClient(openai, { ...options, maxConcurrency, invocation }),
    );
    return { projects: clients.map(({ project }) => project), invocation, startedAt: performance.now() };
  }
  const startBad = () => start(bad.map((openaiProject) => ({ openaiProject })));

  function assertSoundIsDone(startedAt: number) {
    assert.ok(openai.calls.filter(({ endpoint }) => endpoint === 'cancel').length >= 20);
    const last = openai.calls.findLast(({ headers }) => headers['openai-project'] === 'sound')?.at ?? Number.NaN;
    // Listing the others takes twenty seconds.
    assert.ok(last - startedAt < 1_000, `${last - startedAt} ms`);
  }

  test('in a sweep', async () => {
    const { projects, invocation, startedAt } = startBad();
    const { failedProjects = [], ...answer } = (await sweep({ sweep: {} }, projects, invocation)).answer;
    assertSoundIsDone(startedAt);
    assert.ok(performance.now() - startedAt < 30_000);
    assert.partialDeepStrictEqual(answer, { complete: false, cancelled: 20, failed: 0, projects: 1 });
    assert.equal(failedProjects.length, 100);
    for (const { project, error } of failedProjects) assert.equal(error.name, kindOf(project)?.[2], project);
  });

  test('in a list, and in the search for a job', async () => {
    const { projects, invocation, startedAt } = startBad();
    const listing = list(projects, invocation);
    assert.equal((await findJob(projects, 'ftjob-7', false)).project.name, 'sound');
    assert.ok(performance.now() - startedAt < 1_000);
    const { complete, jobs, projects: read, failedProjects } = (await listing).answer;
    assert.deepEqual([complete, jobs.length, read, failedProjects?.length], [false, 20, 1, 100]);
  });

  test('nor do those whose cancels hang', async () => {
    const { projects, invocation, startedAt } = startBad();
    const listed = says({ data: [overdueJob('ftjob-bad')], has_more: false });
    openai.faultFor = ({ headers, endpoint }) => {
      const kind = kindOf(headers['openai-project']);
      return kind && endpoint === 'list' ? listed : kind?.[1];
    };
    const { cancelled, failed } = (await sweep({ sweep: {} }, projects, invocation)).answer;
    assert.deepEqual({ cancelled, failed }, { cancelled: 20, failed: 100 });
    assertSoundIsDone(startedAt);
  });

  test('nor do 32 whose host names never resolve', async (t) => {
    const unresolved = Array.from({ length: 32 }, (_, index) => `https://host-${index}.invalid/v1`);
    const others = unresolved.map((baseUrl) => ({ openaiProject: baseUrl, baseUrl }));
    const { projects, invocation, startedAt } = start(others);
    const lookup = t.mock.method(dns, 'lookup', () => {});
    const { cancelled, failedProjects } = (await sweep({ sweep: {} }, projects, invocation)).answer;
    assert.deepEqual([cancelled, failedProjects?.length], [20, 32]);
    assertSoundIsDone(startedAt);
    assert.ok(lookup.mock.callCount() >= 32);
  });
});

test('one project has at most 100 calls under way, whatever is asked for', async () => {
  openai.reset(...overdueJobs(150));
  const invocation = startInvocation();
  const { project } = createClient(openai, { invocation, maxConcurrency: maxCallsPerProject(1) });
  let underWay = 0;
  let most = 0;
  openai.faultFor = () => (answer, response) => {
    underWay += 1;
    most = Math.max(most, underWay);
    response.once('close', () => {
      underWay -= 1;
    });
    return late(50)(answer, response);
  };
  await Promise.all([sweep({ sweep: {} }, [project], invocation), stopAll({ stopAll: {} }, [project], invocation)]);
  for (const { status } of openai.jobs.values()) assert.equal(status, 'cancelled');
  assert.ok(most > 50 && most <= 100, `${most}`);
});

test('a hundred endless answers at once take less memory than the function has', async () => {
  openai.reset();
  openai.fail('retrieve', [endless()], 'forever');
  const { retrieve } = createClient(openai, { remainingMs: 900_000 });
  const before = process.memoryUsage().rss;
  let mostBytes = 0;
  const watch = setInterval(() => {
    mostBytes = Math.max(mostBytes, process.memoryUsage().rss - before);
  }, 20);
  const errors = await pMap(overdueJobs(100), ({ id }) => retrieve(id).catch(({ name }) => name));
  clearInterval(watch);
  assert.deepEqual(new Set(errors), new Set(['OpenAIError']));
  // The provider runs in this process too, with its own buffers.
  assert.ok(mostBytes < 400 * 1024 ** 2, `${mostBytes} bytes`);
});
