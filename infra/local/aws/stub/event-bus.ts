import { failed, type Operation, ok, type StubAnswer } from './answer.ts';

/** An event as it was published. */
export interface PublishedEvent {
  source: string;
  detailType: string;
  detail: Record<string, unknown>;
  /** The bus that it was sent to. */
  bus: string;
}

/** The event buses of EventBridge. */
export interface EventBusStub {
  /** What `PutEvents` took, and how many events each call of it brought. */
  events: PublishedEvent[];
  batchSizes: number[];
  /** How `PutEvents` fares, and which events it refuses while it is up. */
  eventBus: 'up' | 'down' | 'silent';
  refuses: (event: PublishedEvent) => boolean;
}

interface PutEvents {
  Entries: { Source: string; DetailType: string; Detail: string; EventBusName?: string }[];
}

export function eventBusOperations(stub: EventBusStub): Record<string, Operation> {
  return { 'AWSEvents.PutEvents': (request) => putEvents(stub, JSON.parse(request)) };
}

function putEvents(stub: EventBusStub, { Entries }: PutEvents): StubAnswer {
  stub.batchSizes.push(Entries.length);
  if (stub.eventBus === 'silent') return undefined;
  if (stub.eventBus === 'down') return failed('InternalException');
  const answers = Entries.map(({ Source, DetailType, Detail, EventBusName = 'default' }, EventId) => {
    const event = { source: Source, detailType: DetailType, detail: JSON.parse(Detail), bus: EventBusName };
    if (stub.refuses(event)) return { ErrorCode: 'ThrottlingException', ErrorMessage: 'Slow down' };
    stub.events.push(event);
    return { EventId: String(EventId) };
  });
  const FailedEntryCount = answers.filter((answer) => 'ErrorCode' in answer).length;
  return ok({ FailedEntryCount, Entries: answers });
}
