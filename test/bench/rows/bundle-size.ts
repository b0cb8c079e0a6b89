import type { Bundles } from '../bundles.ts';
import { atMost } from '../measure.ts';

const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;

/** The size of what Lambda loads at every start. */
export async function bundleSize({ ours, theirs }: Bundles) {
  const what = 'bundle size, of what every start loads; against the afternoon handler';
  return { rows: [atMost(0.5, what, ours.bytes, theirs.bytes, kilobytes)] };
}
