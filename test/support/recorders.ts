import { Logger, type LogItem } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { metricsNamespace } from '../../lambda/names.ts';

/** A log line, or a metrics document, as it would be written. */
export type LogLine = Record<string, unknown>;

/** Writes its lines into an array. */
export class RecordingLogger extends Logger {
  readonly lines: LogLine[] = [];

  constructor(serviceName: string) {
    super({ serviceName, logLevel: 'DEBUG' });
  }

  protected override printLog(_level: number, log: LogItem): void {
    this.lines.push(JSON.parse(JSON.stringify(log.getAttributes())));
  }
}

/** Writes its documents into an array. */
export class RecordingMetrics extends Metrics {
  readonly documents: LogLine[] = [];

  constructor(serviceName: string) {
    super({ namespace: metricsNamespace, serviceName });
  }

  override publishStoredMetrics(): this {
    if (this.hasStoredMetrics()) this.documents.push(JSON.parse(JSON.stringify(this.serializeMetrics())));
    this.clearMetrics();
    return this;
  }
}
