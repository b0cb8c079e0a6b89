import type { LocalProject, LocalProjects } from '../providers/projects.ts';
import type { SimulatedJob } from '../providers/simulated-job.ts';

/** What an invocation came to: the function's answer, or its error with the name that was reported. */
export interface Invocation {
  payload: unknown;
  error?: { name: string; message: string };
}

/** The whole of fine-tuning curfew on this machine. */
export interface LocalSystem extends AsyncDisposable, Pick<LocalProjects, 'openai' | 'providers' | 'customization'> {
  invoke(request: unknown): Promise<Invocation>;
  /** What the frequent rule sends. */
  ruleInput(): Promise<unknown>;
}

export interface LocalSystemOptions {
  /** Those at the provider of the top-level settings. */
  jobs?: SimulatedJob[];
  /** Several projects in the deployment, by name. */
  projects?: Record<string, LocalProject>;
  /** CDK context over that of `cdk.json`. */
  context?: Record<string, string>;
  /** Another CDK app than ours, with its stack. */
  app?: { command: string; stackName: string };
  /** Called with what is being done, step by step. */
  progress?: (step: string) => void;
}
