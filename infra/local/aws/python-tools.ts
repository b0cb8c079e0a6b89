import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lock } from 'proper-lockfile';
import { run } from './processes.ts';
import { cacheDirectory } from './workspace.ts';

/** The emulator cannot be installed on this machine. The message is one line and says what would help. */
export class EmulatorUnavailableError extends Error {
  override readonly name = 'EmulatorUnavailableError';
}

const requirementsFile = fileURLToPath(new URL('requirements.txt', import.meta.url));
const pythons = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];

/** Test files run in parallel. The first installs the tools, and the others wait: ten minutes are enough for that. */
const lockOptions = {
  lockfilePath: join(cacheDirectory, 'python.lock'),
  stale: 60_000,
  retries: { retries: 1_200, minTimeout: 500, maxTimeout: 500 },
};

/**
 * Installs the AWS emulator, the AWS CLI and cfn-lint, pinned, into a virtual environment below the cache, unless they
 * are there. Safe to call from several processes at once.
 *
 * @returns the path of each program.
 * @throws EmulatorUnavailableError if there is no Python 3.10 or newer, or no package index.
 */
export async function installPythonTools(): Promise<Record<'ministack' | 'aws' | 'cfnLint', string>> {
  const directory = join(cacheDirectory, 'python');
  const stamp = join(directory, 'installed-requirements.txt');
  const requirements = readFileSync(requirementsFile, 'utf8');
  const isInstalled = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === requirements;
  if (!isInstalled()) {
    mkdirSync(cacheDirectory, { recursive: true });
    const release = await lock(cacheDirectory, lockOptions);
    try {
      if (!isInstalled()) await installInto(directory);
      writeFileSync(stamp, requirements);
    } finally {
      await release();
    }
  }
  const tool = (name: string) => join(directory, 'bin', name);
  return { ministack: tool('ministack'), aws: tool('aws'), cfnLint: tool('cfn-lint') };
}

async function installInto(directory: string): Promise<void> {
  const python = await findPython();
  rmSync(directory, { recursive: true, force: true });
  // Otherwise pip would write to the home directory, and so would rustup, which pip runs to get Rust's version.
  const environment = {
    ...process.env,
    PIP_CACHE_DIR: join(cacheDirectory, 'pip'),
    RUSTUP_HOME: join(cacheDirectory, 'rustup'),
  };
  const install = ['install', '--quiet', '--disable-pip-version-check', '--requirement', requirementsFile];
  try {
    await run(python, ['-m', 'venv', directory], environment);
    await run(join(directory, 'bin', 'python'), ['-m', 'pip', ...install], environment);
  } catch (error) {
    throw new EmulatorUnavailableError(
      'No AWS emulator: its packages cannot be installed. Check that Python has venv and pip, and reaches PyPI.',
      { cause: error },
    );
  }
}

async function findPython(): Promise<string> {
  const check = ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))'];
  for (const python of pythons) {
    const isNewEnough = await run(python, check, process.env).catch(() => undefined);
    if (isNewEnough !== undefined) return python;
  }
  throw new EmulatorUnavailableError(
    'No AWS emulator: it needs Python 3.10 or newer, and none is on the PATH. Install Python to get it.',
  );
}
