import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { CancelAnswer, CancelRequest } from '../../infra/index.ts';

const lambda = new LambdaClient();

/** Another function, which cancels a job and waits for the outcome. */
export async function handler(request: CancelRequest): Promise<CancelAnswer> {
  const command = new InvokeCommand({
    FunctionName: process.env['CURFEW'],
    Payload: JSON.stringify(request),
  });
  const { FunctionError, Payload } = await lambda.send(command);
  const answer = JSON.parse(Payload?.transformToString() ?? 'null');
  if (FunctionError !== undefined) throw new Error(`${answer.errorType}: ${answer.errorMessage}`);
  return answer;
}
