import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { type MetricName, metricsNamespace } from '../../lambda/names.ts';

export interface CurfewMetricOptions extends MetricOptions {
  /** Of the deployment. */
  deployment: string;
}

/** One of the metrics that the function writes. */
export function curfewMetric(metricName: MetricName, { deployment, ...options }: CurfewMetricOptions): Metric {
  return new Metric({
    namespace: metricsNamespace,
    metricName,
    dimensionsMap: { service: deployment },
    ...options,
  });
}
