import { setTimeout as sleep } from 'node:timers/promises';
import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import pMap from 'p-map';
import type { JobRow, JobTable } from '../curfew/job.ts';
import { StateError, toError } from '../errors.ts';
import type { AwsClients } from './clients.ts';

/** How many keys `BatchGetItem` takes at once. */
const batchSize = 100;
const maxConcurrentBatches = 20;
const maxReads = 3;
const firstWaitMs = 100;
/** An extension lasts 30 days at most; the rest is for whoever looks into what happened. */
const keptForSeconds = 400 * 86_400;
/** The last second that a JavaScript date can hold. */
const lastSecond = 8_640_000_000_000;

type Row = Record<string, AttributeValue>;

/** Opens the table for one invocation. The signal ends every call when time is up. */
export type OpenTable = (signal: AbortSignal) => JobTable;

/** Returns the table of jobs in DynamoDB, one row for each job. */
export function createTable(tableName: string, dynamoDB: AwsClients['dynamoDB']): OpenTable {
  let loading: ReturnType<typeof load> | undefined;
  const load = async () => ({ client: await dynamoDB(), sdk: await import('./late-sdk.ts') });
  const loaded = () => {
    loading ??= load();
    return loading;
  };
  return (signal) => openTable(tableName, loaded, signal);
}

function openTable(
  tableName: string,
  loaded: () => Promise<{ client: DynamoDBClient; sdk: typeof import('./late-sdk.ts') }>,
  signal: AbortSignal,
): JobTable {
  /** Reads a batch. DynamoDB leaves rows out when it is busy, and those are asked for again. */
  const readBatch = async (jobIds: string[]): Promise<[string, JobRow | StateError][]> => {
    const rows = new Map<string, JobRow | StateError>();
    let left = jobIds;
    try {
      const { client, sdk } = await loaded();
      for (let reads = 0; left.length > 0; reads += 1) {
        if (reads === maxReads) throw new UnprocessedKeysError();
        if (reads > 0) await sleep(firstWaitMs * 2 ** (reads - 1), undefined, { signal });
        const Keys = left.map((jobId) => ({ jobId: { S: jobId } }));
        // An eventually consistent read could miss an extension.
        const { Responses, UnprocessedKeys } = await client.send(
          new sdk.BatchGetItemCommand({ RequestItems: { [tableName]: { Keys, ConsistentRead: true } } }),
          { abortSignal: signal },
        );
        const found = new Map((Responses?.[tableName] ?? []).map((row) => [row['jobId']?.S, row]));
        const unread = new Set((UnprocessedKeys?.[tableName]?.Keys ?? []).map((key) => key['jobId']?.S));
        for (const jobId of left) if (!unread.has(jobId)) rows.set(jobId, parseRow(found.get(jobId) ?? {}));
        left = left.filter((jobId) => unread.has(jobId));
      }
    } catch (error) {
      const failure = unusable('read', error);
      for (const jobId of left) rows.set(jobId, failure);
    }
    return [...rows];
  };

  /** Writes a row if the condition holds, and has it expire later. Returns the row as it was if the condition fails. */
  const update = async (
    jobId: string,
    UpdateExpression: string,
    ConditionExpression: string | undefined,
    values: Row,
  ): Promise<Row | undefined> => {
    try {
      const { client, sdk } = await loaded();
      await client.send(
        new sdk.UpdateItemCommand({
          TableName: tableName,
          Key: { jobId: { S: jobId } },
          UpdateExpression,
          ConditionExpression,
          ExpressionAttributeValues: {
            ...values,
            ':expires': toNumber(Math.floor(Date.now() / 1000) + keptForSeconds),
          },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
        { abortSignal: signal },
      );
      return undefined;
    } catch (error) {
      if (isConditionFailure(error)) return error.Item ?? {};
      throw unusable('written', error);
    }
  };

  return {
    async read(jobIds) {
      const unique = [...new Set(jobIds)];
      const batches = Array.from({ length: Math.ceil(unique.length / batchSize) }, (_, index) =>
        unique.slice(index * batchSize, (index + 1) * batchSize),
      );
      return new Map((await pMap(batches, readBatch, { concurrency: maxConcurrentBatches })).flat());
    },

    async extend(jobId, until, by) {
      const former = await update(
        jobId,
        // Whatever was done about the job before, it goes on now.
        'SET extendedUntil = :until, extendedBy = :by, expiresAt = :expires REMOVE cancellingSince',
        'attribute_not_exists(extendedUntil) OR extendedUntil < :until',
        { ':until': toNumber(until), ':by': { S: by } },
      );
      if (former === undefined) return until;
      // Somebody else was quicker, and more generous.
      const row = parseRow(former);
      if (row instanceof StateError) throw row;
      return row.extendedUntil ?? until;
    },

    async noteWaiting(jobId, at) {
      const isLater = 'attribute_not_exists(lastWaiting) OR lastWaiting < :at';
      await update(jobId, 'SET lastWaiting = :at, expiresAt = :expires', isLater, { ':at': toNumber(at) });
    },

    async noteWarned(jobId, deadline) {
      const values = { ':deadline': toNumber(deadline) };
      await update(jobId, 'SET warnedFor = :deadline, expiresAt = :expires', undefined, values);
    },

    async noteCancelling(jobId, at) {
      const isFirst = 'attribute_not_exists(cancellingSince)';
      await update(jobId, 'SET cancellingSince = :at, expiresAt = :expires', isFirst, { ':at': toNumber(at) });
    },
  };
}

/** DynamoDB left rows out of every answer. */
class UnprocessedKeysError extends Error {
  override readonly name = 'UnprocessedKeysError';
}

/** Reads a row. One that makes no sense is as bad as one that cannot be read: it may extend the job. */
function parseRow(row: Row): JobRow | StateError {
  const parsed: JobRow = {};
  for (const name of ['extendedUntil', 'lastWaiting', 'warnedFor', 'cancellingSince'] as const) {
    const attribute = row[name];
    if (attribute === undefined) continue;
    const seconds = Number(attribute.N);
    if (!(seconds >= 0 && seconds <= lastSecond)) {
      return new StateError(
        `In the row of job ${row['jobId']?.S}, ${name} is not a time in Unix seconds. Fix or delete the row.`,
      );
    }
    parsed[name] = seconds;
  }
  return parsed;
}

const toNumber = (value: number): AttributeValue => ({ N: String(value) });

function isConditionFailure(error: unknown): error is Error & { Item?: Row } {
  return error instanceof Error && error.name === 'ConditionalCheckFailedException';
}

function unusable(done: 'read' | 'written', error: unknown): StateError {
  return new StateError(
    `The table of jobs could not be ${done} (${toError(error).name}). Try again; if it persists, check the table and the function's role.`,
  );
}
