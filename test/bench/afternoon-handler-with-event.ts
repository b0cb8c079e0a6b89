/** The same handler, but it publishes an event about the cancel, as the deployed function does. */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { Context } from 'aws-lambda';
import { handler as cancel } from './afternoon-handler.ts';

const eventBridge = new EventBridgeClient({});

/** Cancels one job if it is still in progress, and publishes that. */
export async function handler(event: { jobId: string }, context: Context) {
  const answer = await cancel(event, context);
  if (answer.outcome === 'cancelled') {
    const entry = {
      Source: 'fine-tuning-curfew',
      DetailType: 'Fine-Tuning Job Cancelled',
      Detail: JSON.stringify(answer),
    };
    await eventBridge.send(new PutEventsCommand({ Entries: [entry] }));
  }
  return answer;
}
