import type OpenAI from 'openai';
import type * as v from 'valibot';
import type { jobSchema } from '../../../lambda/curfew/job.ts';

/** Compiles only while every job that the vendor's types allow is one that our schema takes. */
type Accepts<Schema extends v.GenericSchema, Answer extends v.InferInput<Schema>> = Answer;

export type Job = Accepts<typeof jobSchema, OpenAI.FineTuning.FineTuningJob>;
