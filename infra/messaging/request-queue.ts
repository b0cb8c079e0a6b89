import { Annotations, Stack, Token } from 'aws-cdk-lib';
import { CfnQueue, type IQueue } from 'aws-cdk-lib/aws-sqs';
import type { IConstruct } from 'constructs';
import { knownToDiffer } from '../settings/regions.ts';

/** The minimum visibility timeout: as long as the function may run, plus a minute for delivery. */
const minVisibilityTimeoutSeconds = 16 * 60;

/**
 * Checks that a queue can hold requests. The properties of an imported queue are unknown, so they pass.
 *
 * @param curfew gets a warning if the queue has no dead-letter queue.
 * @throws Error if the queue is in another region, or its visibility timeout is less than 16 minutes: a request could
 * then be handled twice at once.
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
  // SQS's default is 30 seconds.
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
    `The queue "${path}" has no dead-letter queue, so a failed request is retried until the queue drops it: ` +
      'give it a "deadLetterQueue"',
  );
}
