import { randomUUID } from 'node:crypto';

/** A model customization job as on the wire, without fields that only its owner needs. Times are ISO 8601. */
export interface CustomizationJob {
  jobArn: string;
  jobName: string;
  status: string;
  statusDetails?: { trainingDetails: { status: string; creationTime?: string } };
  creationTime: string;
  baseModelArn: string;
  /** Not part of the job on the wire: `ListTagsForResource` returns them. May be changed while it runs. */
  tags: Record<string, string>;
}

export interface CustomizationJobOptions {
  /** `InProgress` by default. */
  status?: string;
  /** Counted back from now; 0 by default. */
  ageMinutes?: number;
  /** Status of the training sub-task; by default the job's status. `null` leaves it out. */
  trainingStatus?: string | null;
  /** When training started; by default with the job. Omitted if training has not started. */
  trainingStartedMinutesAgo?: number;
  /** `us-east-1` by default. */
  region?: string;
  /** The end of its ARN, 12 letters or digits; random by default. */
  id?: string;
  /** Its id by default. */
  name?: string;
  tags?: Record<string, string>;
}

const model = 'amazon.nova-lite-v1:0:300k';

/** Returns a job, by default one that is training. */
export function simulatedCustomizationJob({
  status = 'InProgress',
  ageMinutes = 0,
  trainingStatus = status,
  trainingStartedMinutesAgo,
  region = 'us-east-1',
  id = randomUUID().replaceAll('-', '').slice(0, 12),
  name = id,
  tags = {},
}: CustomizationJobOptions = {}): CustomizationJob {
  const startedMinutesAgo = trainingStartedMinutesAgo ?? (trainingStatus === 'NotStarted' ? undefined : ageMinutes);
  const trainingDetails = {
    status: trainingStatus ?? status,
    ...(startedMinutesAgo !== undefined && { creationTime: minutesAgo(startedMinutesAgo) }),
  };
  return {
    jobArn: `arn:aws:bedrock:${region}:123456789012:model-customization-job/${model}/${id}`,
    jobName: name,
    status,
    ...(trainingStatus !== null && { statusDetails: { trainingDetails } }),
    creationTime: minutesAgo(ageMinutes),
    baseModelArn: `arn:aws:bedrock:${region}::foundation-model/${model}`,
    tags,
  };
}

function minutesAgo(minutes: number): string {
  return new Date(Date.now() - minutes * 60_000).toISOString();
}
