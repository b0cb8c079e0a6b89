import { failed, type Health, ifUp, type Operation, ok, type StubAnswer } from './answer.ts';
import { conditionHolds, updated } from './update-expression.ts';

/** A row of the table, with its values as they are in JavaScript. */
export interface Row {
  jobId: string;
  [attribute: string]: string | number;
}

/** The table of DynamoDB; whatever its name, there is only one. */
export interface TableStub {
  rows: Map<string, Row>;
  health: Health;
  /** The rows that `BatchGetItem` leaves for another call, asked at every call. */
  leaves: (jobId: string) => boolean;
  /** How many writes from now on are carried out, but their answers lost. */
  answersToLose: number;
  /** How many calls read, and which ids they asked for. */
  reads: number;
  idsRead: string[];
  /** How many calls wrote, or would have, had their condition held. */
  writes: number;
}

export type AttributeValue = { S: string } | { N: string };
export type Item = Record<string, AttributeValue>;

interface Key {
  jobId: { S: string };
}

interface BatchGetItem {
  RequestItems: Record<string, { Keys: Key[] }>;
}

interface UpdateItem {
  Key: Key;
  UpdateExpression: string;
  ConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Item;
  ReturnValues?: 'NONE' | 'ALL_OLD' | 'ALL_NEW';
  ReturnValuesOnConditionCheckFailure?: 'NONE' | 'ALL_OLD';
}

export function newTable(): TableStub {
  return {
    rows: new Map(),
    health: 'up',
    leaves: () => false,
    answersToLose: 0,
    reads: 0,
    idsRead: [],
    writes: 0,
  };
}

export function tableOperations(table: TableStub): Record<string, Operation> {
  return {
    'DynamoDB_20120810.BatchGetItem': (request) => {
      table.reads += 1;
      return ifUp(table.health, () => batchGetItem(table, JSON.parse(request)));
    },
    'DynamoDB_20120810.UpdateItem': (request) => {
      table.writes += 1;
      return ifUp(table.health, () => updateItem(table, JSON.parse(request)));
    },
  };
}

/** DynamoDB's own limits: 100 keys, none of them twice. */
function batchGetItem(table: TableStub, { RequestItems }: BatchGetItem): StubAnswer {
  const [request, another] = Object.entries(RequestItems);
  if (!request || another) return failed('ValidationException');
  const [name, { Keys }] = request;
  const ids = Keys.map(({ jobId }) => jobId.S);
  if (ids.length === 0 || ids.length > 100 || new Set(ids).size < ids.length) {
    return failed('ValidationException');
  }
  const left = ids.filter((id) => table.leaves(id));
  const read = ids.filter((id) => !left.includes(id));
  table.idsRead.push(...read);
  const found = read.flatMap((id) => table.rows.get(id) ?? []);
  return ok({
    Responses: { [name]: found.map(itemOf) },
    UnprocessedKeys: left.length === 0 ? {} : { [name]: { Keys: left.map((id) => ({ jobId: { S: id } })) } },
  });
}

function updateItem(table: TableStub, request: UpdateItem): StubAnswer {
  const { ReturnValues, ReturnValuesOnConditionCheckFailure, Key } = request;
  const row = table.rows.get(Key.jobId.S);
  const given = {
    names: request.ExpressionAttributeNames ?? {},
    values: valuesOf(request.ExpressionAttributeValues ?? {}),
  };
  try {
    if (!conditionHolds(request.ConditionExpression, { attributes: row ?? {}, ...given })) {
      const shown = row && ReturnValuesOnConditionCheckFailure === 'ALL_OLD' ? { Item: itemOf(row) } : {};
      return failed('com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException', 400, shown);
    }
    const attributes = updated(request.UpdateExpression, { attributes: row ?? {}, ...given });
    const next = { ...attributes, jobId: Key.jobId.S };
    table.rows.set(Key.jobId.S, next);
    if (table.answersToLose > 0) {
      table.answersToLose -= 1;
      return failed('InternalServerError', 500);
    }
    if (ReturnValues === 'ALL_NEW') return ok({ Attributes: itemOf(next) });
    return ok(ReturnValues === 'ALL_OLD' && row ? { Attributes: itemOf(row) } : {});
  } catch (error) {
    return failed('ValidationException', 400, { message: String(error) });
  }
}

function itemOf(row: Row): Item {
  const entries = Object.entries(row).map(([name, value]): [string, AttributeValue] => [
    name,
    typeof value === 'number' ? { N: String(value) } : { S: value },
  ]);
  return Object.fromEntries(entries);
}

function valuesOf(item: Item): Record<string, string | number> {
  const entries = Object.entries(item).map(([name, value]): [string, string | number] => [
    name,
    'N' in value ? Number(value.N) : value.S,
  ]);
  return Object.fromEntries(entries);
}
