import type { LocalProject } from '../providers/projects.ts';
import { simulatedCustomizationJob } from '../providers/simulated-customization-job.ts';
import { type SimulatedJob, simulatedAzureJob, simulatedJob } from '../providers/simulated-job.ts';

/** The default time budget, as in `cdk.json`. */
export const budgetMinutes = 360;

/** The projects of the tour, at different providers. The key of the last was revoked. */
export function projectsOfTour(): Record<string, LocalProject> {
  return {
    research: {},
    production: {
      provider: 'azure',
      jobs: [
        simulatedAzureJob({ id: 'ftjob-pending', status: 'pending', ageMinutes: 5 }),
        simulatedAzureJob({ id: 'ftjob-azure-old', status: 'running', ageMinutes: 800 }),
        simulatedAzureJob({ id: 'ftjob-paused', status: 'paused', ageMinutes: 900 }),
      ],
      settings: { timeBudgetMinutes: 720 },
    },
    nova: {
      provider: 'bedrock-customization',
      customizationJobs: [
        simulatedCustomizationJob({ id: 'novarunning1', ageMinutes: 60 }),
        simulatedCustomizationJob({ id: 'novaoverdue1', ageMinutes: 100, tags: { time_budget_minutes: '90m' } }),
      ],
    },
    retired: {
      provider: 'openai',
      isKeyRevoked: true,
      jobs: [simulatedJob({ id: 'ftjob-out-of-sight', status: 'running', ageMinutes: 5000 })],
    },
  };
}

/** Jobs in every OpenAI status. */
export function jobsOfResearch(): SimulatedJob[] {
  const jobs: [name: string, status: string, ageMinutes: number, budget?: string][] = [
    ['validating', 'validating_files', 2],
    ['queued', 'queued', 300, '90m'],
    ['running-young', 'running', 200],
    ['near', 'running', 340],
    ['nearly-done', 'running', 390],
    ['running-old', 'running', 400],
    ['short-budget', 'running', 100, '90'],
    ['exempt', 'running', 3 * 1440, 'none'],
    ['succeeded', 'succeeded', 600],
    ['failed', 'failed', 700],
    ['cancelled', 'cancelled', 800],
  ];
  return jobs.map(([name, status, ageMinutes, budget]) => {
    const metadata = budget === undefined ? null : { time_budget_minutes: budget };
    return simulatedJob({ id: `ftjob-${name}`, status, ageMinutes, metadata });
  });
}
