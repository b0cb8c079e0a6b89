/** What CloudWatch counts for each line beside its text. */
const bytesBesideText = 26;

const requestId = '5f0f4a3c-7a3e-4f3b-9a54-0d1c1e5b7a11';
/** What Lambda itself writes at every invocation. */
const lambdasOwn = [
  `START RequestId: ${requestId} Version: $LATEST`,
  `END RequestId: ${requestId}`,
  `REPORT RequestId: ${requestId}\tDuration: 1000.00 ms\tBilled Duration: 1000 ms\tMemory Size: 512 MB\tMax Memory Used: 150 MB\t`,
].join('\n');

/** The lines that a function wrote. */
export function linesIn(log: string): string[] {
  return log.split('\n').filter((line) => line !== '');
}

/** As how many bytes CloudWatch counts the log of one invocation, with the lines that Lambda adds. */
export function logBytes(log: string): number {
  const lines = [...linesIn(log), ...linesIn(lambdasOwn)];
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + bytesBesideText, 0);
}
