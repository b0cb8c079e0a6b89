import { Duration } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acknowledge } from '../function/acknowledged.ts';

/** Where requests are kept that nobody could deliver, or that failed after all retries. Encrypted, TLS only. */
export class DeadLetterQueue extends Queue {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // The longest that SQS keeps a message: long enough for whoever was on holiday.
      retentionPeriod: Duration.days(14),
    });
    acknowledge(this, {
      id: 'AwsSolutions-SQS3',
      reason: 'This is a dead-letter queue itself, for asynchronous invocations.',
    });
  }
}
