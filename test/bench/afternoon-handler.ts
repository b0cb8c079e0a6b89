/**
 * The same cancel as most engineers would write it in an afternoon: the vendor's client, the AWS SDK, Powertools.
 * The bench measures the deployed function against it.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Context } from 'aws-lambda';
import OpenAI from 'openai';

const logger = new Logger({ serviceName: 'fine-tuning-curfew' });
const metrics = new Metrics({ namespace: 'FineTuningCurfew', serviceName: 'fine-tuning-curfew' });
const secretsManager = new SecretsManagerClient({});
let client: OpenAI | undefined;

async function openai(): Promise<OpenAI> {
  if (client) return client;
  const secret = await secretsManager.send(new GetSecretValueCommand({ SecretId: process.env['SECRET_NAME'] }));
  client = new OpenAI({ apiKey: secret.SecretString, baseURL: process.env['OPENAI_BASE_URL'] });
  return client;
}

/** Cancels one job if it is still in progress. */
export async function handler(event: { jobId: string }, context: Context) {
  logger.addContext(context);
  try {
    const { fineTuning } = await openai();
    const job = await fineTuning.jobs.retrieve(event.jobId);
    if (!['validating_files', 'queued', 'running'].includes(job.status)) {
      return { jobId: job.id, outcome: 'already_finished', initialStatus: job.status, finalStatus: null };
    }
    const cancelled = await fineTuning.jobs.cancel(job.id);
    metrics.addMetric('Cancelled', MetricUnit.Count, 1);
    logger.info('Cancelled a fine-tuning job', { jobId: job.id });
    return { jobId: job.id, outcome: 'cancelled', initialStatus: job.status, finalStatus: cancelled.status };
  } finally {
    metrics.publishStoredMetrics();
  }
}
