/** Types for callers in TypeScript: what to send, what comes back, and the names of the errors. */

export type { ListAnswer, StopAllAnswer, SweepAnswer } from './answers.ts';
export type { QueueAnswer, TopicAnswer } from './aws/envelope.ts';
export type { CancelAnswer, JobEntry, Outcome } from './curfew/decision.ts';
export type { ExtendAnswer } from './curfew/extend.ts';
export type { ListedJob } from './curfew/list.ts';
export type { ErrorName } from './errors.ts';
export type {
  CancelRequest,
  CurfewRequest,
  ExtendRequest,
  ListRequest,
  StopAllRequest,
  SweepRequest,
} from './request.ts';
