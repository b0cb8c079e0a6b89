import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { bootstrap } from '../../infra/local/aws/commands.ts';
import { deploymentOf } from '../../infra/local/aws/deployment.ts';
import { run } from '../../infra/local/aws/processes.ts';
import { accountOrSkip } from './account.ts';
import { lowestCdk } from './released.ts';
import { makeStockApp, type StockAppProps } from './stock-app.ts';

interface StockAppCase extends Pick<StockAppProps, 'packages' | 'compilerOptions' | 'command'> {
  cdk: string;
  stackName: string;
}

const cases: StockAppCase[] = [
  { cdk: 'newest', stackName: 'NewestStack' },
  {
    cdk: 'lowest',
    stackName: 'LowestStack',
    packages: [`aws-cdk-lib@${lowestCdk}`, 'typescript@5'],
    // As in apps from before `exports`; this also checks the types of packages.
    compilerOptions: {
      ...{ module: 'commonjs', moduleResolution: 'node10', skipLibCheck: false },
      ...{ noEmit: false, declaration: false, outDir: 'out' },
    },
    command: 'npx tsc && node out/bin/lowest.js',
  },
];

const { account, skip } = await accountOrSkip(cases.map(({ cdk }) => `ftjob-${cdk}`));
after(() => account?.[Symbol.asyncDispose]());
if (account) await bootstrap(account.emulator);

for (const { cdk, stackName, ...app } of cases) {
  test(`a stock app with the ${cdk} aws-cdk-lib deploys the package, which cancels a job`, { skip }, async () => {
    assert.ok(account);
    const { emulator, openai } = account;
    const { environment } = emulator;
    const directory = join(emulator.runDirectory, cdk);
    const props = `{ name: '${cdk}', openaiBaseUrl: '${openai.baseUrl}', savedQueries: false }`;
    await makeStockApp({ ...app, directory, environment, props });
    await run('npx', ['cdk', 'deploy', '--require-approval', 'never', '--no-notices'], environment, directory);
    const { invoke } = deploymentOf(emulator, { stackName, functionName: cdk });
    const jobId = `ftjob-${cdk}`;
    assert.deepEqual(await invoke({ jobId }), {
      payload: { jobId, outcome: 'cancelled', initialStatus: 'running', finalStatus: 'cancelled' },
    });
    assert.equal(openai.jobs.get(jobId)?.status, 'cancelled');
  });
}
