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

/** How a service fares. */
export type Health = 'up' | 'throttled' | 'denied' | 'down' | 'silent';

/** A failure of AWS by its name, with whatever else it says; status 0 never answers. */
export class AwsFailure extends Error {
  readonly status: number;
  readonly body: object;

  constructor(name: string, status = 400, more: object = {}) {
    super(name);
    this.status = status;
    this.body = { __type: name, message: name, ...more };
  }
}

const failures: Record<Exclude<Health, 'up'>, ConstructorParameters<typeof AwsFailure>> = {
  throttled: ['ThrottlingException'],
  denied: ['AccessDeniedException'],
  down: ['InternalServerError', 500],
  silent: ['', 0],
};

/** Throws AwsFailure unless the service is up. */
export function checkHealth(health: Health): void {
  if (health !== 'up') throw new AwsFailure(...failures[health]);
}

/** Secrets Manager, EventBridge and Parameter Store: what they have, how they fare, and what was asked of them. */
export interface Services {
  /** The answer for a secret that `secrets` does not name; undefined if there is no such secret. */
  secret: SecretAnswer | undefined;
  /** The answers by the name or ARN that is asked for. */
  secrets: Map<string, SecretAnswer>;
  /** The names that were asked for, in order. */
  secretReads: string[];
  /** What `PutEvents` took, and how many events each call of it brought. */
  events: PublishedEvent[];
  batchSizes: number[];
  /** How `PutEvents` fares, and which events it refuses while it is up. */
  eventBus: 'up' | 'down' | 'silent';
  refuses: (event: PublishedEvent) => boolean;
  /** Values by whole name, as in `/path/0000`. */
  parameters: Map<string, string>;
  /** How often a page of them was read. */
  parameterReads: number;
  parameterStore: Health;
}

export function getSecretValue(services: Services, { SecretId }: { SecretId: string }): object {
  services.secretReads.push(SecretId);
  const secret = services.secrets.get(SecretId) ??
    services.secret ?? { error: 'ResourceNotFoundException', status: 400 };
  if (secret === 'silence') throw new AwsFailure('', 0);
  if ('error' in secret) throw new AwsFailure(secret.error, secret.status);
  const ARN = `arn:aws:secretsmanager:us-east-1:000000000000:secret:${SecretId}-AbCdEf`;
  return { ARN, Name: SecretId, ...secret };
}

interface PutEvents {
  Entries: { Source: string; DetailType: string; Detail: string; EventBusName?: string }[];
}

export function putEvents(services: Services, { Entries }: PutEvents): object {
  services.batchSizes.push(Entries.length);
  if (services.eventBus === 'down') throw new AwsFailure('InternalException');
  checkHealth(services.eventBus);
  const answers = Entries.map(({ Source, DetailType, Detail, EventBusName = 'default' }, EventId) => {
    const event = { source: Source, detailType: DetailType, detail: JSON.parse(Detail), bus: EventBusName };
    if (services.refuses(event)) return { ErrorCode: 'ThrottlingException', ErrorMessage: 'Slow down' };
    services.events.push(event);
    return { EventId: String(EventId) };
  });
  const FailedEntryCount = answers.filter((answer) => 'ErrorCode' in answer).length;
  return { FailedEntryCount, Entries: answers };
}

/** The most that AWS puts on a page. */
const pageSize = 10;

export function getParametersByPath(
  services: Services,
  { Path, NextToken = '0' }: { Path: string; NextToken?: string },
): object {
  services.parameterReads += 1;
  checkHealth(services.parameterStore);
  const start = Number(NextToken);
  const end = start + pageSize;
  const below = [...services.parameters].filter(([name]) => name.startsWith(`${Path}/`));
  const Parameters = below.slice(start, end).map(([Name, Value]) => ({ Name, Value, Type: 'String' }));
  return { Parameters, ...(end < below.length && { NextToken: String(end) }) };
}
