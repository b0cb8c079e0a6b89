import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Environment, run } from '../../infra/local/aws/processes.ts';
import { projectDirectory } from '../../infra/local/aws/workspace.ts';
import { npmInstall } from './npm.ts';
import { released } from './released.ts';

export interface StockAppProps {
  /** Where to create it. `cdk init` names everything after this directory: a stack in `my-app` is `MyAppStack`. */
  directory: string;
  environment: Environment;
  /** Packages to pin to other versions than the latest, as `name@version`. */
  packages?: string[];
  /** Overrides of the stock TypeScript compiler options. */
  compilerOptions?: object;
  /** The command that runs it, if not the stock one. */
  command?: string;
  /** The props of the construct, as source. */
  props: string;
}

/** What `cdk init app --language typescript` creates, with our package installed and two more lines in its stack. */
export async function makeStockApp(app: StockAppProps): Promise<void> {
  const { directory, environment, packages = [], compilerOptions = {}, command } = app;
  mkdirSync(directory);
  const cdk = join(projectDirectory, 'node_modules', '.bin', 'cdk');
  await run(cdk, ['init', 'app', '--language', 'typescript', '--generate-only'], environment, directory);
  change(join(directory, 'tsconfig.json'), (text) => {
    const json = JSON.parse(text);
    return JSON.stringify({ ...json, compilerOptions: { ...json.compilerOptions, ...compilerOptions } });
  });
  if (command) change(join(directory, 'cdk.json'), (text) => JSON.stringify({ ...JSON.parse(text), app: command }));
  await npmInstall([released.tarball, ...packages], environment, directory);
  change(join(directory, 'lib', `${basename(directory)}-stack.ts`), (text) =>
    text
      .replace('\n\nexport', "\nimport { FineTuningCurfew } from 'fine-tuning-curfew';\n\nexport")
      .replace('super(scope, id, props);', `$&\n    new FineTuningCurfew(this, 'Curfew', ${app.props});`),
  );
}

function change(file: string, update: (text: string) => string): void {
  writeFileSync(file, update(readFileSync(file, 'utf8')));
}
