import leven from 'leven';

/**
 * Checks that no key is almost one of ours. A misspelt key would leave its default in force without a word: a curfew
 * that cancels where a dry run was meant.
 *
 * @param keys that were given; those that are nothing like ours are somebody else's.
 * @param names of ours.
 * @param noun what the caller calls a key, such as `prop`.
 * @throws Error naming each misspelt key, and what may have been meant.
 */
export function checkSpelling(keys: readonly string[], names: readonly string[], noun: string): void {
  const misspelt = keys
    .filter((key) => !names.includes(key))
    .flatMap((key) => {
      const meant = names.find((name) => leven(key.toLowerCase(), name.toLowerCase()) <= 2);
      return meant === undefined ? [] : [`${noun} "${key}" is not a setting: did you mean "${meant}"?`];
    });
  if (misspelt.length > 0) throw new Error(misspelt.join('\n'));
}
