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
  /** The event is from another application, so its `project` may not be one of ours. */
  isForeignEvent?: boolean;
  /** Why the request is refused, whatever it asks for. */
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
/** The body of a queue message that comes from SNS. */
const notificationSchema = v.object({ Type: v.literal('Notification'), TopicArn: v.string(), Message: v.string() });
const alarmSchema = v.object({ AlarmName: v.string(), NewStateValue: v.string() });

export interface UnwrapOptions {
  /** ARNs of topics on which any message stops every job. */
  stopAllTopics: readonly string[];
  /** Called for a message on such a topic that only says that an alarm is over. */
  ignored: (alarm: string) => void;
}

/**
 * Unwraps the requests that an AWS service delivers, handles each, and answers as that service expects. A bare request
 * is handled as is.
 *
 * @throws whatever `handle` throws. For a topic, only after all records are handled; then Lambda retries them.
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
  // A FIFO queue guarantees order: one record at a time, and none after a failure.
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
  // A failure must not end the invocation while other records are in progress.
  await Promise.allSettled(answers);
  return { results: (await Promise.all(answers)).flat() };
}

/** Reads a message. Without `topic`, it may be an SNS notification from a queue. Returns undefined to ignore it. */
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

/** Picks the request out of an event, and ignores its other fields. */
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
  // Next to any other key, `dryRun` is misplaced. Keep it, so the request is refused rather than carried out for real.
  const hasDryRun = dryRun !== undefined && dryRun !== null && (isCancel || dryRun !== false);
  const given = {
    ...Object.fromEntries(keys.map((key) => [key, detail[key]])),
    ...(hasDryRun && { dryRun }),
    ...(typeof project === 'string' && { project }),
    ...(v.is(requestedBySchema, requestedBy) && { requestedBy }),
  };
  return { given, from, isForeignEvent: isCancel };
}

/** Returns text that is not JSON as is; it is then refused as an invalid request. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
