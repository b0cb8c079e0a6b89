import type { SweepRequest } from '../../lambda/request.ts';
import type { FineTuningSimulator } from './fine-tuning-simulator.ts';
import type { SimulatedJob } from './simulated-job.ts';

/** What an invocation came to: the function's answer, or its error with the name that was reported. */
export interface Invocation {
  payload: unknown;
  error?: { name: string; message: string };
}

/** The whole of fine-tuning curfew on this machine. */
export interface LocalSystem extends AsyncDisposable {
  openai: FineTuningSimulator;
  invoke(request: unknown): Promise<Invocation>;
  /** What the frequent rule sends. */
  ruleInput(): Promise<SweepRequest>;
}

export interface LocalSystemOptions {
  jobs: SimulatedJob[];
  /** CDK context over that of `cdk.json`. */
  context?: Record<string, string>;
  /** Another CDK app than ours, with its stack. */
  app?: { command: string; stackName: string };
  /** Is told what is being done, step by step. */
  progress?: (step: string) => void;
}

/** The OpenAI key of the local system: of the vendor's form, and good for nothing. */
export const localApiKey = 'sk-local-0123456789abcdefghijklmnopqrstuv';
