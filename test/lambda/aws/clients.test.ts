import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchGetItemCommand } from '@aws-sdk/client-dynamodb';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { startAwsStub } from '../../../infra/local/aws/stub/server.ts';
import { createAwsClients } from '../../../lambda/aws/clients.ts';
import { awsCredentials } from '../../support/curfew.ts';

test('a silent AWS service costs three attempts of three seconds', { timeout: 30_000 }, async () => {
  await using aws = await startAwsStub({ secret: 'silence' });
  Object.assign(aws, { eventBus: 'silent', parameterStore: 'silent' });
  aws.table.health = 'silent';
  const clients = createAwsClients({ endpoint: aws.url, region: 'us-east-1', credentials: awsCredentials });
  const dynamoDB = await clients.dynamoDB();
  const parameterStore = await clients.parameterStore();

  const startedAt = performance.now();
  const answers = await Promise.allSettled([
    clients.secrets.get('openai/api-key'),
    clients.eventBridge.send(new PutEventsCommand({ Entries: [{ Source: 's', DetailType: 't', Detail: '{}' }] })),
    dynamoDB.send(new BatchGetItemCommand({ RequestItems: { table: { Keys: [{ jobId: { S: 'ftjob-1' } }] } } })),
    parameterStore.getMultiple('/projects'),
  ]);
  const tookMs = performance.now() - startedAt;

  // Powertools wraps the AWS client's error.
  const reasons = answers.map((answer) =>
    answer.status === 'rejected' ? (answer.reason.cause ?? answer.reason) : answer,
  );
  for (const { name } of reasons) assert.equal(name, 'TimeoutError');
  const attempts = [aws.secretReads.length, aws.batchSizes.length, aws.table.reads, aws.parameterReads];
  assert.deepEqual(attempts, [3, 3, 3, 3]);
  assert.ok(tookMs > 8_000 && tookMs < 14_000, `${tookMs} ms`);
});
