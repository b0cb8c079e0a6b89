import { join } from 'node:path';

/** The folder with the function's bundled code for Lambda: in `dist/`, both in a clone and in the package. */
export const bundledCode = join(import.meta.dirname, '../../dist/lambda');
