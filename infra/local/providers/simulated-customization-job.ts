import { randomUUID } from 'node:crypto';

interface SubTask {
  status: string;
  creationTime?: string;
  lastModifiedTime?: string;
}

/** A model customization job as Bedrock's `GetModelCustomizationJob` has it on the wire; times are ISO 8601. */
export interface CustomizationJob {
  jobArn: string;
  jobName: string;
  outputModelName: string;
  outputModelArn?: string;
  clientRequestToken?: string;
  roleArn: string;
  status: string;
  statusDetails?: { validationDetails?: SubTask; dataProcessingDetails?: SubTask; trainingDetails?: SubTask };
  failureMessage?: string;
  creationTime: string;
  lastModifiedTime?: string;
  endTime?: string;
  baseModelArn: string;
  hyperParameters?: Record<string, string>;
  trainingDataConfig: { s3Uri?: string };
  validationDataConfig: { validators: { s3Uri: string }[] };
  outputDataConfig: { s3Uri: string };
  customizationType?: string;
  trainingMetrics?: { trainingLoss: number };
  validationMetrics?: { validationLoss: number }[];
  /** Not part of the job on the wire: `ListTagsForResource` answers with them. May be changed while it runs. */
  tags: Record<string, string>;
}

export interface CustomizationJobOptions extends Partial<CustomizationJob> {
  /** Counted back from now; 0 by default. A finished job finished halfway. */
  ageMinutes?: number;
  /** Of the sub-task that trains; by default what fits the job's status. `null` leaves out all sub-tasks. */
  trainingStatus?: string | null;
  /** When training started; by default with the job. Training that has not started has no such time. */
  trainingStartedMinutesAgo?: number;
  /** `us-east-1` by default. */
  region?: string;
  /** Of the job; made up by default. */
  name?: string;
}

const account = '123456789012';
const finishedStatuses = new Set(['Completed', 'Failed', 'Stopped']);

/** Returns a job with every field that Bedrock's API promises. Any field may be given as it is on the wire. */
export function simulatedCustomizationJob({
  ageMinutes = 0,
  trainingStatus,
  trainingStartedMinutesAgo,
  region = 'us-east-1',
  name,
  ...fields
}: CustomizationJobOptions = {}): CustomizationJob {
  const { status = 'InProgress' } = fields;
  const id = randomUUID().replaceAll('-', '').slice(0, 12);
  const jobName = name ?? `job-${id}`;
  const baseModelArn = fields.baseModelArn ?? `arn:aws:bedrock:${region}::foundation-model/amazon.nova-lite-v1:0:300k`;
  const baseModel = baseModelArn.split('/')[1];
  const resource = (type: string) => `arn:aws:bedrock:${region}:${account}:${type}/${baseModel}/${id}`;
  const creationTime = minutesAgo(ageMinutes);
  const isFinished = finishedStatuses.has(status);
  const isComplete = status === 'Completed';
  const changedTime = isFinished ? minutesAgo(ageMinutes / 2) : creationTime;

  const training = trainingStatus ?? status;
  const startedMinutesAgo = trainingStartedMinutesAgo ?? (training === 'NotStarted' ? undefined : ageMinutes);
  const done: SubTask = { status: 'Completed', creationTime, lastModifiedTime: creationTime };
  const trainingDetails: SubTask = {
    status: training,
    ...(startedMinutesAgo !== undefined && {
      creationTime: minutesAgo(startedMinutesAgo),
      lastModifiedTime: isFinished ? changedTime : minutesAgo(startedMinutesAgo),
    }),
  };
  return {
    jobArn: resource('model-customization-job'),
    jobName,
    outputModelName: `${jobName}-model`,
    ...(isComplete && { outputModelArn: resource('custom-model') }),
    clientRequestToken: randomUUID(),
    roleArn: `arn:aws:iam::${account}:role/customization`,
    status,
    ...(trainingStatus !== null && {
      statusDetails: { validationDetails: done, dataProcessingDetails: { ...done }, trainingDetails },
    }),
    ...(status === 'Failed' && { failureMessage: 'The training data could not be read.' }),
    creationTime,
    lastModifiedTime: changedTime,
    ...(isFinished && { endTime: changedTime }),
    baseModelArn,
    hyperParameters: { epochCount: '2', batchSize: '1', learningRate: '0.00001' },
    trainingDataConfig: { s3Uri: 's3://training/train.jsonl' },
    validationDataConfig: { validators: [{ s3Uri: 's3://training/validate.jsonl' }] },
    outputDataConfig: { s3Uri: 's3://training/output/' },
    customizationType: 'FINE_TUNING',
    ...(isComplete && { trainingMetrics: { trainingLoss: 0.25 }, validationMetrics: [{ validationLoss: 0.5 }] }),
    tags: {},
    ...fields,
  };
}

function minutesAgo(minutes: number): string {
  return new Date(Date.now() - minutes * 60_000).toISOString();
}
