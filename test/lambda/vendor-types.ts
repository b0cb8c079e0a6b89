import type OpenAI from 'openai';
import type * as v from 'valibot';
import type { jobPageSchema, jobSchema } from '../../lambda/fine-tuning-api.ts';

/** Compiles only while every answer that the vendor's types allow is one that our schemas take. */
type Accepts<Schema extends v.GenericSchema, Answer extends v.InferInput<Schema>> = Answer;

type VendorJob = OpenAI.FineTuning.FineTuningJob;

export type Job = Accepts<typeof jobSchema, VendorJob>;
export type JobPage = Accepts<typeof jobPageSchema, { data: VendorJob[]; has_more: boolean }>;
