import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type CustomizationJobOptions,
  simulatedCustomizationJob,
} from '../../../../infra/local/providers/simulated-customization-job.ts';

const made: [string, CustomizationJobOptions, object][] = [
  [
    'waits',
    { trainingStatus: 'NotStarted' },
    { status: 'InProgress', statusDetails: { trainingDetails: { status: 'NotStarted' } } },
  ],
  ['trains', {}, { status: 'InProgress', statusDetails: { trainingDetails: { status: 'InProgress' } } }],
  ['failed', { status: 'Failed' }, { status: 'Failed', failureMessage: 'The training data could not be read.' }],
  ['tells nothing of its sub-tasks', { trainingStatus: null }, { status: 'InProgress' }],
];

describe('a simulated job', () => {
  for (const [name, options, expected] of made) {
    test(name, () => {
      const job = simulatedCustomizationJob(options);
      assert.partialDeepStrictEqual(job, expected);
      assert.equal('statusDetails' in job, options.trainingStatus !== null);
    });
  }

  test('trains since the time given, and has no such time before', () => {
    const startOf = (options: CustomizationJobOptions) => {
      const { creationTime, statusDetails } = simulatedCustomizationJob({ ageMinutes: 60, ...options });
      const started = statusDetails?.trainingDetails?.creationTime;
      return started && Math.round((Date.parse(started) - Date.parse(creationTime)) / 60_000);
    };
    assert.equal(startOf({}), 0);
    assert.equal(startOf({ trainingStartedMinutesAgo: 20 }), 40);
    assert.equal(startOf({ trainingStatus: 'NotStarted' }), undefined);
  });

  test('names its region, base model and id in its ARN', () => {
    const { jobArn } = simulatedCustomizationJob({
      region: 'eu-west-1',
      baseModelArn: 'arn:aws:bedrock:eu-west-1::foundation-model/meta.llama3-1-8b-instruct-v1:0:128k',
    });
    assert.match(
      jobArn,
      /^arn:aws:bedrock:eu-west-1:\d{12}:model-customization-job\/meta\.llama3-1-8b-instruct-v1:0:128k\/[a-z0-9]{12}$/,
    );
  });
});
