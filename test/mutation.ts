/**
 * Mutation testing: changes the code in one place at a time and runs the tests of the same folder.
 * `npm run mutation` covers all of `lambda/`; `npm run mutation openai`, for example, covers one folder.
 */
import { glob } from 'node:fs/promises';
import { basename } from 'node:path';
import { Stryker } from '@stryker-mutator/core';

/** The folders of `lambda/`; the last stands for the files outside them. */
const allFolders = ['curfew', 'openai', 'bedrock', 'aws', '.'];

/** These start their own processes, or take very long on mutated code. */
const leftOut = new Set([
  'key-leak.test.ts',
  'late-packages.test.ts',
  'visited-files.test.ts',
  'sweep-properties.test.ts',
]);

const asked = process.argv.slice(2);
for (const folder of asked.length > 0 ? asked : allFolders) {
  // Requests cover the patterns of job ids, projects the credentials; what is checked at synth covers the settings.
  const shared = ['test/lambda/request.test.ts', 'test/lambda/projects.test.ts'];
  if (folder === '.') shared.push('test/infra/settings/context.test.ts', 'test/infra/settings/checked-props.test.ts');
  const tests = await Array.fromAsync(glob([`test/lambda/${folder}/*.test.ts`, ...shared]));
  await new Stryker({
    mutate: [`lambda/${folder}/*.ts`],
    tap: { testFiles: [...new Set(tests)].filter((file) => !leftOut.has(basename(file))) },
    htmlReporter: { fileName: `reports/mutation/${folder === '.' ? 'lambda' : folder}.html` },
  }).runMutationTest();
}
