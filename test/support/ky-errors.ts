import ky from 'ky';
import * as v from 'valibot';

const url = 'https://api.openai.com/v1/fine_tuning/jobs';

/** What ky throws where fetch gives this answer, or fails with this error. */
export async function kyErrorFor(outcome: Response | Error): Promise<unknown> {
  const fetch = async () => {
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  return thrownBy(() => ky(url, { fetch, retry: 0 }).json(v.object({ id: v.string() })));
}

/** What ky throws where no answer comes. */
export async function kyTimeoutError(): Promise<unknown> {
  const fetch = () => new Promise<Response>(() => {});
  return thrownBy(() => ky(url, { fetch, retry: 0, timeout: 1 }).json());
}

async function thrownBy(call: () => Promise<unknown>): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return error;
  }
}
