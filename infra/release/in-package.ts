/** Replacements for the packaged construct, which is one CommonJS file in `dist/` and may run on Node 20. */
import { join } from 'node:path';

/** Replaces `import.meta.dirname` of a module in a folder of `infra/`, which is as deep in the package. */
export const moduleDirectory = join(__dirname, 'infra');

/** Replaces `URL.parse`, which Node 20 does not have. */
export const parseUrl = (text: string) => (URL.canParse(text) ? new URL(text) : null);
