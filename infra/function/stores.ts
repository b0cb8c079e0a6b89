import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledged.ts';

/** Adds the table of extensions and of what was already published. Its rows are useless once their jobs have finished. */
export function addStateTable(scope: Construct): Table {
  const table = new Table(scope, 'State', {
    partitionKey: { name: 'jobId', type: AttributeType.STRING },
    timeToLiveAttribute: 'expiresAt',
    billingMode: BillingMode.PAY_PER_REQUEST,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const reason = 'Rows are only needed while a job runs. After a restore, most jobs would have finished.';
  acknowledge(table, { id: 'AwsSolutions-DDB3', reason });
  return table;
}

/** Adds the queue of requests that could not be delivered, or failed after all retries. Encrypted, TLS only. */
export function addDeadLetterQueue(scope: Construct): Queue {
  const queue = new Queue(scope, 'DeadLetters', {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    // The maximum: long enough for somebody to return from holiday.
    retentionPeriod: Duration.days(14),
  });
  const reason = 'This is itself a dead-letter queue, for asynchronous invocations.';
  acknowledge(queue, { id: 'AwsSolutions-SQS3', reason });
  return queue;
}
