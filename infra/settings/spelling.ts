import leven from 'leven';

/**
 * Finds which of our names a key was probably meant to be: one within two edits, or one that it is the beginning of.
 *
 * @returns undefined if it is like none of them, so probably somebody else's.
 */
export function likelyMeant(key: string, names: readonly string[]): string | undefined {
  const lower = key.toLowerCase();
  const almost = names.find((name) => leven(lower, name.toLowerCase()) <= 2);
  return almost ?? names.find((name) => lower !== '' && name.toLowerCase().startsWith(lower));
}
