import { setTimeout as sleep } from 'node:timers/promises';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import DataLoader from 'dataloader';
import onetime from 'onetime';
import PQueue from 'p-queue';
import { lastSecond } from '../curfew/deadline.ts';
import type { JobRow, JobTable } from '../curfew/job.ts';
import { named, StateError, toError } from '../errors.ts';
import type { AwsClients } from './clients.ts';

/** How many keys `BatchGetItem` takes at once. */
const maxBatchSize = 100;
/** Reads within this time share a call: a sweep goes through many projects at once. */
const batchWindowMs = 5;
/** The SDK keeps this many sockets, and its timeout would include the wait for one. */
const maxConcurrentCalls = 50;
const maxReads = 3;
const firstWaitMs = 100;
/** An extension lasts 30 days at most; the rest is for later investigation. */
const retentionSeconds = 400 * 86_400;

type Row = Record<string, AttributeValue>;

/**
 * Opens the DynamoDB table, which has one row per job, for one invocation.
 *
 * @param abortSignal ends every call when time is up.
 */
export function openTable(tableName: string, dynamoDB: AwsClients['dynamoDB'], abortSignal: AbortSignal): JobTable {
  const loaded = onetime(async () => ({ client: await dynamoDB(), sdk: await import('./late-sdk.ts') }));
  const calls = new PQueue({ concurrency: maxConcurrentCalls });

  /** Reads a batch. A busy DynamoDB leaves rows out; those are requested again. */
  const readBatch = async (jobIds: readonly string[]): Promise<JobRow[]> => {
    const rows = new Map<string, JobRow>();
    let left = [...new Set(jobIds)];
    try {
      const { client, sdk } = await loaded();
      for (let reads = 0; left.length > 0; reads += 1) {
        if (reads === maxReads) throw new UnprocessedKeysError();
        if (reads > 0) await sleep(firstWaitMs * 2 ** (reads - 1), undefined, { signal: abortSignal });
        const Keys = left.map((jobId) => ({ jobId: { S: jobId } }));
        // An eventually consistent read could miss an extension.
        const command = new sdk.BatchGetItemCommand({ RequestItems: { [tableName]: { Keys, ConsistentRead: true } } });
        const { Responses, UnprocessedKeys } = await calls.add(() => client.send(command, { abortSignal }));
        const found = new Map((Responses?.[tableName] ?? []).map((row) => [row['jobId']?.S, row]));
        const unread = new Set((UnprocessedKeys?.[tableName]?.Keys ?? []).map((key) => key['jobId']?.S));
        for (const jobId of left) if (!unread.has(jobId)) rows.set(jobId, parseRow(found.get(jobId) ?? {}));
        left = left.filter((jobId) => unread.has(jobId));
      }
    } catch (error) {
      const readError = tableError('read', error);
      for (const jobId of left) rows.set(jobId, { readError });
    }
    return jobIds.map((jobId) => rows.get(jobId) ?? {});
  };
  const rows = new DataLoader(readBatch, {
    cache: false,
    maxBatchSize,
    batchScheduleFn: (read) => setTimeout(read, batchWindowMs),
  });

  /** Writes a row and its expiry, if the condition holds. Returns whether it held. */
  const update = async (
    jobId: string,
    UpdateExpression: string,
    ConditionExpression: string | undefined,
    values: Row,
  ): Promise<boolean> => {
    const expiresAt = Math.floor(Date.now() / 1000) + retentionSeconds;
    try {
      const { client, sdk } = await loaded();
      const command = new sdk.UpdateItemCommand({
        TableName: tableName,
        Key: { jobId: { S: jobId } },
        UpdateExpression,
        ConditionExpression,
        ExpressionAttributeValues: { ...values, ':expires': toNumber(expiresAt) },
      });
      await calls.add(() => client.send(command, { abortSignal }));
      return true;
    } catch (error) {
      if (toError(error).name === 'ConditionalCheckFailedException') return false;
      throw tableError('written', error);
    }
  };

  const note = async (jobId: string, name: string, at: number, condition?: string): Promise<void> => {
    await update(jobId, `SET ${name} = :at, expiresAt = :expires`, condition, { ':at': toNumber(at) });
  };

  return {
    read: (jobId) => rows.load(jobId),

    async extend(jobId, until, by) {
      const isExtended = await update(
        jobId,
        // An extension clears an earlier cancel.
        'SET extendedUntil = :until, extendedBy = :by, expiresAt = :expires REMOVE cancellingSince',
        'attribute_not_exists(extendedUntil) OR extendedUntil < :until',
        { ':until': toNumber(until), ':by': { S: by } },
      );
      if (isExtended) return until;
      // A concurrent request extended it further.
      const row = await rows.load(jobId);
      if (row.readError) throw row.readError;
      return row.extendedUntil ?? until;
    },

    noteWaiting: (jobId, at) =>
      note(jobId, 'lastWaiting', at, 'attribute_not_exists(lastWaiting) OR lastWaiting < :at'),
    noteWarned: (jobId, deadline) => note(jobId, 'warnedFor', deadline),
    noteCancelling: (jobId, at) => note(jobId, 'cancellingSince', at, 'attribute_not_exists(cancellingSince)'),
  };
}

class UnprocessedKeysError extends named('UnprocessedKeysError') {}

/** Parses a row. A malformed row counts as unreadable, because the job may be extended. */
function parseRow(row: Row): JobRow {
  const parsed: JobRow = {};
  for (const name of ['extendedUntil', 'lastWaiting', 'warnedFor', 'cancellingSince'] as const) {
    const attribute = row[name];
    if (attribute === undefined) continue;
    const seconds = Number(attribute.N);
    if (!(seconds >= 0 && seconds <= lastSecond)) {
      const message = `In the row of job ${row['jobId']?.S}, ${name} is not a time in Unix seconds. Fix or delete the row.`;
      return { readError: new StateError(message) };
    }
    parsed[name] = seconds;
  }
  return parsed;
}

const toNumber = (value: number): AttributeValue => ({ N: String(value) });

function tableError(done: 'read' | 'written', error: unknown): StateError {
  return new StateError(
    `The table of jobs could not be ${done} (${toError(error).name}). Try again; if it persists, check the table and the function's role.`,
  );
}
