import {
  BatchProcessor,
  EventType,
  processPartialResponse,
  SqsFifoPartialProcessorAsync,
} from '@aws-lambda-powertools/batch';
import * as v from 'valibot';
import type { CurfewAnswer, QueueAnswer, RecordAnswer, TopicAnswer } from './contract.ts';
import { InvalidRequestError, toError, toNamedError } from './errors.ts';
import { eventSource } from './names.ts';
import { requestedBySchema, requestKeys } from './request.ts';

/** A request as it was delivered, still unchecked. */
export interface Delivery {
  given: unknown;
  /** The service whose envelope carried it. */
  from: 'eventbridge' | 'sqs' | 'sns' | 'direct';
  /** It is somebody else's event, whose `project` need not be one of ours. */
  isForeignEvent?: boolean;
  /** Why it is refused, whatever it says. */
  refusal?: InvalidRequestError;
}

type Handle = (delivery: Delivery) => Promise<CurfewAnswer>;

const eventSchema = v.object({ source: v.string(), 'detail-type': v.string(), detail: v.looseObject({}) });
const records = <Entries extends v.ObjectEntries>(entries: Entries) =>
  v.object({ Records: v.pipe(v.array(v.object(entries)), v.minLength(1)) });
const queueSchema = records({
  eventSource: v.literal('aws:sqs'),
  eventSourceARN: v.optional(v.string()),
  messageId: v.string(),
  body: v.string(),
});
type QueueEvent = v.InferOutput<typeof queueSchema>;
const topicSchema = records({
  EventSource: v.literal('aws:sns'),
  Sns: v.object({ MessageId: v.string(), TopicArn: v.string(), Message: v.string() }),
});
type TopicEvent = v.InferOutput<typeof topicSchema>;
/** What SNS writes into a queue. */
const notificationSchema = v.object({ Type: v.literal('Notification'), TopicArn: v.string(), Message: v.string() });
const alarmSchema = v.object({ AlarmName: v.string(), NewStateValue: v.string() });

export interface UnwrapOptions {
  /** ARNs of topics on which any message means that every job must stop. */
  stopAllTopics: readonly string[];
  /** Called for a message on such a topic that is only about an alarm that is over. */
  ignored: (alarm: string) => void;
}

/**
 * Takes requests out of the envelope in which an AWS service delivers them, has each handled, and answers as that service
 * expects. A bare request is handled as it is.
 *
 * @throws what `handle` throws; for a topic after all records are handled, so Lambda tries again.
 */
export async function unwrap(
  event: unknown,
  options: UnwrapOptions,
  handle: Handle,
): Promise<CurfewAnswer | QueueAnswer | TopicAnswer> {
  if (v.is(queueSchema, event)) return answerQueue(event, options, handle);
  if (v.is(topicSchema, event)) return answerTopic(event, options, handle);
  if (v.is(eventSchema, event)) return handle(fromEvent(event, 'eventbridge'));
  return handle({ given: event, from: 'direct' });
}

async function answerQueue(event: QueueEvent, options: UnwrapOptions, handle: Handle): Promise<QueueAnswer> {
  const results: RecordAnswer[] = [];
  const handleRecord = async ({ messageId, body }: { messageId: string; body: string }) => {
    try {
      const delivery = fromMessage(body, 'sqs', options);
      if (delivery) results.push({ messageId, result: await handle(delivery) });
    } catch (error) {
      results.push({ messageId, error: toNamedError(error) });
      throw toError(error);
    }
  };
  // A FIFO queue promises an order: one record after the other, and none after one that failed.
  const isFifo = event.Records.some(({ eventSourceARN }) => eventSourceARN?.endsWith('.fifo'));
  const processor = isFifo ? new SqsFifoPartialProcessorAsync() : new BatchProcessor(EventType.SQS);
  const { batchItemFailures } = await processPartialResponse(event, handleRecord, processor, {
    throwOnFullBatchFailure: false,
  });
  return { batchItemFailures, results };
}

async function answerTopic({ Records }: TopicEvent, options: UnwrapOptions, handle: Handle): Promise<TopicAnswer> {
  const answers = Records.map(async ({ Sns: { MessageId: messageId, TopicArn, Message } }) => {
    const delivery = fromMessage(Message, 'sns', options, TopicArn);
    return delivery ? [{ messageId, result: await handle(delivery) }] : [];
  });
  // One that fails must not end the invocation while others are under way.
  await Promise.allSettled(answers);
  return { results: (await Promise.all(answers)).flat() };
}

/** Reads a message. Without a topic it may be a notification that SNS put into the queue. Undefined if it is to be ignored. */
function fromMessage(
  text: string,
  from: Delivery['from'],
  options: UnwrapOptions,
  topic?: string,
): Delivery | undefined {
  const given = parseJson(text);
  if (topic === undefined && v.is(notificationSchema, given)) {
    return fromMessage(given.Message, from, options, given.TopicArn);
  }
  if (topic === undefined || !options.stopAllTopics.includes(topic)) {
    return v.is(eventSchema, given) ? fromEvent(given, from) : { given, from };
  }
  if (!v.is(alarmSchema, given) || given.NewStateValue === 'ALARM') return { given: { stopAll: {} }, from };
  options.ignored(given.AlarmName);
  return undefined;
}

/** Reads the request in an event that is about something else as well: only what is ours. */
function fromEvent({ source, detail }: v.InferOutput<typeof eventSchema>, from: Delivery['from']): Delivery {
  if (source === eventSource) {
    const refusal = new InvalidRequestError(
      'This function published the event itself, and acting on it would cancel the job that it is about. Give the rule an input transformer that builds a request.',
    );
    return { given: undefined, from, refusal };
  }
  const { jobId, dryRun, project, requestedBy } = detail;
  const isCancel = typeof jobId === 'string';
  const keys = isCancel ? ['jobId'] : requestKeys.filter((key) => Object.hasOwn(detail, key));
  // Beside another key these are in the wrong place, and refused: whoever asks for a dry run must not get the real thing.
  const hasDryRun = dryRun !== undefined && dryRun !== null && (isCancel || dryRun !== false);
  const given = {
    ...Object.fromEntries(keys.map((key) => [key, detail[key]])),
    ...(hasDryRun && { dryRun }),
    ...(typeof project === 'string' && { project }),
    ...(v.is(requestedBySchema, requestedBy) && { requestedBy }),
  };
  return { given, from, isForeignEvent: isCancel };
}

/** Text that is not JSON is not a request either, and is refused as such. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
