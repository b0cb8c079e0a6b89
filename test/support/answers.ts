/** What callers get, as the documents promise it. It is written down here once more, so a test notices a change. */

export interface CancelAnswer {
  jobId: string;
  outcome: string;
  initialStatus: string;
  finalStatus: string | null;
  /** Only in a deployment with `projects`, like every field here that may be missing. */
  project?: string;
}

interface NamedError {
  name: string;
  message: string;
}

interface ProjectsLookedAt {
  projects?: number;
  failedProjects?: { project: string; error: NamedError }[];
  failedProjectsOmitted?: number;
}

export interface JobDealtWith extends CancelAnswer {
  ageMinutes: number;
  timeBudgetMinutes: number | null;
  error?: NamedError;
}

export interface SweepAnswer extends ProjectsLookedAt {
  complete: boolean;
  dryRun: boolean | null;
  timeBudgetMinutes: number | null;
  lookbackDays: number | null;
  cancelLimit: number | 'none' | null;
  inspected: number;
  inProgress: number;
  overdue: number;
  notCancellable: number;
  cancelled: number;
  alreadyFinished: number;
  wouldCancel: number;
  heldBack: number;
  failed: number;
  jobs: JobDealtWith[];
  jobsOmitted: number;
}

export interface StopAllAnswer extends ProjectsLookedAt {
  complete: boolean;
  dryRun: boolean;
  inspected: number;
  inProgress: number;
  notCancellable: number;
  cancelled: number;
  alreadyFinished: number;
  wouldCancel: number;
  failed: number;
  jobs: JobDealtWith[];
  jobsOmitted: number;
}

export interface ListedJob {
  jobId: string;
  status: string;
  model: string | null;
  ageMinutes: number;
  timeBudgetMinutes: number | null;
  budgetFrom: string | null;
  deadline: string | null;
  estimatedFinish: string | null;
  overdue: boolean;
  project?: string;
}

export interface ListAnswer extends ProjectsLookedAt {
  complete: boolean;
  jobs: ListedJob[];
  jobsOmitted: number;
}

export interface ExtendAnswer {
  jobId: string;
  status: string;
  previousDeadline: string | null;
  deadline: string | null;
  project?: string;
}
