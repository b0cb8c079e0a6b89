import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  BatchGetItemCommand,
  DynamoDBClient,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { paginateGetParametersByPath, SSMClient } from '@aws-sdk/client-ssm';
import { type AwsStubOptions, startAwsStub } from '../../../../../infra/local/aws/stub/server.ts';

/** The stub, and what a client of it needs. */
async function start(options: AwsStubOptions = {}) {
  const stub = await startAwsStub(options);
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const config = { endpoint: stub.url, region: 'us-east-1', credentials, maxAttempts: 1 };
  return { stub, config, [Symbol.asyncDispose]: stub[Symbol.asyncDispose] };
}

test('a secret has its own value, or that of all', async () => {
  await using aws = await start({
    secret: { SecretString: 'all' },
    secrets: { 'azure/key': { SecretString: 'own' } },
  });
  const client = new SecretsManagerClient(aws.config);
  const value = async (SecretId: string) => (await client.send(new GetSecretValueCommand({ SecretId }))).SecretString;
  assert.deepEqual([await value('azure/key'), await value('another')], ['own', 'all']);
  assert.deepEqual(aws.stub.secretReads, ['azure/key', 'another']);
});

test('parameters come ten to a page, and only those below the path', async () => {
  const below = Array.from({ length: 23 }, (_, index) => [`/a/${String(index).padStart(4, '0')}`, `${index}`]);
  await using aws = await start({ parameters: { ...Object.fromEntries(below), '/ab/0000': 'other' } });
  const pages = await Array.fromAsync(
    paginateGetParametersByPath({ client: new SSMClient(aws.config) }, { Path: '/a' }),
  );
  assert.deepEqual(
    pages.map(({ Parameters = [] }) => Parameters.length),
    [10, 10, 3],
  );
  assert.equal(aws.stub.parameterReads, 3);
});

describe('the table', () => {
  const key = { jobId: { S: 'ftjob-1' } };
  const get = new BatchGetItemCommand({ RequestItems: { t: { Keys: [key] } } });
  const set = (more: Partial<UpdateItemCommandInput>) =>
    new UpdateItemCommand({
      TableName: 'table',
      Key: key,
      UpdateExpression: 'SET warnedFor = :new',
      ...more,
    });
  const conditions: [string, number | undefined, boolean][] = [
    ['attribute_not_exists(warnedFor)', undefined, true],
    ['attribute_not_exists(warnedFor)', 1, false],
    ['attribute_exists(warnedFor)', 1, true],
    ['attribute_not_exists(warnedFor) OR warnedFor < :new', 1, true],
    ['attribute_not_exists(warnedFor) OR warnedFor < :new', 5, false],
    ['attribute_not_exists(warnedFor) OR warnedFor <> :new', 5, false],
    ['attribute_not_exists(warnedFor) OR warnedFor <> :new', 6, true],
    ['warnedFor = :new', undefined, false],
    ['warnedFor = :new', 5, true],
    ['warnedFor < :new', undefined, false],
    ['warnedFor >= :new AND warnedFor <= :new', 5, true],
    ['warnedFor > :new AND warnedFor < :new', 5, false],
  ];
  for (const [condition, before, holds] of conditions) {
    test(`"${condition}" ${holds ? 'holds' : 'does not hold'} where there is ${before ?? 'none'}`, async () => {
      await using aws = await start();
      if (before !== undefined) aws.stub.table.rows.set('ftjob-1', { jobId: 'ftjob-1', warnedFor: before });
      const update = new DynamoDBClient(aws.config).send(
        set({ ConditionExpression: condition, ExpressionAttributeValues: { ':new': { N: '5' } } }),
      );
      if (holds) await update;
      else await assert.rejects(update, { name: 'ConditionalCheckFailedException' });
      assert.equal(aws.stub.table.rows.get('ftjob-1')?.['warnedFor'], holds ? 5 : before);
      assert.equal(aws.stub.table.writes, 1);
    });
  }

  test('shows the row that a condition did not hold for, if asked to', async () => {
    await using aws = await start();
    aws.stub.table.rows.set('ftjob-1', { jobId: 'ftjob-1', warnedFor: 9 });
    const update = new DynamoDBClient(aws.config).send(
      set({
        ConditionExpression: 'attribute_not_exists(warnedFor)',
        ExpressionAttributeValues: { ':new': { N: '5' } },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    await assert.rejects(update, { Item: { ...key, warnedFor: { N: '9' } } });
  });

  test('takes an attribute away', async () => {
    await using aws = await start();
    aws.stub.table.rows.set('ftjob-1', { jobId: 'ftjob-1', warnedFor: 9, extendedBy: 'alice' });
    await new DynamoDBClient(aws.config).send(set({ UpdateExpression: 'REMOVE warnedFor' }));
    assert.deepEqual(aws.stub.table.rows.get('ftjob-1'), { jobId: 'ftjob-1', extendedBy: 'alice' });
  });

  test('sets several attributes, by #names too', async () => {
    await using aws = await start();
    await new DynamoDBClient(aws.config).send(
      set({
        UpdateExpression: 'SET #until = :until, extendedBy = :by REMOVE warnedFor',
        ExpressionAttributeNames: { '#until': 'extendedUntil' },
        ExpressionAttributeValues: { ':until': { N: '7' }, ':by': { S: 'alice' } },
      }),
    );
    const row = { jobId: 'ftjob-1', extendedUntil: 7, extendedBy: 'alice' };
    assert.deepEqual(aws.stub.table.rows.get('ftjob-1'), row);
    const { Responses } = await new DynamoDBClient(aws.config).send(get);
    assert.deepEqual(Responses, { t: [{ ...key, extendedUntil: { N: '7' }, extendedBy: { S: 'alice' } }] });
  });

  test('refuses an expression that it does not know', async () => {
    await using aws = await start();
    const update = set({ ConditionExpression: 'contains(warnedFor, :new)' });
    await assert.rejects(new DynamoDBClient(aws.config).send(update), { name: 'ValidationException' });
  });

  test('gives many rows at once, but for those that it leaves', async () => {
    await using aws = await start();
    for (const jobId of ['a', 'b', 'c']) aws.stub.table.rows.set(jobId, { jobId, extendedUntil: 1 });
    aws.stub.table.leaves = (jobId) => jobId === 'b';
    const Keys = ['a', 'b', 'd'].map((jobId) => ({ jobId: { S: jobId } }));
    const answer = await new DynamoDBClient(aws.config).send(
      new BatchGetItemCommand({ RequestItems: { t: { Keys } } }),
    );
    assert.deepEqual(answer.Responses, { t: [{ jobId: { S: 'a' }, extendedUntil: { N: '1' } }] });
    assert.deepEqual(answer.UnprocessedKeys, { t: { Keys: [{ jobId: { S: 'b' } }] } });
  });

  for (const [health, name] of [
    ['throttled', 'ThrottlingException'],
    ['denied', 'AccessDeniedException'],
    ['down', 'InternalServerError'],
  ] as const) {
    test(`that is ${health} fails with ${name}`, async () => {
      await using aws = await start();
      aws.stub.table.health = health;
      await assert.rejects(new DynamoDBClient(aws.config).send(get), { name });
      assert.equal(aws.stub.table.reads, 1);
    });
  }
});
