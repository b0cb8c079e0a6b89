import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Job, JobPage, Phase, UnreadableEntry } from '../../../lambda/curfew/job.ts';
import { listJobs } from '../../../lambda/curfew/listing.ts';
import { fakeContext, fakeProject, jobOf } from '../../support/fake-ports.ts';

const minutesPerDay = 1_440;
const jobAged = (days: number, fields: Partial<Job> = {}) =>
  jobOf({ id: `${days}d`, ageMinutes: days * minutesPerDay, ...fields });
const noId: UnreadableEntry = { jobId: undefined, unreadableFields: ['id'] };
const entryOf = (jobId: string): UnreadableEntry => ({ jobId, unreadableFields: ['status'] });

interface Options {
  lookbackDays?: number;
  withBudgets?: boolean;
  unreadable?: UnreadableEntry[][];
  /** Called after the last page, in place of its end. */
  atEnd?: (context: ReturnType<typeof fakeContext>) => void;
}

/** Lists these pages, and says how many were read. */
async function listed(pages: Job[][], { lookbackDays = 7, withBudgets = true, unreadable = [], atEnd }: Options = {}) {
  const context = fakeContext();
  let pagesRead = 0;
  const project = fakeProject({
    async *list(): AsyncGenerator<JobPage> {
      for (const [index, jobs] of pages.entries()) {
        pagesRead += 1;
        yield { jobs, unreadable: unreadable[index] ?? [] };
      }
      atEnd?.(context);
    },
  });
  const listing = await listJobs(project, { lookbackDays, withBudgets }, context);
  return { ...listing, ids: listing.unfinished.map(({ id }) => id), pagesRead };
}

describe('a list is read', () => {
  const undated = jobOf({ id: 'undated', createdAt: null });
  const cases: [name: string, ages: (number | Job)[][], ids: string, pagesRead: number, options?: Options][] = [
    ['to its end', [[1], [2]], '1d 2d', 2],
    ['to the page on which every job is too old', [[1, 8], [9], [10]], '1d', 2],
    ['including jobs exactly as old as the look-back', [[7], [8], [9]], '7d', 2],
    ['to its end with a look-back of 0', [[400], [401]], '400d 401d', 2, { lookbackDays: 0 }],
    ['past a page with only jobs without a creation time', [[undated], [1]], '1d', 2],
    ['past a page that is old except for a job seen before', [[1], [1, 8], [2]], '1d 2d', 3],
    [
      'to its end if times rise within a page',
      [
        [9, 8],
        [2, 1],
      ],
      '2d 1d',
      2,
    ],
    ['to its end if times rise from one page to the next', [[6], [5], [9], [2]], '6d 5d 2d', 4],
    ['even if it is empty', [[]], '', 1],
  ];
  for (const [name, ages, expectedIds, expectedPages, options] of cases) {
    test(name, async () => {
      const pages = ages.map((page) => page.map((age) => (typeof age === 'number' ? jobAged(age) : age)));
      const { ids, pagesRead, error, cutShortBy } = await listed(pages, options);
      assert.deepEqual([ids.join(' '), pagesRead], [expectedIds, expectedPages]);
      assert.deepEqual([error, cutShortBy], [undefined, undefined]);
    });
  }
});

test('jobs within the look-back are inspected, and kept unless they have finished', async () => {
  const phases = ['waiting', 'running', 'cancelling', 'finished', 'other'] as const;
  const page = phases.map((phase) => jobOf({ id: phase, phase }));
  const listing = await listed([[...page, jobAged(8)]]);
  assert.equal(listing.inspected, 5);
  assert.deepEqual(listing.ids, ['waiting', 'running', 'cancelling', 'other']);
});

test('a job on two pages counts once', async () => {
  const { inspected, ids } = await listed([
    [jobAged(1), jobAged(2)],
    [jobAged(2), jobAged(3)],
  ]);
  assert.deepEqual([inspected, ids], [3, ['1d', '2d', '3d']]);
});

describe('an entry is unreadable', () => {
  const undated = (phase: Phase) => [[jobOf({ id: 'undated', phase, createdAt: null })]];
  const cases: [name: string, pages: Job[][], options: Options, unreadable: UnreadableEntry[], inspected: number][] = [
    ['without a creation time', undated('running'), {}, [{ jobId: 'undated', unreadableFields: ['created_at'] }], 0],
    ['unless it has finished', undated('finished'), { lookbackDays: 0 }, [], 1],
    ['unless its creation does not matter', undated('running'), { lookbackDays: 0, withBudgets: false }, [], 1],
    ['if the provider says so', [[jobAged(1)]], { unreadable: [[entryOf('x'), noId]] }, [entryOf('x'), noId], 1],
    ['once, though it is on two pages', [[], []], { unreadable: [[entryOf('x')], [entryOf('x')]] }, [entryOf('x')], 0],
    ['unless a later page has it whole', [[], [jobAged(1)]], { unreadable: [[entryOf('1d')], []] }, [], 1],
    ['unless an earlier page has it whole', [[jobAged(1)], []], { unreadable: [[], [entryOf('1d')]] }, [], 1],
  ];
  for (const [name, pages, options, expectedUnreadable, expectedInspected] of cases) {
    test(name, async () => {
      const { unreadable, inspected } = await listed(pages, options);
      assert.deepEqual([unreadable, inspected], [expectedUnreadable, expectedInspected]);
    });
  }
});
