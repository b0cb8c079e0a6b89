import { randomUUID } from 'node:crypto';

/** A fine-tuning job in the vendor's API; see its reference, "The fine-tuning job object". */
export interface SimulatedJob {
  object: 'fine_tuning.job';
  id: string;
  status: string;
  created_at: number;
  finished_at: number | null;
  estimated_finish: number | null;
  model: string;
  fine_tuned_model: string | null;
  metadata: Record<string, string> | null;
  organization_id: string | null;
  training_file: string;
  validation_file: string | null;
  result_files: string[] | null;
  hyperparameters: { n_epochs: number | 'auto' } | null;
  trained_tokens: number | null;
  error: { code: string; message: string; param: string | null } | null;
  seed: number;
}

type JobFields = Partial<SimulatedJob> & { ageMinutes?: number } & Pick<SimulatedJob, 'status'>;

/** The final statuses. A job in one of them cannot be cancelled. */
export const finishedStatuses = new Set(['succeeded', 'failed', 'cancelled']);

/**
 * Returns a job with every field that OpenAI documents.
 *
 * @param job its fields; `ageMinutes` counts back from now. A finished job finished halfway.
 */
export function simulatedJob({ ageMinutes = 0, ...fields }: JobFields): SimulatedJob {
  const finished = finishedStatuses.has(fields.status);
  const createdAt = Math.floor(Date.now() / 1000 - ageMinutes * 60);
  return {
    object: 'fine_tuning.job',
    id: `ftjob-${randomUUID().replaceAll('-', '').slice(0, 24)}`,
    created_at: createdAt,
    finished_at: finished ? createdAt + Math.round(ageMinutes * 30) : null,
    estimated_finish: null,
    model: 'gpt-4o-mini-2024-07-18',
    fine_tuned_model: fields.status === 'succeeded' ? 'ft:gpt-4o-mini:curfew::abc123' : null,
    metadata: null,
    organization_id: 'org-simulated',
    training_file: 'file-training',
    validation_file: null,
    result_files: [],
    hyperparameters: { n_epochs: 'auto' },
    trained_tokens: finished ? 1000 : null,
    error: null,
    seed: 42,
    ...fields,
  };
}

/** Returns a job with the fields that Azure leaves empty. Azure also has `pending`, `pausing`, `paused` and `resuming`. */
export function simulatedAzureJob(job: JobFields): SimulatedJob {
  return simulatedJob({ organization_id: null, result_files: null, hyperparameters: null, ...job });
}
