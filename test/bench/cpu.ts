import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** As much of a CPU as Lambda gives with 512 MB. */
export const lambdaShare = 1 / 3;
/** Lambda hands out CPU in periods of this length. */
const periodMicroseconds = 20_000;

/** One CPU, or a share of it, for processes that are started through it. */
export interface Cpu extends Disposable {
  /** Returns a command that runs another within the limit. */
  within(command: string[]): string[];
  /** Changes the share, 0 to 1, also for processes that run already. */
  setShare(share: number): void;
  description: string;
}

/**
 * Limits a third of one CPU with a control group of Linux, version 1 or 2. If this machine does not let us make one (that
 * takes root), processes run without a limit, and the description says so.
 */
export function limitCpu(): Cpu {
  const isFirstVersion = existsSync('/sys/fs/cgroup/cpu/cpu.cfs_quota_us');
  const directory = join(isFirstVersion ? '/sys/fs/cgroup/cpu' : '/sys/fs/cgroup', `curfew-bench-${process.pid}`);
  const write = (file: string, value: number | string) => writeFileSync(join(directory, file), String(value));
  const setShare = (share: number) => {
    const quota = Math.round(periodMicroseconds * share);
    if (!isFirstVersion) return write('cpu.max', `${quota} ${periodMicroseconds}`);
    write('cpu.cfs_period_us', periodMicroseconds);
    write('cpu.cfs_quota_us', quota);
  };
  try {
    mkdirSync(directory);
    setShare(lambdaShare);
  } catch {
    if (existsSync(directory)) rmdirSync(directory);
    return {
      within: (command) => command,
      setShare: () => {},
      description: 'CPU not limited, for which this machine has no means',
      [Symbol.dispose]: () => {},
    };
  }
  const joinAndRun = `echo $$ >${join(directory, 'cgroup.procs')} && exec taskset -c ${availableParallelism() - 1} "$0" "$@"`;
  return {
    within: (command) => ['sh', '-c', joinAndRun, ...command],
    setShare,
    description: 'a third of one CPU',
    [Symbol.dispose]: () => rmdirSync(directory),
  };
}
