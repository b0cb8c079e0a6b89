import { join } from 'node:path';

/** The folder with the function's code, bundled: what Lambda gets. It is in `dist/`, of a clone as of the package. */
export const bundledCode = join(import.meta.dirname, '../../dist/lambda');
