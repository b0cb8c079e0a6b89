import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { type Decision, sentenceOf } from './decision.ts';
import { cancelledEvent, eventSource, wouldBeCancelledEvent } from './names.ts';
import { asError } from './thrown.ts';

const detailTypes: Partial<Record<Decision['outcome'], string>> = {
  cancelled: cancelledEvent,
  cancelling: cancelledEvent,
  would_cancel: wouldBeCancelledEvent,
};

/** `PutEvents` takes so many events at once. */
const batchSize = 10;

/** Tells the account's default event bus what was cancelled. */
export interface Notifier {
  /** Takes a decision, and sends it where it is one to tell of. Returns at once. */
  add(decision: Decision): void;
  /** Waits until all is sent or given up. Never throws: what could not be sent goes to `onFailure`. */
  flush(): Promise<void>;
}

/**
 * A notifier for one invocation.
 *
 * @param eventBridge the AWS client.
 * @param until fires when what is not sent has to be given up.
 * @param onFailure is told of each event that could not be published, with its reason.
 */
export function createNotifier(
  eventBridge: EventBridgeClient,
  until: AbortSignal,
  onFailure: (decision: Decision, reason: string) => void,
): Notifier {
  let waiting: { decision: Decision; detailType: string }[] = [];
  const underWay: Promise<void>[] = [];

  const send = async (batch: typeof waiting): Promise<void> => {
    const Entries = batch.map(({ decision, detailType }) => ({
      Source: eventSource,
      DetailType: detailType,
      Detail: JSON.stringify({ ...decision, summary: sentenceOf(decision) }),
    }));
    try {
      const answer = await eventBridge.send(new PutEventsCommand({ Entries }), { abortSignal: until });
      for (const [index, { ErrorCode }] of (answer.Entries ?? []).entries()) {
        const failed = batch[index];
        if (ErrorCode !== undefined && failed) onFailure(failed.decision, ErrorCode);
      }
    } catch (error) {
      for (const { decision } of batch) onFailure(decision, asError(error).name);
    }
  };
  const sendWaiting = () => {
    if (waiting.length === 0) return;
    underWay.push(send(waiting));
    waiting = [];
  };

  return {
    add: (decision) => {
      const detailType = detailTypes[decision.outcome];
      if (detailType === undefined) return;
      waiting.push({ decision, detailType });
      if (waiting.length === batchSize) sendWaiting();
    },
    flush: async () => {
      sendWaiting();
      await Promise.all(underWay);
    },
  };
}
