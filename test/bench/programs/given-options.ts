import { once } from 'node:events';

/** The options that `forkProgram` gave this program. They come by message: a command line would be too short for some. */
export async function givenOptions<Options>(): Promise<Options> {
  const [options] = await once(process, 'message');
  return options;
}
