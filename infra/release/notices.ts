import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';

/**
 * Returns the licences of all packages with code in a bundle.
 *
 * @param files in the bundle, as paths from `root`.
 * @throws ValiError if a package does not state its licence.
 */
export function noticesOf(files: readonly string[], root: string): string {
  const directories = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []));
  const notices = [...directories].sort().map((directory) => noticeOf(join(root, directory)));
  // Most share the same text.
  const byText = Map.groupBy(notices, ({ text }) => text);
  const parts = [...byText].map(([text, sharing]) => {
    const names = new Set(sharing.map(({ name }) => name));
    return [[...names].join('\n'), text].join('\n\n').trim();
  });
  const line = `\n\n${'-'.repeat(80)}\n\n`;
  return `${['The bundled code contains code of these packages, under these licences.', ...parts].join(line)}\n`;
}

const manifestSchema = v.object({
  name: v.string(),
  version: v.string(),
  license: v.string(),
  author: v.optional(v.union([v.string(), v.object({ name: v.string() })]), 'its contributors'),
});

function noticeOf(directory: string): { name: string; text: string } {
  const json: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const { name, version, license, author } = v.parse(manifestSchema, json);
  const texts = readdirSync(directory)
    .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    .map((file) => readFileSync(join(directory, file), 'utf8').trim());
  const by = typeof author === 'string' ? author : author.name;
  return { name: `${name} ${version} (${license}), by ${by}`, text: texts.join('\n\n') };
}
