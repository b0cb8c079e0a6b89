/** Returns a formatter for values of the table, such as `inUnit('MB', 1e6)` for bytes. */
export function inUnit(name: string, size: number, digits = 0) {
  return (value: number) => `${(value / size).toFixed(digits)} ${name}`;
}
export const milliseconds = inUnit('ms', 1);
export const seconds = inUnit('s', 1000, 2);
export const megabytes = inUnit('MB', 1e6);

/** Returns the median. */
export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/**
 * Measures all cases once in each round, so that disturbances of the machine affect all alike. A first round warms up.
 *
 * @returns the values of each case.
 */
export async function inTurn<Case, Value>(rounds: number, cases: Case[], measure: (one: Case) => Promise<Value>) {
  const measured = cases.map((one) => ({ one, values: [] as Value[] }));
  for (let round = 0; round <= rounds; round += 1) {
    for (const { one, values } of measured) {
      const value = await measure(one);
      if (round > 0) values.push(value);
    }
  }
  return measured.map(({ values }) => values);
}

const wrongCounts: string[] = [];

/** A row of the table, and the counts that must be exact for it to mean anything. */
export class Row {
  #right = 0;
  #counts = 0;

  /** Checks a count. A wrong one fails the bench. */
  check(what: string, counted: number, expected: number): void {
    this.#counts += 1;
    if (counted === expected) this.#right += 1;
    else wrongCounts.push(`${what}: ${counted}, but it should be ${expected}`);
  }

  /**
   * Prints the row. A slow or busy machine is not a failure, so a missed goal is only shown.
   *
   * @param goal the most, or the least, that ours may be as a multiple of theirs.
   * @param texts what the table shows instead of the values.
   */
  print(
    what: string,
    [ours, theirs]: [number, number],
    unit: (value: number) => string,
    [sign, goal]: ['≤' | '≥', number],
    texts = [unit(ours), unit(theirs)],
  ): void {
    const ratio = ours / theirs;
    const ratioText = ratio >= 0.1 ? ratio.toFixed(2) : ratio.toPrecision(2);
    const isMet = sign === '≤' ? ratio <= goal : ratio >= goal;
    const counts = this.#counts === 0 ? '–' : `${this.#right} of ${this.#counts}`;
    printCells(what, ...texts, ratioText, `${sign} ${goal}`, isMet ? 'met' : '**missed**', counts);
  }
}

export function printCells(...cells: string[]): void {
  console.log(`| ${cells.join(' | ')} |`);
}

export function printHead(...cells: string[]): void {
  printCells(...cells);
  printCells(...cells.map(() => '---'));
}

/** Prints which counts were wrong, and fails the bench if any was. */
export function printWrongCounts(): void {
  console.log(`\nWrong counts: ${wrongCounts.length}`);
  for (const wrong of wrongCounts) console.log(`- ${wrong}`);
  if (wrongCounts.length > 0) process.exitCode = 1;
}
