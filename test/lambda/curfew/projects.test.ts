import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobPage } from '../../../lambda/curfew/job.ts';
import { Listing } from '../../../lambda/curfew/listing.ts';
import {
  callsAtOnce,
  mostProjectsUnderWay,
  type Project,
  projectsAtOnce,
  surveyOf,
} from '../../../lambda/curfew/projects.ts';
import { OpenAIError, RateLimitError } from '../../../lambda/errors.ts';
import { fakeProject, fakeTime, jobOf, nowMilliseconds } from '../../support/fake-ports.ts';

/** Reads a project to its end, and does nothing with its jobs. */
const readThrough =
  (time = fakeTime()) =>
  async ({ api }: Project) => {
    const listing = new Listing(api, 0, nowMilliseconds);
    for await (const _page of listing.pages(time));
    return listing;
  };
const named = (names: string[]) => names.map((name) => fakeProject({ name }));
const manyNames = (count: number) => Array.from({ length: count }, (_, index) => `project-${index}`);
const namesOf = (failures: { project: Project }[]) => failures.map(({ project }) => project.name);
/** A list that fails before its first page. */
async function* failing(error: Error, milliseconds = 0): AsyncGenerator<JobPage> {
  await sleep(milliseconds);
  yield await Promise.reject(error);
}

describe('a survey of projects', () => {
  test('that all can be read is complete', async () => {
    const time = fakeTime();
    const survey = await surveyOf(named(['a', 'b']), time, 0, readThrough(time));
    const { isNamed, lookedAt, isComplete, failures, odd } = survey;
    assert.deepEqual(
      { isNamed, lookedAt, isComplete, failures, odd },
      {
        isNamed: true,
        lookedAt: 2,
        isComplete: true,
        failures: [],
        odd: [],
      },
    );
  });

  test('of the only one, which has no name, has none either', async () => {
    const survey = await surveyOf([fakeProject()], fakeTime(), 0, readThrough());
    assert.equal(survey.isNamed, false);
  });

  test('knows those that failed in configured order, and the others are looked at all the same', async () => {
    const projects = [
      fakeProject({ name: 'limited', list: () => failing(new RateLimitError('Slow down.'), 20) }),
      fakeProject({ name: 'good' }),
      fakeProject({ name: 'broken', list: () => failing(new OpenAIError('Broken.')) }),
    ];
    const survey = await surveyOf(projects, fakeTime(), 1, readThrough());
    assert.deepEqual(namesOf(survey.failures), ['limited', 'broken']);
    assert.deepEqual(
      survey.failures.map(({ error }) => error.name),
      ['RateLimitError', 'OpenAIError'],
    );
    assert.deepEqual([survey.lookedAt, survey.isComplete], [1, false]);
  });

  test('has a project that failed after its first page among the failures', async () => {
    const project = fakeProject({
      name: 'a',
      async *list() {
        yield { jobs: [jobOf({ id: 'ftjob-1' })], odd: [] };
        throw new OpenAIError('Page 2.');
      },
    });
    const survey = await surveyOf([project], fakeTime(), 0, readThrough());
    assert.equal(survey.failures[0]?.error.message, 'Page 2.');
    assert.equal(survey.lookedAt, 0);
  });

  test('is not complete if a job could not be judged, though its project was looked at to the end', async () => {
    const odd = { jobId: 'ftjob-1', fields: ['created_at'] };
    const project = fakeProject({ name: 'a', odd: [odd] });
    const survey = await surveyOf([project, fakeProject({ name: 'b' })], fakeTime(), 0, readThrough());
    assert.deepEqual(survey.odd, [{ project, job: odd }]);
    assert.deepEqual([survey.isComplete, survey.lookedAt, survey.failures], [false, 2, []]);
  });

  test('whatever was thrown, has an error', async () => {
    const survey = await surveyOf(named(['a']), fakeTime(), 0, () => Promise.reject('no'));
    assert.equal(survey.failures[0]?.error.message, 'no');
  });
});

describe('time runs out', () => {
  test('before the first page of a project: it has failed', async () => {
    const time = fakeTime();
    const hangs = fakeProject({
      name: 'hangs',
      async *list(signal) {
        await sleep(1_000, undefined, { signal });
        yield { jobs: [], odd: [] };
      },
    });
    setTimeout(() => time.runDown(), 20);
    const survey = await surveyOf([hangs, fakeProject({ name: 'good' })], time, 0, readThrough(time));
    assert.deepEqual(namesOf(survey.failures), ['hangs']);
    assert.deepEqual(survey.failures[0]?.error.name, 'OpenAIError');
    assert.match(
      survey.failures[0]?.error.message ?? '',
      /before the first page of jobs came\. The operation/,
    );
    assert.deepEqual([survey.lookedAt, survey.isComplete], [1, false]);
  });

  test('after the first page of a project: it has not failed, but not all was seen', async () => {
    const time = fakeTime();
    const project = fakeProject({
      name: 'a',
      async *list(signal) {
        yield { jobs: [], odd: [] };
        time.runDown();
        signal.throwIfAborted();
      },
    });
    const survey = await surveyOf([project], time, 0, readThrough(time));
    assert.deepEqual([survey.failures, survey.isComplete, survey.lookedAt], [[], false, 0]);
    assert.match(
      survey.cutShort[0]?.error.message ?? '',
      /^Time ran out before all jobs were listed\. This operation/,
    );
  });

  test('before the next page was asked for: what was done with the jobs took it', async () => {
    const time = fakeTime();
    const project = fakeProject({
      name: 'a',
      async *list(signal) {
        yield { jobs: [], odd: [] };
        signal.throwIfAborted();
      },
    });
    const survey = await surveyOf([project], time, 0, async ({ api }) => {
      const listing = new Listing(api, 0, nowMilliseconds);
      for await (const _page of listing.pages(time)) time.runDown();
      return listing;
    });
    assert.equal(
      survey.cutShort[0]?.error.message,
      'Time ran out before all jobs were listed. Dealing with those found took the time.',
    );
  });

  test('before a project was begun: it has failed, and is not begun', async () => {
    const time = fakeTime();
    time.runDown();
    const begun: unknown[] = [];
    const survey = await surveyOf(named(['a', 'b']), time, 0, (project) => {
      begun.push(project.name);
      return readThrough(time)(project);
    });
    assert.deepEqual(begun, []);
    assert.deepEqual(namesOf(survey.failures), ['a', 'b']);
    assert.match(survey.failures[0]?.error.message ?? '', /before this project was looked at/);
    assert.equal(survey.isComplete, false);
  });

  test('just after an empty project was read: that is no failure', async () => {
    const time = fakeTime();
    const project = fakeProject({
      async *list() {
        yield { jobs: [], odd: [] };
        time.runDown();
      },
    });
    const survey = await surveyOf([project], time, 0, readThrough(time));
    assert.deepEqual([survey.failures, survey.isComplete], [[], true]);
  });
});

describe('projects are looked at side by side', () => {
  test('so many at once, and no more', async () => {
    let underWay = 0;
    let most = 0;
    await surveyOf(named(manyNames(200)), fakeTime(), 0, async (project) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await sleep(5);
      underWay -= 1;
      return readThrough()(project);
    });
    assert.equal(most, projectsAtOnce);
    assert.ok(projectsAtOnce >= 20);
  });

  test('so one that hangs holds up none of the others', async () => {
    const looked: (string | undefined)[] = [];
    const release = Promise.withResolvers<void>();
    const surveying = surveyOf(named(manyNames(200)), fakeTime(), 0, async (project) => {
      if (project.name === 'project-0') await release.promise;
      else looked.push(project.name);
      if (looked.length === 199) release.resolve();
      return readThrough()(project);
    });
    assert.equal((await surveying).lookedAt, 200);
  });

  test('so even many that hang hold up none of the others', async () => {
    const hanging = new Set(manyNames(projectsAtOnce * 2));
    const looked: (string | undefined)[] = [];
    const release = Promise.withResolvers<void>();
    let underWay = 0;
    let most = 0;
    const surveying = surveyOf(named(manyNames(400)), fakeTime(), 0, async (project) => {
      underWay += 1;
      most = Math.max(most, underWay);
      if (hanging.has(project.name ?? '')) await release.promise;
      else looked.push(project.name);
      if (looked.length === 400 - hanging.size) release.resolve();
      underWay -= 1;
      return readThrough()(project);
    });
    assert.equal((await surveying).lookedAt, 400);
    assert.ok(most > hanging.size && most <= mostProjectsUnderWay, `${most} under way`);
  });

  for (const projects of [1, 8, 10, 160, 1000]) {
    test(`with ${projects} of them each may have calls under way, 100 at most, and all together 800`, () => {
      const calls = callsAtOnce(projects);
      assert.ok(Number.isInteger(calls) && calls >= 1 && calls <= 100, `${calls} calls`);
      assert.ok(Math.min(projects, mostProjectsUnderWay) * calls <= 800);
    });
  }

  test('one of them alone may have 100', () => assert.equal(callsAtOnce(1), 100));
});

describe('the order of projects', () => {
  test('begins where it is told to, and goes round', async () => {
    const begun: (string | undefined)[] = [];
    const survey = await surveyOf(named(['a', 'b', 'c', 'd']), fakeTime(), 2, (project) => {
      begun.push(project.name);
      return readThrough()(project);
    });
    assert.deepEqual(begun, ['c', 'd', 'a', 'b']);
    assert.equal(survey.lastBegun, 1);
  });

  test('ends with the last that was begun before time ran out', async () => {
    const time = fakeTime();
    const survey = await surveyOf(named(manyNames(200)), time, 150, async (project) => {
      if (project.name === 'project-10') time.runDown();
      await sleep(5);
      return readThrough(time)(project);
    });
    const begun = survey.lastBegun;
    assert.ok(begun >= 10 && begun < 150, `${begun}`);
    assert.ok(namesOf(survey.failures).includes(`project-${begun + 1}`));
  });
});
