import { type ILogGroup, QueryDefinition, QueryString, type QueryStringProps } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { crashPattern } from './crashes.ts';

/** The questions that operators ask of the log, by name. */
export const questions = {
  'what was cancelled, and why': {
    fields: [
      '@timestamp',
      'project',
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
    fields: ['@timestamp', 'project', 'outcome', 'ageMinutes', 'timeBudgetMinutes', 'requestedBy', 'message'],
    filterStatements: ['jobId = "ftjob-PUT-YOUR-JOB-HERE"'],
  },
  failures: {
    // What Lambda itself writes has no fields of ours.
    fields: ['@timestamp', 'level', 'project', 'jobId', 'error.name', 'message', '@message'],
    filterStatements: [`level in ["ERROR", "WARN"] or @message like /${crashPattern}/`],
  },
};

/** A question in the language of Logs Insights: the newest lines that answer it, `limit` at most. */
export function queryFor(question: Pick<QueryStringProps, 'fields' | 'filterStatements'>, limit: number): QueryString {
  return new QueryString({ ...question, sort: '@timestamp desc', limit });
}

export interface SavedQueriesProps {
  /** Of the deployment. */
  name: string;
  logGroup: ILogGroup;
}

/** The same questions, saved in Logs Insights. */
export class SavedQueries extends Construct {
  constructor(scope: Construct, id: string, { name, logGroup }: SavedQueriesProps) {
    super(scope, id);
    for (const [title, question] of Object.entries(questions)) {
      new QueryDefinition(this, title.replaceAll(/\W/g, ''), {
        queryDefinitionName: `${name}/${title}`,
        queryString: queryFor(question, 100),
        logGroups: [logGroup],
      });
    }
  }
}
