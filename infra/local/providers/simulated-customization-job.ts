import { randomUUID } from 'node:crypto';

interface SubTask {
  status: string;
  creationTime?: string;
}

/**
 * A model customization job as Bedrock's API has it on the wire, without what only its owner needs: data, roles, models
 * and metrics. Times are ISO 8601.
 */
export interface CustomizationJob {
  jobArn: string;
  jobName: string;
  status: string;
  statusDetails?: { validationDetails: SubTask; dataProcessingDetails: SubTask; trainingDetails: SubTask };
  creationTime: string;
  endTime?: string;
  baseModelArn: string;
  customizationType: string;
  /** Not part of the job on the wire: `ListTagsForResource` answers with them. May be changed while it runs. */
  tags: Record<string, string>;
}

export interface CustomizationJobOptions {
  /** `InProgress` by default. */
  status?: string;
  /** Counted back from now; 0 by default. A finished job finished halfway. */
  ageMinutes?: number;
  /** Of the sub-task that trains; by default what fits the job's status. `null` leaves out all sub-tasks. */
  trainingStatus?: string | null;
  /** When training started; by default with the job. Training that has not started has no such time. */
  trainingStartedMinutesAgo?: number;
  /** `us-east-1` by default. */
  region?: string;
  /** The end of its ARN, 12 letters or digits; made up by default. */
  id?: string;
  /** Its id by default. */
  name?: string;
  tags?: Record<string, string>;
}

const model = 'amazon.nova-lite-v1:0:300k';

/** Returns a job, which trains unless the options say otherwise. */
export function simulatedCustomizationJob({
  status = 'InProgress',
  ageMinutes = 0,
  trainingStatus = status,
  trainingStartedMinutesAgo = trainingStatus === 'NotStarted' ? undefined : ageMinutes,
  region = 'us-east-1',
  id = randomUUID().replaceAll('-', '').slice(0, 12),
  name = id,
  tags = {},
}: CustomizationJobOptions = {}): CustomizationJob {
  const creationTime = minutesAgo(ageMinutes);
  const done = { status: 'Completed', creationTime };
  const trainingDetails = {
    status: trainingStatus ?? status,
    ...(trainingStartedMinutesAgo !== undefined && { creationTime: minutesAgo(trainingStartedMinutesAgo) }),
  };
  return {
    jobArn: `arn:aws:bedrock:${region}:123456789012:model-customization-job/${model}/${id}`,
    jobName: name,
    status,
    ...(trainingStatus !== null && {
      statusDetails: { validationDetails: done, dataProcessingDetails: done, trainingDetails },
    }),
    creationTime,
    ...(['Completed', 'Failed', 'Stopped'].includes(status) && { endTime: minutesAgo(ageMinutes / 2) }),
    baseModelArn: `arn:aws:bedrock:${region}::foundation-model/${model}`,
    customizationType: 'FINE_TUNING',
    tags,
  };
}

function minutesAgo(minutes: number): string {
  return new Date(Date.now() - minutes * 60_000).toISOString();
}
