import ky from 'ky';

const url = 'https://api.openai.com/v1/fine_tuning/jobs';
const options = { retry: 0, timeout: false, throwHttpErrors: false } as const;

/** What ky throws if fetch fails with this error. */
export function kyErrorFor(error: Error): Promise<unknown> {
  return thrownBy(() => ky(url, { ...options, fetch: () => Promise.reject(error) }));
}

/** What ky throws if no answer comes before the signal ends the call. */
export function kyTimeoutError(): Promise<unknown> {
  const fetch = async (request: Request | URL | string) => {
    const { promise, reject } = Promise.withResolvers<never>();
    const signal = request instanceof Request ? request.signal : AbortSignal.abort();
    signal.addEventListener('abort', () => reject(signal.reason));
    return promise;
  };
  return thrownBy(() => ky(url, { ...options, fetch, signal: AbortSignal.timeout(1) }));
}

async function thrownBy(call: () => Promise<unknown>): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return error;
  }
}
