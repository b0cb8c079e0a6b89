import { Logger, type LogItem } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';

/** Does all the work of a logger but the writing, so that the table is not buried in log lines. */
export class SilentLogger extends Logger {
  protected override printLog(_level: number, log: LogItem): void {
    JSON.stringify(log.getAttributes());
  }
}

/** The same for metrics. */
export class SilentMetrics extends Metrics {
  override publishStoredMetrics(): this {
    JSON.stringify(this.serializeMetrics());
    this.clearMetrics();
    return this;
  }
}
