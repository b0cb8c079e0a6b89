import { Annotations, Stack, Token } from 'aws-cdk-lib';
import { CfnQueue, type IQueue } from 'aws-cdk-lib/aws-sqs';
import type { IConstruct } from 'constructs';
import { knownToDiffer } from '../settings/regions.ts';

/** How long a queue must hide messages: as long as the function may take, and a minute for the way there. */
const minVisibilityTimeoutSeconds = 16 * 60;

/**
 * Checks that a queue can be one of requests, as far as it is known: what a queue of another app does is not.
 *
 * @param curfew gets a warning if failed requests have no dead-letter queue to go to.
 * @throws Error if the queue is in another region, or hides messages for less than 16 minutes: a second handling could
 * begin before the first ended.
 */
export function checkRequestQueue(queue: IQueue, curfew: IConstruct): void {
  const { path } = queue.node;
  const { region } = Stack.of(curfew);
  if (knownToDiffer(queue.env.region, region)) {
    throw new Error(
      `The queue "${path}" is in ${queue.env.region}, but Lambda reads queues only in its own region: give one in ${region}`,
    );
  }
  const resource = queue.node.defaultChild;
  if (!(resource instanceof CfnQueue)) return;
  // What SQS does if nothing is said.
  const { visibilityTimeout = 30, redrivePolicy } = resource;
  if (!Token.isUnresolved(visibilityTimeout) && visibilityTimeout < minVisibilityTimeoutSeconds) {
    throw new Error(
      `The queue "${path}" hides messages for ${visibilityTimeout} seconds, but a request may take 15 minutes: ` +
        'give it "visibilityTimeout: Duration.minutes(16)"',
    );
  }
  if (redrivePolicy !== undefined) return;
  Annotations.of(curfew).addWarningV2(
    'fine-tuning-curfew:noDeadLetterQueue',
    `The queue "${path}" has no dead-letter queue, so a request that fails is tried until the queue forgets it: ` +
      'give it a "deadLetterQueue"',
  );
}
