import { Logger, type LogItem } from '@aws-lambda-powertools/logger';

/** Does all the work of a logger but the writing, so that the table is not buried in log lines. */
export class SilentLogger extends Logger {
  protected override printLog(_level: number, log: LogItem): void {
    JSON.stringify(log.getAttributes());
  }
}
