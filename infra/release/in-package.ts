/** What the construct uses once it is in the package, where it is one file of CommonJS in `dist/` and Node may be 20. */
import { join } from 'node:path';

/** Stands in for `import.meta.dirname` of a module in a folder of `infra/`, which is as deep below the package's root. */
export const moduleDirectory = join(__dirname, 'infra');

/** `URL.parse` for Node 20, which does not have it. */
export const parseUrl = (text: string) => (URL.canParse(text) ? new URL(text) : null);
