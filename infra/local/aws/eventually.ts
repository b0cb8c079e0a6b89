import pWaitFor from 'p-wait-for';

const timeoutMs = 100_000;

/**
 * Polls until there is a value.
 *
 * @returns the first value that is neither undefined nor false.
 */
export async function eventually<Value>(ask: () => Promise<Value | undefined | false>): Promise<Value> {
  const condition = async () => {
    const value = await ask();
    return value !== undefined && value !== false && pWaitFor.resolveWith(value);
  };
  const message = `Nothing came within ${timeoutMs / 1000} seconds.`;
  return pWaitFor(condition, { interval: 200, timeout: { milliseconds: timeoutMs, message } });
}
