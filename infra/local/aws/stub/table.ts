import { AwsFailure, checkHealth, type Health } from './services.ts';

/** A row of the table, with JavaScript values. */
export interface Row {
  jobId: string;
  [attribute: string]: string | number;
}

type Item = Record<string, { S: string } | { N: string }>;

interface Key {
  jobId: { S: string };
}

interface UpdateItem {
  Key: Key;
  UpdateExpression: string;
  ConditionExpression?: string;
  ExpressionAttributeValues: Item;
}

/** The table of DynamoDB; whatever its name, there is only one. */
export class TableStub {
  rows = new Map<string, Row>();
  health: Health = 'up';
  /** Returns whether `BatchGetItem` leaves this row for another call. */
  leaves = (_jobId: string): boolean => false;
  /** How many calls read, and which ids they asked for. */
  reads = 0;
  idsRead: string[] = [];
  /** How many calls wrote, or would have if their condition had held. */
  writes = 0;

  /** Enforces DynamoDB's limits: 100 keys, without duplicates. */
  batchGetItem(request: { RequestItems: Record<string, { Keys: Key[] }> }): object {
    this.reads += 1;
    checkHealth(this.health);
    const [[name, { Keys }] = ['', { Keys: [] }], another] = Object.entries(request.RequestItems);
    const ids = Keys.map(({ jobId }) => jobId.S);
    if (another || ids.length === 0 || ids.length > 100 || new Set(ids).size < ids.length) {
      throw new AwsFailure('ValidationException');
    }
    const left = ids.filter((id) => this.leaves(id));
    const read = ids.filter((id) => !left.includes(id));
    this.idsRead.push(...read);
    return {
      Responses: { [name]: read.flatMap((id) => this.rows.get(id) ?? []).map(itemOf) },
      UnprocessedKeys: left.length === 0 ? {} : { [name]: { Keys: left.map((id) => ({ jobId: { S: id } })) } },
    };
  }

  /** Supports the DynamoDB expressions that the function uses and refuses all others, so it never misreads one. */
  updateItem(request: UpdateItem): object {
    this.writes += 1;
    checkHealth(this.health);
    const jobId = request.Key.jobId.S;
    const { ConditionExpression, UpdateExpression } = request;
    const row = this.rows.get(jobId);
    const valueFor = (name: string) => {
      const value = request.ExpressionAttributeValues[name];
      if (!value) throw new AwsFailure('ValidationException');
      return 'N' in value ? Number(value.N) : value.S;
    };

    /** A comparison with an absent attribute is false. */
    const termHolds = (term: string) => {
      const [, absent] = /^attribute_not_exists\((\w+)\)$/.exec(term) ?? [];
      if (absent) return row?.[absent] === undefined;
      const [, name = '', value = ''] = /^(\w+) < (:\w+)$/.exec(term) ?? [];
      const [left, right] = [row?.[name], valueFor(value)];
      return left !== undefined && left < right;
    };
    // Evaluates all terms, so an unknown one is refused even after one that holds.
    const terms = ConditionExpression?.split(' OR ').map(termHolds) ?? [true];
    if (!terms.includes(true)) {
      throw new AwsFailure('com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException');
    }

    const [, assignments = '', removed = ''] = /^SET (.+?)(?: REMOVE (\w+))?$/.exec(UpdateExpression) ?? [];
    const set = assignments.split(', ').map((assignment): [string, string | number] => {
      const [, name = '', value = ''] = /^(\w+) = (:\w+)$/.exec(assignment) ?? [];
      return [name, valueFor(value)];
    });
    const { [removed]: _, ...kept } = row ?? { jobId };
    this.rows.set(jobId, { ...kept, ...Object.fromEntries(set), jobId });
    return {};
  }
}

function itemOf(row: Row): Item {
  const entries = Object.entries(row).map(([name, value]) => [
    name,
    typeof value === 'number' ? { N: String(value) } : { S: value },
  ]);
  return Object.fromEntries(entries);
}
