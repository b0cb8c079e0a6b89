import { Token } from 'aws-cdk-lib';
import { CfnQueue, type IQueue } from 'aws-cdk-lib/aws-sqs';

/** How long a queue must hide messages: as long as the function may take, and a minute for the way there. */
const leastVisibilityTimeoutSeconds = 16 * 60;

/**
 * Checks that a queue of this app can be one of requests; one of another app is taken as it is.
 *
 * @throws Error if it hides messages for less than 16 minutes: a second handling could begin before the first ended.
 */
export function checkRequestQueue(queue: IQueue): void {
  const resource = queue.node.defaultChild;
  if (!(resource instanceof CfnQueue)) return;
  // What SQS does if nothing is said.
  const { visibilityTimeout = 30 } = resource;
  if (Token.isUnresolved(visibilityTimeout) || visibilityTimeout >= leastVisibilityTimeoutSeconds) return;
  throw new Error(
    `The queue "${queue.node.path}" hides messages for ${visibilityTimeout} seconds, but a request may take 15 minutes: ` +
      'give it "visibilityTimeout: Duration.minutes(16)"',
  );
}
