import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { startCurfew } from '../../support/curfew.ts';
import { says } from '../../support/wire-faults.ts';

const overdueJob = () => simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 400 });

describe('metadata of any shape neither stops a cancel nor breaks an event', () => {
  const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
  const shapes: [name: string, json: string, published: object][] = [
    ['nested 100,000 levels deep', `{"team": "search", "deep": ${deep}}`, { team: 'search' }],
    ['that is nothing but deep', deep, {}],
    ['that is a list', '["search"]', {}],
    ['that is a text', '"search"', {}],
    ['that is null', 'null', {}],
    ['with numbers', '{"team": "search", "seed": 7}', { team: 'search' }],
  ];
  for (const [name, json, published] of shapes) {
    test(name, async (t) => {
      const unhandled = t.mock.fn();
      process.on('unhandledRejection', unhandled);
      t.after(() => process.off('unhandledRejection', unhandled));
      await using curfew = await startCurfew({ jobs: [overdueJob()] });
      const job = JSON.stringify({ ...overdueJob(), metadata: 0 }).replace(
        '"metadata":0',
        `"metadata":${json}`,
      );
      curfew.openai.faultFor = ({ endpoint }) =>
        endpoint === 'list' ? says(`{"data": [${job}], "has_more": false}`) : undefined;
      assert.equal((await curfew.sweep()).cancelled, 1);
      assert.deepEqual(curfew.aws.events[0]?.detail['metadata'], published);
      assert.equal(unhandled.mock.callCount(), 0);
    });
  }
});
