/**
 * Runs the function with one request in a process of its own, and prints which late-loading packages were loaded and
 * whether it was answered. The argument is JSON: `{"request", "ageMinutes", "status"?, "settings"?, "projects"?}`.
 */
import { registerHooks } from 'node:module';

const late = ['@aws-sdk/client-dynamodb', '@aws-sdk/client-ssm', '@aws-sdk/client-bedrock'];
const loaded = new Set<string>();
registerHooks({
  load(url, context, nextLoad) {
    for (const name of late) if (url.includes(`/node_modules/${name}/`)) loaded.add(name);
    return nextLoad(url, context);
  },
});
// Only imports from here on are seen.
const { startCurfew } = await import('./curfew.ts');
const { simulatedJob } = await import('../../infra/local/providers/simulated-job.ts');

const { request, ageMinutes, status = 'running', ...options } = JSON.parse(process.argv[2] ?? '');
await using curfew = await startCurfew({ jobs: [simulatedJob({ id: 'ftjob-1', status, ageMinutes })], ...options });
const ended = await curfew.invoke(request).then(
  () => 'answered',
  () => 'failed',
);
console.log(JSON.stringify({ ended, loaded: [...loaded].toSorted() }));
