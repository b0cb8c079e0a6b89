import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Curfew, startCurfew } from '../../support/curfew.ts';
import { noAnswer } from '../../support/wire-faults.ts';

/** The projects at the provider's that were asked to list, in order. */
const listed = ({ openai }: Curfew) =>
  openai.calls.flatMap(({ endpoint, headers }) => (endpoint === 'list' ? headers['openai-project'] : []));

describe('a warm function goes on after the project that it began last', () => {
  const names = Array.from({ length: 300 }, (_, index) => `p${index}`);
  const projects = Object.fromEntries(names.map((name) => [name, { openaiProject: `proj_${name}` }]));

  test('and a cold one starts anywhere', async (t) => {
    t.mock.method(Math, 'random', () => 0.5);
    await using curfew = await startCurfew({ projects });
    await curfew.sweep();
    assert.equal(listed(curfew)[0], 'proj_p150');
    assert.equal(listed(curfew).length, 300);
    curfew.openai.calls.length = 0;
    await curfew.sweep();
    assert.equal(listed(curfew)[0], 'proj_p150', 'all were begun, so the round is over');
  });

  test('even if that sweep failed', async (t) => {
    t.mock.method(Math, 'random', () => 0);
    await using curfew = await startCurfew({ projects });
    curfew.openai.faultFor = () => noAnswer;
    await assert.rejects(curfew.sweep({}, { remainingMilliseconds: 10_000 }));
    const reached = new Set(listed(curfew));
    assert.ok(reached.size < 300, `${reached.size} reached`);
    // What was on its way when the time was up may still arrive.
    await sleep(500);
    curfew.openai.calls.length = 0;
    curfew.openai.faultFor = () => undefined;
    await curfew.sweep();
    assert.ok(!reached.has(listed(curfew)[0]), `${listed(curfew)[0]} was reached before`);
  });

  test('and a sweep of one project changes nothing of that', async (t) => {
    t.mock.method(Math, 'random', () => 0.5);
    await using curfew = await startCurfew({ projects });
    await curfew.sweep({ project: 'p7' });
    curfew.openai.calls.length = 0;
    await curfew.sweep();
    assert.equal(listed(curfew)[0], 'proj_p150');
  });
});

test('1,000 projects are swept at least 20 at a time, in less than 15 seconds of work and waiting', async () => {
  const names = Array.from({ length: 1000 }, (_, index) => [`project-${index}`, {}]);
  await using curfew = await startCurfew({ projects: Object.fromEntries(names) });
  let underWay = 0;
  let most = 0;
  curfew.openai.faultFor = () => async (answer) => {
    underWay += 1;
    most = Math.max(most, underWay);
    await sleep(50);
    underWay -= 1;
    return answer();
  };
  const before = process.cpuUsage();
  const { complete, projects } = await curfew.sweep();
  const { user, system } = process.cpuUsage(before);
  assert.deepEqual([complete, projects], [true, 1000]);
  assert.ok(most >= 20, `${most} at once`);
  // What a loaded machine adds is not ours; the benchmark measures by the clock.
  const milliseconds = (user + system) / 1000 + (1000 / most) * 50;
  assert.ok(milliseconds < 15_000, `${milliseconds} ms`);
});
