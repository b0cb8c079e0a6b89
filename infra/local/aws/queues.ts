import { eventSource } from '../../../lambda/names.ts';
import { aws } from './commands.ts';
import type { Emulator } from './emulator.ts';
import { eventually } from './eventually.ts';

export interface Queue {
  url: string;
  arn: string;
}

/** Creates a queue to which topics and rules may send. */
export async function createQueue(emulator: Emulator, name: string): Promise<Queue> {
  const arn = `arn:aws:sqs:us-east-1:000000000000:${name}`;
  const Statement = {
    Effect: 'Allow',
    Principal: { Service: ['sns.amazonaws.com', 'events.amazonaws.com'] },
    Action: 'sqs:SendMessage',
    Resource: arn,
  };
  const attributes = JSON.stringify({ Policy: JSON.stringify({ Version: '2012-10-17', Statement }) });
  const create = ['create-queue', '--queue-name', name, '--attributes', attributes, '--query', 'QueueUrl'];
  return { url: String(await aws(emulator, 'sqs', ...create)), arn };
}

/** Returns the body of the next message and deletes it. */
export async function receive(emulator: Emulator, { url }: Pick<Queue, 'url'>): Promise<string> {
  const receiveMessage = ['sqs', 'receive-message', '--queue-url', url, '--query', 'Messages || `[]`'];
  const message = await eventually(async () => {
    const [first] = ((await aws(emulator, ...receiveMessage)) ?? []) as { Body: string; ReceiptHandle: string }[];
    return first;
  });
  await aws(emulator, 'sqs', 'delete-message', '--queue-url', url, '--receipt-handle', message.ReceiptHandle);
  return message.Body;
}

/** Creates a queue with a rule that sends all our events to it. */
export async function queueOfEvents(emulator: Emulator, name: string): Promise<Queue> {
  const queue = await createQueue(emulator, name);
  const pattern = JSON.stringify({ source: [eventSource] });
  await aws(emulator, 'events', 'put-rule', '--name', name, '--event-pattern', pattern);
  await aws(emulator, 'events', 'put-targets', '--rule', name, '--targets', `Id=queue,Arn=${queue.arn}`);
  return queue;
}
