import { failed, type Health, ifUp, type Operation, ok, type StubAnswer } from './answer.ts';

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

export function serviceOperations(services: Services): Record<string, Operation> {
  return {
    'secretsmanager.GetSecretValue': (request) => getSecretValue(services, JSON.parse(request)),
    'AWSEvents.PutEvents': (request) => putEvents(services, JSON.parse(request)),
    'AmazonSSM.GetParametersByPath': (request) => {
      services.parameterReads += 1;
      return ifUp(services.parameterStore, () => getParametersByPath(services, JSON.parse(request)));
    },
  };
}

function getSecretValue(services: Services, { SecretId }: { SecretId: string }): StubAnswer {
  services.secretReads.push(SecretId);
  const secret = services.secrets.get(SecretId) ?? services.secret;
  if (secret === undefined) return failed('ResourceNotFoundException');
  if (secret === 'silence') return undefined;
  if ('error' in secret) return failed(secret.error, secret.status);
  const ARN = `arn:aws:secretsmanager:us-east-1:000000000000:secret:${SecretId}-AbCdEf`;
  return ok({ ARN, Name: SecretId, ...secret });
}

interface PutEvents {
  Entries: { Source: string; DetailType: string; Detail: string; EventBusName?: string }[];
}

function putEvents(services: Services, { Entries }: PutEvents): StubAnswer {
  services.batchSizes.push(Entries.length);
  if (services.eventBus === 'silent') return undefined;
  if (services.eventBus === 'down') return failed('InternalException');
  const answers = Entries.map(({ Source, DetailType, Detail, EventBusName = 'default' }, EventId) => {
    const event = { source: Source, detailType: DetailType, detail: JSON.parse(Detail), bus: EventBusName };
    if (services.refuses(event)) return { ErrorCode: 'ThrottlingException', ErrorMessage: 'Slow down' };
    services.events.push(event);
    return { EventId: String(EventId) };
  });
  const FailedEntryCount = answers.filter((answer) => 'ErrorCode' in answer).length;
  return ok({ FailedEntryCount, Entries: answers });
}

/** The most that AWS puts on a page. */
const pageSize = 10;

function getParametersByPath(
  { parameters }: Services,
  { Path, MaxResults = pageSize, NextToken = '0' }: { Path: string; MaxResults?: number; NextToken?: string },
): StubAnswer {
  const start = Number(NextToken);
  const end = start + Math.min(MaxResults, pageSize);
  const below = [...parameters].filter(([name]) => name.startsWith(`${Path.replace(/\/$/, '')}/`));
  const Parameters = below.slice(start, end).map(([Name, Value]) => ({ Name, Value, Type: 'String' }));
  return ok({ Parameters, ...(end < below.length && { NextToken: String(end) }) });
}
