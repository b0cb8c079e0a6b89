import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import * as v from 'valibot';
import type { Requester } from './requester.ts';
import { asError } from './thrown.ts';

/** What came of one record of an envelope. */
export type RecordResult<Result> = { messageId: string } & (
  | { result: Result }
  | { error: { name: string; message: string } }
);

/** The answer to SQS: which messages have to come back, and beside it what came of each. */
export interface QueueAnswer<Result> {
  batchItemFailures: { itemIdentifier: string }[];
  results: RecordResult<Result>[];
}

/** The answer to a topic. */
export interface TopicAnswer<Result> {
  results: RecordResult<Result>[];
}

const eventBridgeEvent = v.object({
  source: v.string(),
  'detail-type': v.string(),
  detail: v.looseObject({}),
});
const queueMessages = v.object({
  Records: v.pipe(
    v.array(v.object({ eventSource: v.literal('aws:sqs'), messageId: v.string(), body: v.string() })),
    v.minLength(1),
  ),
});
const topicMessages = v.object({
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

/** Over budget: every job in progress is past a budget of 0. */
const stopAll = { sweep: { timeBudgetMinutes: 0, lookbackDays: 0 } };

/**
 * Takes a request out of the envelope in which an AWS service delivers it, has it handled, and answers in the way that
 * service understands. Whatever is in no envelope is handled as it is.
 *
 * @param event the payload of the invocation.
 * @param stopAllTopics ARNs of topics whose messages, whatever they say, mean that every job must stop.
 * @param handle handles one request, still unchecked. `from` is the service, undefined where there is no envelope.
 * @throws what `handle` throws; for a topic after all of its records are handled, so that Lambda tries again.
 */
export async function unwrap<Result>(
  event: unknown,
  stopAllTopics: ReadonlySet<string>,
  handle: (request: unknown, from: Requester | undefined) => Promise<Result>,
): Promise<Result | QueueAnswer<Result> | TopicAnswer<Result>> {
  if (v.is(queueMessages, event)) return answerQueue(event, (body) => handle(requestIn(body), 'sqs'));
  if (v.is(topicMessages, event)) {
    const records = event.Records.map(({ Sns: { MessageId, TopicArn, Message } }) => ({
      messageId: MessageId,
      request: stopAllTopics.has(TopicArn) ? stopAll : requestIn(Message),
    }));
    return answerTopic(records, (request) => handle(request, 'sns'));
  }
  if (v.is(eventBridgeEvent, event)) return handle(requestOf(event.detail), 'eventbridge');
  return handle(event, undefined);
}

/** Text that is no JSON is no request either, and is refused as such. */
function requestIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The request in an event that is about something else as well: only what is ours. */
function requestOf(detail: Record<string, unknown>): unknown {
  const ours = ['jobId', 'dryRun', 'sweep'].filter((key) => Object.hasOwn(detail, key));
  return Object.fromEntries(ours.map((key) => [key, detail[key]]));
}

async function answerQueue<Result>(
  event: v.InferOutput<typeof queueMessages>,
  handleBody: (body: string) => Promise<Result>,
): Promise<QueueAnswer<Result>> {
  const results: RecordResult<Result>[] = [];
  const handleRecord = async ({ messageId, body }: { messageId: string; body: string }) => {
    try {
      results.push({ messageId, result: await handleBody(body) });
    } catch (error) {
      const { name, message } = asError(error);
      results.push({ messageId, error: { name, message } });
      throw error;
    }
  };
  const { batchItemFailures } = await processPartialResponse(
    event,
    handleRecord,
    new BatchProcessor(EventType.SQS),
    { throwOnFullBatchFailure: false },
  );
  return { batchItemFailures, results };
}

async function answerTopic<Result>(
  records: { messageId: string; request: unknown }[],
  handleRequest: (request: unknown) => Promise<Result>,
): Promise<TopicAnswer<Result>> {
  const answers = records.map(async ({ messageId, request }) => ({
    messageId,
    result: await handleRequest(request),
  }));
  // One that fails must not end the invocation while others are under way.
  await Promise.allSettled(answers);
  return { results: await Promise.all(answers) };
}
