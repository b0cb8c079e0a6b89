import { type ILogGroup, QueryDefinition, QueryString, type QueryStringProps } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { functionName } from './curfew-function.ts';

/** The questions that operators ask of the log, by name. */
export const questions = {
  'what was cancelled, and why': {
    fields: [
      '@timestamp',
      'jobId',
      'reason',
      'requestedBy',
      'ageMinutes',
      'timeBudgetMinutes',
      'model',
      'message',
    ],
    filterStatements: ['outcome in ["cancelled", "cancelling"]'],
  },
  'why is this job still running': {
    fields: ['@timestamp', 'outcome', 'ageMinutes', 'timeBudgetMinutes', 'requestedBy', 'message'],
    filterStatements: ['jobId = "ftjob-PUT-YOUR-JOB-HERE"'],
  },
  failures: {
    fields: ['@timestamp', 'level', 'jobId', 'error.name', 'message'],
    filterStatements: ['level in ["ERROR", "WARN"]'],
  },
};

/** A question in the language of Logs Insights: the newest lines that answer it, `limit` at most. */
export function queryFor(
  question: Pick<QueryStringProps, 'fields' | 'filterStatements'>,
  limit: number,
): QueryString {
  return new QueryString({ ...question, sort: '@timestamp desc', limit });
}

/** The same questions, saved in Logs Insights. */
export class SavedQueries extends Construct {
  constructor(scope: Construct, id: string, logGroup: ILogGroup) {
    super(scope, id);
    for (const [name, question] of Object.entries(questions)) {
      new QueryDefinition(this, name.replaceAll(/\W/g, ''), {
        queryDefinitionName: `${functionName}/${name}`,
        queryString: queryFor(question, 100),
        logGroups: [logGroup],
      });
    }
  }
}
