/** What `GetSecretValue` answers: a value, an error with its AWS name, or nothing at all. */
export type SecretAnswer =
  | { SecretString: string }
  | { SecretBinary: string }
  | { error: string; status: number }
  | 'silence';

/** An event as it was published. */
export interface PublishedEvent {
  source: string;
  detailType: string;
  detail: Record<string, unknown>;
  /** The bus that it was sent to. */
  bus: string;
}

/** The state of a service. */
export type Health = 'up' | 'throttled' | 'denied' | 'down' | 'silent';

/** An AWS failure by name, with extra fields in its body. Status 0 never answers. */
export class AwsFailure extends Error {
  readonly status: number;
  readonly body: object;

  constructor(name: string, status = 400) {
    super(name);
    this.status = status;
    this.body = { __type: name, message: name };
  }
}

/** Throws AwsFailure unless the service is up. */
export function checkHealth(health: Health): void {
  if (health === 'throttled') throw new AwsFailure('ThrottlingException');
  if (health === 'denied') throw new AwsFailure('AccessDeniedException');
  if (health === 'down') throw new AwsFailure('InternalServerError', 500);
  if (health === 'silent') throw new AwsFailure('', 0);
}

export interface AwsStubOptions {
  /** The answer for every secret that `secrets` does not name. */
  secret?: SecretAnswer;
  /** Answers by the name of the secret. */
  secrets?: Record<string, SecretAnswer>;
  /** Values by the name of the parameter. */
  parameters?: Record<string, string>;
  /** How long each answer takes. */
  answerMs?: number;
}

/** AWS's maximum page size. */
const pageSize = 10;

/** Secrets Manager, EventBridge and Parameter Store: their contents, their state, and the calls they received. */
export class Services {
  /** The answer for a secret that `secrets` does not name; undefined if there is no such secret. */
  secret: SecretAnswer | undefined;
  /** The answers by the name or ARN that is asked for. */
  secrets: Map<string, SecretAnswer>;
  /** The names that were asked for, in order. */
  secretReads: string[] = [];
  /** The events that `PutEvents` accepted, and the number of events in each call. */
  events: PublishedEvent[] = [];
  batchSizes: number[] = [];
  /** The state of `PutEvents`, and which events it refuses while it is up. */
  eventBus: 'up' | 'down' | 'silent' = 'up';
  refuses = (_event: PublishedEvent): boolean => false;
  /** Values by whole name, as in `/path/0000`. */
  parameters: Map<string, string>;
  /** How often a page of them was read. */
  parameterReads = 0;
  parameterStore: Health = 'up';

  constructor({ secret, secrets = {}, parameters = {} }: AwsStubOptions) {
    this.secret = secret;
    this.secrets = new Map(Object.entries(secrets));
    this.parameters = new Map(Object.entries(parameters));
  }

  getSecretValue({ SecretId }: { SecretId: string }): object {
    this.secretReads.push(SecretId);
    const secret = this.secrets.get(SecretId) ?? this.secret ?? { error: 'ResourceNotFoundException', status: 400 };
    if (secret === 'silence') throw new AwsFailure('', 0);
    if ('error' in secret) throw new AwsFailure(secret.error, secret.status);
    const ARN = `arn:aws:secretsmanager:us-east-1:000000000000:secret:${SecretId}-AbCdEf`;
    return { ARN, Name: SecretId, ...secret };
  }

  putEvents({ Entries }: PutEvents): object {
    this.batchSizes.push(Entries.length);
    if (this.eventBus === 'down') throw new AwsFailure('InternalException');
    checkHealth(this.eventBus);
    const answers = Entries.map(({ Source, DetailType, Detail, EventBusName = 'default' }, EventId) => {
      const event = { source: Source, detailType: DetailType, detail: JSON.parse(Detail), bus: EventBusName };
      if (this.refuses(event)) return { ErrorCode: 'ThrottlingException', ErrorMessage: 'Slow down' };
      this.events.push(event);
      return { EventId: String(EventId) };
    });
    const FailedEntryCount = answers.filter((answer) => 'ErrorCode' in answer).length;
    return { FailedEntryCount, Entries: answers };
  }

  getParametersByPath({ Path, NextToken = '0' }: { Path: string; NextToken?: string }): object {
    this.parameterReads += 1;
    checkHealth(this.parameterStore);
    const start = Number(NextToken);
    const end = start + pageSize;
    const below = [...this.parameters].filter(([name]) => name.startsWith(`${Path}/`));
    const Parameters = below.slice(start, end).map(([Name, Value]) => ({ Name, Value, Type: 'String' }));
    return { Parameters, ...(end < below.length && { NextToken: String(end) }) };
  }
}

interface PutEvents {
  Entries: { Source: string; DetailType: string; Detail: string; EventBusName?: string }[];
}
