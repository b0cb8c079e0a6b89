import {
  BatchProcessor,
  EventType,
  processPartialResponse,
  SqsFifoPartialProcessorAsync,
} from '@aws-lambda-powertools/batch';
import * as v from 'valibot';
import { asError, type NamedError, namedError } from '../errors.ts';
import { eventSource } from '../names.ts';
import { requestedBySchema, requestKeys } from '../request.ts';

/** A request as it was delivered, still unchecked. */
export interface Delivery {
  given: unknown;
  /** The service whose envelope brought it, if one did. */
  from: 'eventbridge' | 'sqs' | 'sns' | 'direct';
  /** It is somebody else's event: a project that it names need not be one of ours. */
  isOthersEvent?: boolean;
  /** It is an event that this function published, in which nothing is a request. */
  isOurEvent?: boolean;
}

/** What came of one record of an envelope. */
export type RecordAnswer<Answer> = { messageId: string } & ({ result: Answer } | { error: NamedError });

/** The answer to SQS: which messages have to come back, and beside it what came of each. */
export interface QueueAnswer<Answer> {
  batchItemFailures: { itemIdentifier: string }[];
  results: RecordAnswer<Answer>[];
}

/** The answer to a topic. */
export interface TopicAnswer<Answer> {
  results: RecordAnswer<Answer>[];
}

/** Handles one delivery. */
type Handle<Answer> = (delivery: Delivery) => Promise<Answer>;

const eventSchema = v.object({
  source: v.string(),
  'detail-type': v.string(),
  detail: v.looseObject({}),
});
const queueSchema = v.object({
  Records: v.pipe(
    v.array(
      v.object({
        eventSource: v.literal('aws:sqs'),
        eventSourceARN: v.optional(v.string()),
        messageId: v.string(),
        body: v.string(),
      }),
    ),
    v.minLength(1),
  ),
});
const topicSchema = v.object({
  Records: v.pipe(
    v.array(
      v.object({
        EventSource: v.literal('aws:sns'),
        Sns: v.object({ MessageId: v.string(), TopicArn: v.string(), Message: v.string() }),
      }),
    ),
    v.minLength(1),
  ),
});

/**
 * Takes requests out of the envelope in which an AWS service delivers them, has each handled, and answers in the way
 * that service understands. What is in no envelope is handled as it is.
 *
 * @param event the payload of the invocation.
 * @param stopAllTopics ARNs of topics on which any message means that every job must stop.
 * @throws what `handle` throws; for a topic after all of its records are handled, so Lambda tries again.
 */
export async function unwrap<Answer>(
  event: unknown,
  stopAllTopics: ReadonlySet<string>,
  handle: Handle<Answer>,
): Promise<Answer | QueueAnswer<Answer> | TopicAnswer<Answer>> {
  if (v.is(queueSchema, event)) return answerQueue(event, handle);
  if (v.is(topicSchema, event)) {
    const records = event.Records.map(({ Sns: { MessageId, TopicArn, Message } }) => ({
      messageId: MessageId,
      given: stopAllTopics.has(TopicArn) ? { stopAll: {} } : parsedOrText(Message),
    }));
    return answerTopic(records, handle);
  }
  if (v.is(eventSchema, event)) return handle(deliveryOf(event));
  return handle({ given: event, from: 'direct' });
}

/** Text that is no JSON is no request either, and is refused as such. */
function parsedOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The request in an event that is about something else as well: only what is ours. */
function deliveryOf({ source, detail }: v.InferOutput<typeof eventSchema>): Delivery {
  if (source === eventSource) return { given: undefined, from: 'eventbridge', isOurEvent: true };
  const { jobId, dryRun, project, requestedBy } = detail;
  const who = v.is(requestedBySchema, requestedBy) && { requestedBy };
  if (typeof jobId !== 'string') {
    const ours = requestKeys.filter((key) => Object.hasOwn(detail, key));
    const given = {
      ...Object.fromEntries(ours.map((key) => [key, detail[key]])),
      // In the wrong place, so they are refused: whoever asks for a rehearsal, or for one project, must not get more.
      ...(dryRun !== undefined && dryRun !== null && dryRun !== false && { dryRun }),
      ...(typeof project === 'string' && { project }),
      ...who,
    };
    return { given, from: 'eventbridge' };
  }
  const given = {
    jobId,
    ...(dryRun !== undefined && dryRun !== null && { dryRun }),
    ...(typeof project === 'string' && { project }),
    ...who,
  };
  return { given, from: 'eventbridge', isOthersEvent: true };
}

async function answerQueue<Answer>(
  event: v.InferOutput<typeof queueSchema>,
  handle: Handle<Answer>,
): Promise<QueueAnswer<Answer>> {
  const results: RecordAnswer<Answer>[] = [];
  const handleRecord = async ({ messageId, body }: { messageId: string; body: string }) => {
    try {
      results.push({ messageId, result: await handle({ given: parsedOrText(body), from: 'sqs' }) });
    } catch (error) {
      results.push({ messageId, error: namedError(error) });
      throw asError(error);
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

async function answerTopic<Answer>(
  records: { messageId: string; given: unknown }[],
  handle: Handle<Answer>,
): Promise<TopicAnswer<Answer>> {
  const answers = records.map(async ({ messageId, given }) => ({
    messageId,
    result: await handle({ given, from: 'sns' }),
  }));
  // One that fails must not end the invocation while others are under way.
  await Promise.allSettled(answers);
  return { results: await Promise.all(answers) };
}
