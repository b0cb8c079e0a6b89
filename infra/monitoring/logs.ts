import {
  FilterPattern,
  type ILogGroup,
  MetricFilter,
  QueryDefinition,
  QueryString,
  type QueryStringProps,
} from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { metricsNamespace } from '../../lambda/names.ts';

/**
 * Matches the lines that Lambda itself logs if a function runs out of time or memory, or crashes. These match before any
 * brace, while our own lines are JSON and start with one, so nothing that a caller sends can match.
 * CloudWatch's metric filters support neither blanks nor groups in regular expressions.
 */
const crashPattern = [
  '^[0-9][^{]+.Task.timed.out.after',
  '^RequestId[^{]+.Error:.Runtime.exited',
  '^INIT_REPORT[^{]+.Error.Type:.Runtime',
  '^[0-9][^{]+.ERROR.Uncaught.Exception',
  '^[0-9][^{]+.ERROR.Unhandled.Promise.Rejection',
].join('|');

/** Counts timeouts and crashes, which the function cannot count itself. */
export function addCrashFilter(scope: Construct, deployment: string, logGroup: ILogGroup): MetricFilter {
  return new MetricFilter(scope, 'Crashes', {
    logGroup,
    filterPattern: FilterPattern.literal(`%${crashPattern}%`),
    metricNamespace: metricsNamespace,
    // A filter cannot set a constant dimension.
    metricName: `${deployment}-Crashes`,
  });
}

const times = ['ageMinutes', 'timeBudgetMinutes'];

/** The questions that operators ask of the log, by name. */
export const questions = {
  'what was cancelled, and why': {
    fields: ['@timestamp', 'project', 'jobId', 'reason', 'requestedBy', ...times, 'model', 'message'],
    filterStatements: ['outcome in ["cancelled", "cancelling"]'],
  },
  'why is this job still running': {
    fields: ['@timestamp', 'project', 'outcome', ...times, 'requestedBy', 'message'],
    filterStatements: ['jobId = "ftjob-PUT-YOUR-JOB-HERE"'],
  },
  failures: {
    // Lines from Lambda itself have none of our fields.
    fields: ['@timestamp', 'level', 'project', 'jobId', 'error.name', 'message', '@message'],
    filterStatements: [`level in ["ERROR", "WARN"] or @message like /${crashPattern}/`],
  },
};

/** Returns a question as a Logs Insights query for the newest matching lines, at most `limit`. */
export function queryFor(question: Pick<QueryStringProps, 'fields' | 'filterStatements'>, limit: number): QueryString {
  return new QueryString({ ...question, sort: '@timestamp desc', limit });
}

/** Saves these questions in Logs Insights, under the deployment's name. */
export function addSavedQueries(scope: Construct, deployment: string, logGroup: ILogGroup): void {
  const queries = new Construct(scope, 'Queries');
  for (const [title, question] of Object.entries(questions)) {
    new QueryDefinition(queries, title.replaceAll(/\W/g, ''), {
      queryDefinitionName: `${deployment}/${title}`,
      queryString: queryFor(question, 100),
      logGroups: [logGroup],
    });
  }
}
