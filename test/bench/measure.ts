/** One line of the table: two sides, measured in one run. `holds` is whether the goal is met. */
export interface Row {
  what: string;
  ours: string;
  theirs: string;
  ratio: string;
  goal: string;
  holds: boolean;
  /** A wrong count fails the bench; a slow machine does not. */
  isCount?: boolean;
}

/** A value as the table shows it. */
export type Unit = (value: number) => string;

export const milliseconds: Unit = (value) => `${value.toFixed(0)} ms`;
export const seconds: Unit = (value) => `${(value / 1000).toFixed(2)} s`;
export const megabytes: Unit = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;

/** The value in the middle. */
export function median(values: number[]): number {
  const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  if (middle === undefined) throw new Error('There is no median of nothing.');
  return middle;
}

/**
 * Measures several sides in turn, so what disturbs the machine disturbs all alike.
 *
 * @param rounds how often each side is measured; the first measurement of each comes on top, and is thrown away.
 * @returns the median of each side.
 */
export async function interleaved<Side extends string>(
  rounds: number,
  sides: Record<Side, () => Promise<number>>,
): Promise<Record<Side, number>> {
  const names = Object.keys(sides) as Side[];
  const values = new Map<Side, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of names) {
      const value = await sides[name]();
      if (round > 0) values.get(name)?.push(value);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(values.get(name) ?? [])])) as Record<
    Side,
    number
  >;
}

/** A row whose goal is that ours is at most `most` times theirs. */
export function atMost(most: number, what: string, ours: number, theirs: number, unit: Unit): Row {
  const ratio = ours / theirs;
  return {
    what,
    ours: unit(ours),
    theirs: unit(theirs),
    ratio: times(ratio),
    goal: `≤ ${most} ×`,
    holds: ratio <= most,
  };
}

/** A row of counts, which must be equal. */
export function equal(what: string, ours: number, theirs: number): Row {
  const text = (count: number) => count.toLocaleString('en');
  return {
    what,
    ours: text(ours),
    theirs: text(theirs),
    ratio: times(ours === theirs ? 1 : ours / theirs),
    goal: 'equal',
    holds: ours === theirs,
    isCount: true,
  };
}

/** A ratio, with two digits that say something, however small it is. */
export function times(ratio: number): string {
  return `${ratio >= 0.1 ? ratio.toFixed(2) : ratio.toPrecision(2)} ×`;
}
