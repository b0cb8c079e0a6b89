import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A share of one CPU for processes that are started through it. */
export interface CpuLimit extends Disposable {
  /** A command that runs `command` within the limit. */
  within(command: string[]): [string, ...string[]];
  /** As a row of the table has it. */
  description: string;
}

/** As much of a CPU as Lambda gives with 512 MB. */
export const shareOfLambda = 1 / 3;

/** Lambda hands out CPU in periods of this length. */
const periodMicroseconds = 20_000;

/** Where Linux keeps its control groups, in the older and in the newer version. */
const groups = [
  { root: '/sys/fs/cgroup/cpu', probe: 'cpu.cfs_quota_us' },
  { root: '/sys/fs/cgroup', probe: 'cgroup.controllers' },
];

/**
 * A control group of Linux, on one CPU. If this machine does not let us make one (that takes root), processes run
 * without a limit, and the description says so.
 *
 * @param share of one CPU, 0 to 1.
 */
export function cpuLimit(share: number): CpuLimit {
  const group = groups.find(({ root, probe }) => existsSync(join(root, probe)));
  const directory = join(group?.root ?? '', `curfew-bench-${process.pid}`);
  const quota = Math.round(periodMicroseconds * share);
  const write = (file: string, text: string) => writeFileSync(join(directory, file), text);
  try {
    if (!group) throw new Error('This machine has no control groups.');
    mkdirSync(directory);
    if (existsSync(join(directory, 'cpu.max'))) {
      write('cpu.max', `${quota} ${periodMicroseconds}`);
    } else {
      write('cpu.cfs_period_us', String(periodMicroseconds));
      write('cpu.cfs_quota_us', String(quota));
    }
  } catch {
    if (existsSync(directory)) rmdirSync(directory);
    return {
      within: (command) => ['env', ...command],
      description: 'CPU not limited, for which this machine has no means',
      [Symbol.dispose]: () => {},
    };
  }
  const join_ = `echo $$ >${join(directory, 'cgroup.procs')} && exec taskset -c 1 "$0" "$@"`;
  return {
    within: (command) => ['sh', '-c', join_, ...command],
    description: `${Math.round(share * 100)} % of one CPU`,
    [Symbol.dispose]: () => rmdirSync(directory),
  };
}
