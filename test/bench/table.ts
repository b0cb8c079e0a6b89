/** A value as the table shows it. */
export type Unit = (value: number) => string;

interface Options {
  unit: Unit;
  /** What the table shows in place of our value. */
  ours?: string;
  /** What it shows in place of the other value. */
  theirs?: string;
}

/** Returns a unit, such as `inUnit('MB', 1e6)` for bytes. */
export function inUnit(name: string, size: number, digits = 0): Unit {
  return (value) => `${(value / size).toFixed(digits)} ${name}`;
}
export const milliseconds = inUnit('ms', 1);
export const seconds = inUnit('s', 1000, 2);
export const megabytes = inUnit('MB', 1e6);

/** Returns the value in the middle. */
export function median(values: number[]): number {
  const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  if (middle === undefined) throw new Error('There is no median of nothing.');
  return middle;
}

export function printHead(): void {
  console.log('| what | ours | the other side | ratio | goal | holds |');
  console.log('| --- | --- | --- | --- | --- | --- |');
}

/** Prints a row whose goal is that ours is at most `goal` times theirs. */
export function atMost(goal: number, what: string, ours: number, theirs: number, options: Options): void {
  printRow(what, ours, theirs, `≤ ${goal} ×`, ours / theirs <= goal, options);
}

/** Prints a row whose goal is that ours is at least `goal` times theirs. */
export function atLeast(goal: number, what: string, ours: number, theirs: number, options: Options): void {
  printRow(what, ours, theirs, `≥ ${goal} ×`, ours / theirs >= goal, options);
}

/** A slow or busy machine is no failure, so a goal that is missed is only shown. */
function printRow(what: string, ours: number, theirs: number, goal: string, holds: boolean, options: Options): void {
  const { unit, ours: ourText = unit(ours), theirs: theirText = unit(theirs) } = options;
  const ratio = ours / theirs;
  const ratioText = `${ratio >= 0.1 ? ratio.toFixed(2) : ratio.toPrecision(2)} ×`;
  console.log(`| ${[what, ourText, theirText, ratioText, goal, holds ? 'yes' : '**no**'].join(' | ')} |`);
}

let rightCounts = 0;
const wrongCounts: string[] = [];

/** Checks a count. A wrong one fails the bench. */
export function checkCount(what: string, counted: number, expected: number): void {
  if (counted === expected) rightCounts += 1;
  else wrongCounts.push(`${what}: ${counted}, but it should be ${expected}`);
}

export function printCounts(): void {
  console.log(`\nCounts that must be exact: ${rightCounts} are, ${wrongCounts.length} are not.`);
  for (const wrong of wrongCounts) console.log(`- ${wrong}`);
  if (wrongCounts.length > 0) process.exitCode = 1;
}
