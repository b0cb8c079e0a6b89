import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { apiKey, startCurfew } from '../../support/curfew.ts';

const jobs = () => [simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 400 })];
/** The names of the fields of an object, of those in it, and of those in its lists. */
function fieldsIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fieldsIn);
  if (typeof value !== 'object' || value === null) return '';
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, fieldsIn(inner)]));
}
/** An object with these fields, and nothing in them. */
const fields = (names: string, inner: object = {}) => ({
  ...Object.fromEntries(names.split(' ').map((name) => [name, ''])),
  ...inner,
});

const cancelFields = 'jobId outcome initialStatus finalStatus';
const entryFields = `${cancelFields} ageMinutes timeBudgetMinutes`;
const sweepFields =
  'complete dryRun timeBudgetMinutes lookbackDays cancelLimit inspected inProgress overdue notCancellable ' +
  'cancelled alreadyFinished wouldCancel heldBack failed jobsOmitted';
const stopAllFields =
  'complete dryRun inspected inProgress notCancellable cancelled alreadyFinished wouldCancel failed jobsOmitted';
const listFields =
  'jobId status model ageMinutes timeBudgetMinutes budgetFrom deadline estimatedFinish overdue';
const extendFields = 'jobId status previousDeadline deadline';

describe('an answer has exactly the fields that are promised', () => {
  const cases: [request: object, answer: object][] = [
    [{ jobId: 'ftjob-1' }, fields(cancelFields)],
    [{ sweep: {} }, fields(sweepFields, { jobs: [fields(entryFields)] })],
    [{ stopAll: {} }, fields(stopAllFields, { jobs: [fields(entryFields)] })],
    [{ stopAll: { dryRun: true } }, fields(stopAllFields, { jobs: [fields(entryFields)] })],
    [{ list: {} }, fields('complete jobsOmitted', { jobs: [fields(listFields)] })],
    [{ extend: { jobId: 'ftjob-1', minutes: 5 } }, fields(extendFields)],
  ];
  for (const [request, answer] of cases) {
    test(JSON.stringify(request), async () => {
      await using curfew = await startCurfew({ jobs: jobs() });
      assert.deepEqual(fieldsIn(await curfew.invoke(request)), answer);
    });
  }

  test('and beside a job that failed, why', async () => {
    await using curfew = await startCurfew({ jobs: jobs() });
    curfew.openai.faultFor = ({ endpoint }) =>
      endpoint === 'cancel' ? () => ({ status: 403, body: {} }) : undefined;
    const error = { error: fields('name message') };
    assert.deepEqual(
      fieldsIn(await curfew.sweep()),
      fields(sweepFields, { jobs: [fields(entryFields, error)] }),
    );
  });
});

describe('with projects it says which', () => {
  const failure = { project: '', error: fields('name message') };
  const ofProjects = { ...fields('projects failedProjectsOmitted'), failedProjects: [failure] };
  const cases: [request: object, answer: object][] = [
    [{ jobId: 'ftjob-1' }, fields(`project ${cancelFields}`)],
    [{ sweep: {} }, fields(sweepFields, { jobs: [fields(`project ${entryFields}`)], ...ofProjects })],
    [
      { stopAll: { dryRun: true } },
      fields(stopAllFields, { jobs: [fields(`project ${entryFields}`)], ...ofProjects }),
    ],
    [
      { list: {} },
      fields('complete jobsOmitted', { jobs: [fields(`project ${listFields}`)], ...ofProjects }),
    ],
    [{ extend: { jobId: 'ftjob-1', minutes: 5 } }, fields(`project ${extendFields}`)],
  ];
  for (const [request, answer] of cases) {
    test(JSON.stringify(request), async () => {
      await using curfew = await startCurfew({
        jobs: jobs(),
        projects: { good: {}, bad: { secretName: 'revoked' } },
        secrets: { revoked: { SecretString: 'sk-revoked' }, 'openai/api-key': { SecretString: apiKey } },
      });
      assert.deepEqual(fieldsIn(await curfew.invoke(request)), answer);
    });
  }
});
