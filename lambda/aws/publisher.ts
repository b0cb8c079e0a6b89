import { setTimeout as sleep } from 'node:timers/promises';
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { asError } from '../errors.ts';
import { eventSource } from '../names.ts';

/** An event to publish. */
export interface CurfewEvent {
  detailType: string;
  detail: object;
}

/** Publishes the events of one invocation. */
export interface Publisher {
  /** Takes an event, and sends it in time. Returns why it could not be published, undefined if it was. Never throws. */
  publish(event: CurfewEvent): Promise<string | undefined>;
  /** Waits until all is sent or given up, two seconds at most. Never throws. */
  flush(): Promise<void>;
}

/** How many events `PutEvents` takes at once. */
const batchSize = 10;
const attempts = 3;
const pauseMilliseconds = 100;
/** The answer must not wait for a silent bus. */
const longestFlushMilliseconds = 2_000;

interface Waiting {
  event: CurfewEvent;
  settle: (reason: string | undefined) => void;
}

/**
 * A publisher for one invocation.
 *
 * @param busName name or ARN of the event bus.
 * @param until fires when what is not sent has to be given up.
 */
export function createPublisher(
  eventBridge: EventBridgeClient,
  busName: string,
  until: AbortSignal,
): Publisher {
  let waiting: Waiting[] = [];
  const underWay = new Set<Promise<void>>();
  const givesUp = new AbortController();
  const signal = AbortSignal.any([until, givesUp.signal]);

  const send = async (batch: Waiting[], attempt = 1): Promise<void> => {
    const Entries = batch.map(({ event }) => ({
      EventBusName: busName,
      Source: eventSource,
      DetailType: event.detailType,
      Detail: JSON.stringify(event.detail),
    }));
    try {
      const answer = await eventBridge.send(new PutEventsCommand({ Entries }), { abortSignal: signal });
      const refused: Waiting[] = [];
      for (const [index, one] of batch.entries()) {
        const reason = answer.Entries?.[index]?.ErrorCode;
        if (reason !== undefined && attempt < attempts) refused.push(one);
        else one.settle(reason);
      }
      if (refused.length === 0) return;
      // The client retries a call that fails as a whole, but not events that are refused one by one.
      await sleep(pauseMilliseconds * attempt, undefined, { signal }).catch(() => {});
      await send(refused, attempt + 1);
    } catch (error) {
      for (const { settle } of batch) settle(asError(error).name);
    }
  };
  const sendWaiting = () => {
    if (waiting.length === 0) return;
    const sending = send(waiting).finally(() => underWay.delete(sending));
    underWay.add(sending);
    waiting = [];
  };

  return {
    publish: (event) => {
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      waiting.push({ event, settle: resolve });
      if (waiting.length === batchSize) sendWaiting();
      return promise;
    },
    flush: async () => {
      const timer = setTimeout(() => givesUp.abort(), longestFlushMilliseconds);
      sendWaiting();
      await Promise.all(underWay);
      clearTimeout(timer);
    },
  };
}
