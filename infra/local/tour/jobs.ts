import type { LocalProject } from '../providers/projects.ts';
import { type SimulatedJob, simulatedAzureJob, simulatedJob } from '../providers/simulated-job.ts';

/** The time budget of a job that names none, as `cdk.json` has it. */
export const budgetMinutes = 360;

/** The projects of the tour, at different providers. The key of the last was revoked. */
export function projectsOfTour(): Record<string, LocalProject> {
  return {
    research: {},
    production: { provider: 'azure', jobs: jobsOfProduction(), settings: { timeBudgetMinutes: 720 } },
    retired: {
      provider: 'openai',
      isKeyRevoked: true,
      jobs: [simulatedJob({ id: 'ftjob-out-of-sight', status: 'running', ageMinutes: 5000 })],
    },
  };
}

/** Jobs in every status of OpenAI's. */
export function jobsOfResearch(): SimulatedJob[] {
  return [
    simulatedJob({ id: 'ftjob-validating', status: 'validating_files', ageMinutes: 2 }),
    simulatedJob({ id: 'ftjob-queued', status: 'queued', ageMinutes: 30 }),
    simulatedJob({ id: 'ftjob-running-young', status: 'running', ageMinutes: 200 }),
    simulatedJob({ id: 'ftjob-near', status: 'running', ageMinutes: 340 }),
    simulatedJob({ id: 'ftjob-nearly-done', status: 'running', ageMinutes: 390 }),
    simulatedJob({ id: 'ftjob-running-old', status: 'running', ageMinutes: 400 }),
    simulatedJob({
      id: 'ftjob-short-budget',
      status: 'running',
      ageMinutes: 100,
      metadata: { time_budget_minutes: '90' },
    }),
    simulatedJob({
      id: 'ftjob-exempt',
      status: 'running',
      ageMinutes: 3 * 1440,
      metadata: { time_budget_minutes: 'none' },
    }),
    simulatedJob({ id: 'ftjob-succeeded', status: 'succeeded', ageMinutes: 600 }),
    simulatedJob({ id: 'ftjob-failed', status: 'failed', ageMinutes: 700 }),
    simulatedJob({ id: 'ftjob-cancelled', status: 'cancelled', ageMinutes: 800 }),
  ];
}

/** Jobs in the statuses that only Azure has. */
function jobsOfProduction(): SimulatedJob[] {
  return [
    simulatedAzureJob({ id: 'ftjob-pending', status: 'pending', ageMinutes: 5 }),
    simulatedAzureJob({ id: 'ftjob-azure-old', status: 'running', ageMinutes: 800 }),
    simulatedAzureJob({ id: 'ftjob-paused', status: 'paused', ageMinutes: 900 }),
  ];
}
