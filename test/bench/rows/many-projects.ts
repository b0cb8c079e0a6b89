import type { Fault } from '../../../infra/local/providers/simulator.ts';
import type { SweepAnswer } from '../../../lambda/contract.ts';
import type { ProjectOverrides } from '../../../lambda/settings.ts';
import * as faults from '../../support/wire-faults.ts';
import type { Bundles } from '../bundles.ts';
import { startFunction } from '../function.ts';
import { startSystem } from '../system.ts';
import { inTurn, median, megabytes, Row, seconds } from '../table.ts';
import { jobsOf } from './month.ts';

/** Every way in which a project fails here: its provider's behaviour, or what is wrong with its settings. */
const failures: (Fault | ProjectOverrides)[] = [
  faults.noAnswer,
  faults.noBody,
  faults.drips(),
  faults.endless(),
  faults.reset,
  faults.resetInBody,
  faults.answers(302, { location: 'http://127.0.0.1:1/' }),
  faults.answers(401),
  faults.answers(403),
  faults.answers(404),
  faults.answers(429),
  faults.answers(429, { 'retry-after': '3600' }),
  faults.refuses(429, { code: 'insufficient_quota' }),
  faults.answers(500),
  faults.answers(503, { 'retry-after': '3600' }),
  faults.says('<html>Maintenance</html>'),
  faults.says({ object: 'list' }),
  faults.says({ object: 'list', data: [], has_more: true }),
  { secretName: 'openai/not-there' },
  { secretField: 'not-there' },
];

const healthy = 1_000 - failures.length;
/** One page each, forty at once: as many as the function swept when the goal was set, whatever it does now. */
const floorMs = (healthy / 40) * 50;
/** A hanging project uses all the time there is, so we allow little. */
const remainingMs = 20_000;

/** A sweep of many projects, some of which fail: how long the healthy ones wait for their turn. */
export async function manyProjects({ ours }: Bundles): Promise<void> {
  await using system = await startSystem({ projects: 1_000, failures, awsMs: 20 });
  await using curfew = await startFunction(ours, system.environment);
  const row = new Row();
  let peak = 0;
  const [durations = []] = await inTurn(3, [curfew], async ({ invoke }) => {
    system.begin(jobsOf, { answerMs: 50 });
    const startedAt = performance.now();
    const { answers, peakBytes } = await invoke([{ sweep: {} }], remainingMs);
    const [answer] = answers as [SweepAnswer];
    const { lastAnswerAt, calls } = system.tally();
    row.check('calls about healthy projects', calls, healthy);
    row.check('healthy projects that were swept', answer.projects ?? 0, healthy);
    row.check('projects that failed', answer.failedProjects?.length ?? 0, failures.length);
    peak = peakBytes;
    return lastAnswerAt - startedAt;
  });
  const durationMs = median(durations);
  const texts = [`${seconds(durationMs)}, ${megabytes(peak)}`, seconds(floorMs)];
  row.print('sweep of 1,000 projects, 20 failing', [durationMs, floorMs], seconds, ['≤', 1.5], texts);
}
