import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttributeValue, UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import type { JobRecord, JobTable } from '../curfew/job-table.ts';
import { asError, StateError } from '../errors.ts';
import type { AwsClients } from './clients.ts';

/** How many keys `BatchGetItem` takes at once. */
const batchSize = 100;
/** How long rows outlive every deadline: an extension is 30 days at most. */
const keptForSeconds = 31 * 86_400;
/** The last second that JavaScript has a date for. */
const lastSeconds = 8_640_000_000_000;
const attempts = 3;
const waitMilliseconds = 100;

type Row = Record<string, AttributeValue>;

/** What is kept about jobs in a DynamoDB table: one row for each job, by its id, which goes by itself in the end. */
export function createTable(tableName: string, dynamoDB: AwsClients['dynamoDB']): JobTable {
  const update = async (
    jobId: string,
    change: Pick<UpdateItemCommandInput, 'UpdateExpression' | 'ConditionExpression'>,
    values: Row,
    abortSignal: AbortSignal,
  ): Promise<'written' | Row> => {
    try {
      const [client, { UpdateItemCommand }] = await Promise.all([dynamoDB(), import('./dynamodb.ts')]);
      await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: { jobId: { S: jobId } },
          ...change,
          ExpressionAttributeValues: values,
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
        { abortSignal },
      );
      return 'written';
    } catch (error) {
      if (isConditionFailure(error)) return error.Item ?? {};
      throw unusable('written', error);
    }
  };

  /** Sets a mark unless it is set. If an answer is lost and the client tries again, the token tells that it is ours. */
  const mark = async (
    jobId: string,
    UpdateExpression: string,
    ConditionExpression: string,
    seconds: number,
    signal: AbortSignal,
  ): Promise<boolean> => {
    const token = randomUUID();
    const written = await update(
      jobId,
      { UpdateExpression, ConditionExpression },
      { ':time': number(seconds), ':token': { S: token }, ':expires': expiryAfter(seconds) },
      signal,
    );
    return written === 'written' || written['warnedBy']?.S === token || written['cancellingBy']?.S === token;
  };

  /** Reads a batch. DynamoDB leaves rows out when it is busy, and those are asked for again. */
  const readBatch = async (
    jobIds: string[],
    signal: AbortSignal,
  ): Promise<[string, JobRecord | StateError][]> => {
    const records = new Map<string, JobRecord | StateError>();
    let left = jobIds;
    try {
      const [client, { BatchGetItemCommand }] = await Promise.all([dynamoDB(), import('./dynamodb.ts')]);
      for (let attempt = 1; left.length > 0; attempt += 1) {
        if (attempt > attempts) throw new UnprocessedKeysError();
        if (attempt > 1) await sleep(waitMilliseconds * attempt, undefined, { signal });
        const Keys = left.map((jobId) => ({ jobId: { S: jobId } }));
        // A read that is behind by a moment could miss an extension.
        const { Responses, UnprocessedKeys } = await client.send(
          new BatchGetItemCommand({ RequestItems: { [tableName]: { Keys, ConsistentRead: true } } }),
          { abortSignal: signal },
        );
        const rows = new Map((Responses?.[tableName] ?? []).map((row) => [row['jobId']?.S, row]));
        const unread = new Set((UnprocessedKeys?.[tableName]?.Keys ?? []).map((key) => key['jobId']?.S));
        for (const jobId of left) if (!unread.has(jobId)) records.set(jobId, recordOrError(rows.get(jobId)));
        left = left.filter((jobId) => unread.has(jobId));
      }
    } catch (error) {
      const failure = unusable('read', error);
      for (const jobId of left) records.set(jobId, failure);
    }
    return [...records];
  };

  return {
    async read(jobIds, signal) {
      const unique = [...new Set(jobIds)];
      const batches = Array.from({ length: Math.ceil(unique.length / batchSize) }, (_, index) =>
        readBatch(unique.slice(index * batchSize, (index + 1) * batchSize), signal),
      );
      return new Map((await Promise.all(batches)).flat());
    },

    async extend(jobId, untilSeconds, by, signal) {
      const written = await update(
        jobId,
        {
          // Whatever was published of the job before, it goes on now.
          UpdateExpression:
            'SET extendedUntil = :until, extendedBy = :by, expiresAt = :expires REMOVE cancellingSince',
          ConditionExpression: 'attribute_not_exists(extendedUntil) OR extendedUntil < :until',
        },
        { ':until': number(untilSeconds), ':by': { S: by }, ':expires': expiryAfter(untilSeconds) },
        signal,
      );
      // Somebody else was quicker, and more generous.
      return written === 'written' ? untilSeconds : (recordIn(written).extendedUntilSeconds ?? untilSeconds);
    },

    markWarned: (jobId, deadlineSeconds, signal) =>
      mark(
        jobId,
        'SET warnedFor = :time, warnedBy = :token, expiresAt = :expires',
        'attribute_not_exists(warnedFor) OR warnedFor <> :time',
        deadlineSeconds,
        signal,
      ),

    async unmarkWarned(jobId, deadlineSeconds, signal) {
      await update(
        jobId,
        { UpdateExpression: 'REMOVE warnedFor', ConditionExpression: 'warnedFor = :time' },
        { ':time': number(deadlineSeconds) },
        signal,
      );
    },

    markCancelling: (jobId, sinceSeconds, signal) =>
      mark(
        jobId,
        'SET cancellingSince = :time, cancellingBy = :token, expiresAt = :expires',
        'attribute_not_exists(cancellingSince)',
        sinceSeconds,
        signal,
      ),

    async unmarkCancelling(jobId, sinceSeconds, signal) {
      await update(
        jobId,
        { UpdateExpression: 'REMOVE cancellingSince', ConditionExpression: 'cancellingSince = :time' },
        { ':time': number(sinceSeconds) },
        signal,
      );
    },
  };
}

/** DynamoDB left rows out at every attempt. */
class UnprocessedKeysError extends Error {
  override readonly name = 'UnprocessedKeysError';
}

function recordOrError(row: Row = {}): JobRecord | StateError {
  try {
    return recordIn(row);
  } catch (error) {
    if (error instanceof StateError) return error;
    throw error;
  }
}

/** What a row says. One that cannot be understood is as bad as one that cannot be read: it may extend the job. */
function recordIn(row: Row): JobRecord {
  return {
    extendedUntilSeconds: secondsIn(row, 'extendedUntil'),
    warnedForSeconds: secondsIn(row, 'warnedFor'),
    cancellingSinceSeconds: secondsIn(row, 'cancellingSince'),
  };
}

function secondsIn(row: Row, name: string): number | undefined {
  const attribute = row[name];
  if (attribute === undefined) return undefined;
  const seconds = Number(attribute.N);
  if (seconds >= 0 && seconds <= lastSeconds) return seconds;
  throw new StateError(
    `The table of extensions has a row for ${row['jobId']?.S} whose ${name} is not a time in Unix seconds. Fix or delete the row.`,
  );
}

const number = (value: number): AttributeValue => ({ N: String(value) });
const expiryAfter = (seconds: number) =>
  number(Math.ceil(Math.max(seconds, Date.now() / 1000)) + keptForSeconds);

function isConditionFailure(error: unknown): error is Error & { Item?: Row } {
  return error instanceof Error && error.name === 'ConditionalCheckFailedException';
}

function unusable(done: 'read' | 'written', error: unknown): StateError {
  return new StateError(
    `The table of extensions could not be ${done} (${asError(error).name}). Try again; if it persists, check the table and the function's role.`,
  );
}
