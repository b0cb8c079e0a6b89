import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';

const root = join(import.meta.dirname, '../..');

/**
 * Writes `index.d.cts`: what `infra/index.ts` exports, with its docstrings, in one file.
 *
 * @param directory where it goes.
 * @throws Error if a type is not fit to be read outside.
 */
export async function writeDeclarations(directory: string): Promise<void> {
  const declarations = mkdtempSync(join(directory, 'declarations-'));
  try {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    await promisify(execFile)(
      process.execPath,
      [tsc, '--project', 'tsconfig.build.json', '--outDir', declarations],
      { cwd: root },
    );
    rollUp(join(declarations, 'infra', 'index.d.ts'), join(directory, 'index.d.cts'));
  } finally {
    rmSync(declarations, { recursive: true });
  }
}

function rollUp(entryPoint: string, file: string): void {
  const config = ExtractorConfig.prepare({
    packageJsonFullPath: join(root, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: root,
      newlineKind: 'lf',
      mainEntryPointFilePath: entryPoint,
      compiler: {
        // It brings a TypeScript of its own, older than ours.
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2022',
            module: 'nodenext',
            lib: ['es2023'],
            types: ['node'],
            strict: true,
            skipLibCheck: true,
          },
          files: [entryPoint],
        },
      },
      dtsRollup: { enabled: true, untrimmedFilePath: file },
      messages: {
        // We have no alphas and betas.
        extractorMessageReporting: { 'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
  const { errorCount, warningCount } = Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      message.handled = message.logLevel === 'info' || message.logLevel === 'verbose';
    },
  });
  if (errorCount + warningCount > 0) throw new Error('The declarations have the faults above.');
}
