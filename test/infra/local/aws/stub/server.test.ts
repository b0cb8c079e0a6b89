import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import {
  BatchGetItemCommand,
  DynamoDBClient,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { startAwsStub } from '../../../../../infra/local/aws/stub/server.ts';

const stub = await startAwsStub();
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const dynamoDB = new DynamoDBClient({ endpoint: stub.url, region: 'us-east-1', credentials, maxAttempts: 1 });
after(async () => {
  dynamoDB.destroy();
  await stub[Symbol.asyncDispose]();
});
beforeEach(() => stub.table.rows.clear());

describe('the table', () => {
  const key = { jobId: { S: 'ftjob-1' } };
  const update = (input: Partial<UpdateItemCommandInput>) =>
    dynamoDB.send(
      new UpdateItemCommand({
        TableName: 'table',
        Key: key,
        UpdateExpression: 'SET warnedFor = :new',
        ExpressionAttributeValues: { ':new': { N: '5' } },
        ...input,
      }),
    );
  const conditions: [string, number | undefined, boolean][] = [
    ['attribute_not_exists(warnedFor)', undefined, true],
    ['attribute_not_exists(warnedFor)', 1, false],
    ['attribute_not_exists(warnedFor) OR warnedFor < :new', undefined, true],
    ['attribute_not_exists(warnedFor) OR warnedFor < :new', 1, true],
    ['attribute_not_exists(warnedFor) OR warnedFor < :new', 5, false],
    ['warnedFor < :new', undefined, false],
  ];
  for (const [ConditionExpression, warnedFor, holds] of conditions) {
    test(`"${ConditionExpression}" ${holds ? 'holds' : 'does not hold'} of ${warnedFor}`, async () => {
      if (warnedFor !== undefined) stub.table.rows.set('ftjob-1', { jobId: 'ftjob-1', warnedFor });
      const updated = update({ ConditionExpression });
      if (holds) await updated;
      else await assert.rejects(updated, { name: 'ConditionalCheckFailedException' });
      assert.equal(stub.table.rows.get('ftjob-1')?.['warnedFor'], holds ? 5 : warnedFor);
    });
  }

  for (const input of [
    { ConditionExpression: 'contains(warnedFor, :new)' },
    { ConditionExpression: 'attribute_not_exists(warnedFor) OR warnedFor > :new' },
    { UpdateExpression: 'ADD warnedFor :new' },
    { UpdateExpression: 'SET warnedFor = :new REMOVE extendedBy, lastWaiting' },
    { UpdateExpression: 'SET warnedFor = :newer' },
  ]) {
    test(`refuses what it does not know: ${Object.values(input)}`, async () => {
      await assert.rejects(update(input), { name: 'ValidationException' });
      assert.equal(stub.table.rows.size, 0);
    });
  }

  for (const ids of [[], ['a', 'a'], Array.from({ length: 101 }, (_, index) => `${index}`)]) {
    test(`refuses to read ${ids.length} rows: ${ids.slice(0, 2)}`, async () => {
      const Keys = ids.map((jobId) => ({ jobId: { S: jobId } }));
      const read = dynamoDB.send(new BatchGetItemCommand({ RequestItems: { table: { Keys } } }));
      await assert.rejects(read, { name: 'ValidationException' });
    });
  }
});
