import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** The share of a CPU that Lambda gives with 512 MB. */
export const lambdaShare = 1 / 3;
/** Lambda allots CPU in periods of this length. */
const periodMicroseconds = 20_000;

export type Cpu = ReturnType<typeof limitCpu>;

/** Limits processes to a share of one CPU with a Linux control group, version 1 or 2. This needs root. */
export function limitCpu() {
  const isFirstVersion = existsSync('/sys/fs/cgroup/cpu/cpu.cfs_quota_us');
  const directory = join(isFirstVersion ? '/sys/fs/cgroup/cpu' : '/sys/fs/cgroup', `curfew-bench-${process.pid}`);
  const write = (file: string, value: number | string) => writeFileSync(join(directory, file), String(value));
  /** Changes the share, 0 to 1, also for running processes. */
  const setShare = (share: number) => {
    const quota = Math.round(periodMicroseconds * share);
    if (!isFirstVersion) return write('cpu.max', `${quota} ${periodMicroseconds}`);
    write('cpu.cfs_period_us', periodMicroseconds);
    write('cpu.cfs_quota_us', quota);
  };
  mkdirSync(directory);
  setShare(lambdaShare);
  const joinAndRun = `echo $$ >${join(directory, 'cgroup.procs')} && exec taskset -c ${availableParallelism() - 1} "$0" "$@"`;
  return {
    setShare,
    /** Returns a command that runs another within the limit. */
    within: (command: string[]) => ['sh', '-c', joinAndRun, ...command],
    [Symbol.dispose]: () => rmdirSync(directory),
  };
}
