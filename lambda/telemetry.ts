import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { type Decision, sentenceOf } from './decision.ts';
import { type MetricName, metricsNamespace, metricUnits, serviceName } from './names.ts';
import type { SweepResult } from './sweep-result.ts';

/** The logger of the function: JSON lines, level from the environment variable `LOG_LEVEL`. */
export function createLogger(): Logger {
  return new Logger({ serviceName });
}

/** The metrics of the function: CloudWatch reads them from the log (Embedded Metric Format). */
export function createMetrics(): Metrics {
  return new Metrics({ namespace: metricsNamespace, serviceName });
}

/** One line for each decision: a sentence, and its parts. Metadata stays out, for it may hold anything. */
export function logDecision(logger: Logger, decision: Decision): void {
  const { metadata: _metadata, ...parts } = decision;
  const line = sentenceOf(decision);
  if (decision.outcome === 'failed') logger.error(line, parts);
  else if (decision.outcome === 'not_cancellable') logger.warn(line, parts);
  else logger.info(line, parts);
}

/** One line with the counts of a sweep. Its jobs have lines of their own. */
export function logSweep(logger: Logger, { jobs: _jobs, ...counts }: SweepResult): void {
  const { inspected, inProgress, overdue, cancelled, failed, dryRun, complete } = counts;
  const line =
    `${complete ? 'Swept' : 'Swept in part, because time ran out or listing failed'}${dryRun ? ' (dry run)' : ''}: ` +
    `${inspected} inspected, ${inProgress} in progress, ${overdue} overdue, ${cancelled} cancelled, ${failed} failed.`;
  if (complete) logger.info(line, counts);
  else logger.warn(line, counts);
}

/** Writes metric values, all of one moment. */
export function publishMetrics(metrics: Metrics, values: Partial<Record<MetricName, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    metrics.addMetric(name, metricUnits[name as MetricName], value);
  }
  metrics.publishStoredMetrics();
}
