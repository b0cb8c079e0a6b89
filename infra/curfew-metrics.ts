import type { Duration } from 'aws-cdk-lib';
import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { type MetricName, metricsNamespace, serviceName } from '../lambda/names.ts';

/** One of the metrics that the function writes. */
export function curfewMetric(metricName: MetricName, period: Duration, options: MetricOptions = {}): Metric {
  return new Metric({
    namespace: metricsNamespace,
    metricName,
    dimensionsMap: { service: serviceName },
    period,
    ...options,
  });
}
