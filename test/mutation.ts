/**
 * Mutation testing: changes the code in one place at a time and asks the tests of the same folder whether they notice.
 * `npm run mutation` goes through all of `lambda/`; `npm run mutation openai`, for example, through one folder of it.
 */
import { glob } from 'node:fs/promises';
import { basename } from 'node:path';
import { Stryker } from '@stryker-mutator/core';

/** The folders of `lambda/`; the last stands for the files that lie beside them. */
const allFolders = ['curfew', 'openai', 'bedrock', 'aws', '.'];

/** These start processes of their own, or take very long once the code can be changed. */
const leftOut = new Set([
  'key-leak.test.ts',
  'late-packages.test.ts',
  'visited-files.test.ts',
  'sweep-properties.test.ts',
]);

const asked = process.argv.slice(2);
for (const folder of asked.length > 0 ? asked : allFolders) {
  // The patterns of job ids are shown where requests are checked.
  const tests = await Array.fromAsync(glob([`test/lambda/${folder}/*.test.ts`, 'test/lambda/request.test.ts']));
  await new Stryker({
    mutate: [`lambda/${folder}/*.ts`],
    tap: { testFiles: [...new Set(tests)].filter((file) => !leftOut.has(basename(file))) },
    htmlReporter: { fileName: `reports/mutation/${folder === '.' ? 'lambda' : folder}.html` },
  }).runMutationTest();
}
