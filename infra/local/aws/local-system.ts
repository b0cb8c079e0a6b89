import type { LocalProject, LocalProjects } from '../providers/projects.ts';
import type { SimulatedJob } from '../providers/simulated-job.ts';

/** The result of an invocation: the function's answer, or its error with the reported name. */
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
  /** Jobs at the provider of the top-level settings. */
  jobs?: SimulatedJob[];
  /** Several projects in the deployment, by name. */
  projects?: Record<string, LocalProject>;
  /** CDK context that overrides `cdk.json`. */
  context?: Record<string, string>;
  /** A CDK app to use instead of ours, with its stack. */
  app?: { command: string; stackName: string };
  /** Called with a description of each step. */
  progress?: (step: string) => void;
}
