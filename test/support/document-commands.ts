import { readFileSync } from 'node:fs';

/**
 * Returns the shell commands below a heading of a document, up to the next heading, as one script.
 *
 * @param file from the root of the project, as in `docs/operations.md`.
 * @throws Error if the document has no such heading, or no commands below it.
 */
export function documentCommands(file: string, heading: string): string {
  const document = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  const section = document.split(/^##+ /m).find((text) => text.startsWith(`${heading}\n`));
  // Commands in a list are indented.
  const commands = [...(section ?? '').matchAll(/^( *)```sh\n(.*?)^\1```$/gms)].map(([, , script]) => script);
  if (commands.length === 0) throw new Error(`${file} has no commands below a heading "${heading}".`);
  return commands.join('');
}
