import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findJob, mostProjectsUnderWay } from '../../../lambda/curfew/projects.ts';
import {
  AuthenticationError,
  JobNotFoundError,
  OpenAIError,
  RateLimitError,
} from '../../../lambda/errors.ts';
import { fakeProject, jobOf } from '../../support/fake-ports.ts';

const job = jobOf({ id: 'ftjob-1' });
const has = (name: string) => fakeProject({ name, jobs: [job] });
const hasNot = (name: string) => fakeProject({ name });
const refuses = (name: string, error: Error, milliseconds = 0) =>
  fakeProject({
    name,
    retrieve: async () => {
      await sleep(milliseconds);
      throw error;
    },
  });
/** Never answers, unless its call is given up, which it notes. */
const hangs = (name: string, givenUp: string[] = []) =>
  fakeProject({
    name,
    retrieve: async (_jobId, signal) => {
      await sleep(60_000, undefined, signal ? { signal } : {}).catch(() => givenUp.push(name));
      throw new OpenAIError('Gave up.');
    },
  });

describe('a job is found by its id', () => {
  test('in the project that has it', async () => {
    const found = await findJob([hasNot('a'), has('b'), hasNot('c')], 'ftjob-1');
    assert.deepEqual([found.project.name, found.job], ['b', job]);
  });

  test('at once, though another project hangs, whose call is then given up', async () => {
    const givenUp: string[] = [];
    const startedAt = performance.now();
    const found = await findJob([hangs('a', givenUp), has('b')], 'ftjob-1');
    assert.equal(found.project.name, 'b');
    assert.ok(performance.now() - startedAt < 30_000);
    await sleep(10);
    assert.deepEqual(givenUp, ['a']);
  });

  test('though another project refuses', async () => {
    const found = await findJob([refuses('a', new AuthenticationError('No.')), has('b')], 'ftjob-1');
    assert.equal(found.project.name, 'b');
  });

  test('and then no further project is asked', async () => {
    const asked: string[] = [];
    const projects = Array.from({ length: mostProjectsUnderWay * 2 }, (_, index) =>
      fakeProject({
        name: `project-${index}`,
        retrieve: async () => {
          asked.push(`project-${index}`);
          await sleep(index === 0 ? 1 : 20);
          if (index === 0) return job;
          throw new JobNotFoundError('Not here.');
        },
      }),
    );
    assert.equal((await findJob(projects, 'ftjob-1')).project.name, 'project-0');
    await sleep(50);
    assert.equal(asked.length, mostProjectsUnderWay);
  });
});

describe('a job that is found nowhere', () => {
  test('is JobNotFoundError', async () => {
    await assert.rejects(findJob([hasNot('a'), hasNot('b')], 'ftjob-1'), {
      name: 'JobNotFoundError',
      message: 'No project has a fine-tuning job "ftjob-1". Check the job id.',
    });
  });

  test('is the error of the first project in configured order that could not be asked, with its name', async () => {
    const projects = [
      hasNot('a'),
      refuses('b', new RateLimitError('Slow down.'), 20),
      refuses('c', new AuthenticationError('No.')),
    ];
    await assert.rejects(findJob(projects, 'ftjob-1'), {
      name: 'RateLimitError',
      message: 'Project "b": Slow down.',
    });
  });

  test('is a plain Error, if that has no name of ours', async () => {
    await assert.rejects(findJob([hasNot('a'), refuses('b', new TypeError('Oh.'))], 'ftjob-1'), {
      name: 'Error',
      message: 'Project "b": Oh.',
    });
  });
});

describe('with one project only', () => {
  test('the job is found', async () => {
    assert.equal((await findJob([has('a')], 'ftjob-1')).project.name, 'a');
  });

  test('an error has its name, if it has one', async () => {
    await assert.rejects(findJob([hasNot('a')], 'ftjob-1'), {
      name: 'JobNotFoundError',
      message: 'Project "a": There is no job ftjob-1.',
    });
    await assert.rejects(findJob([fakeProject()], 'ftjob-1'), {
      name: 'JobNotFoundError',
      message: 'There is no job ftjob-1.',
    });
  });
});
