/** Types for callers in TypeScript: what to send, what comes back, and the names of the errors. */

export type { CancelResult, Outcome } from './conditional-cancel.ts';
export type { QueueAnswer, TopicAnswer } from './envelope.ts';
export type { CancelRequest, SweepRequest } from './request.ts';
export type { SweepResult, SweptJob } from './sweep-result.ts';

import type * as errors from './errors.ts';

/** What `errorType` is where the function fails, and what Step Functions can catch. */
export type ErrorName = keyof typeof errors;
