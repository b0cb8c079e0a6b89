import type { Fault } from '../../../infra/local/providers/simulator.ts';
import type { ProjectOverrides } from '../../../lambda/settings.ts';
import {
  answers,
  drips,
  endless,
  noAnswer,
  noBody,
  refuses,
  reset,
  resetInBody,
  says,
} from '../../support/wire-faults.ts';

/** Every way in which a project of the bench fails: how its provider behaves, or what is wrong with its settings. */
const ways: readonly (Fault | ProjectOverrides)[] = [
  noAnswer,
  noBody,
  drips(),
  endless(),
  reset,
  resetInBody,
  answers(302, { location: 'http://127.0.0.1:1/' }),
  answers(401),
  answers(403),
  answers(404),
  answers(429),
  answers(429, { 'retry-after': '3600' }),
  refuses(429, { code: 'insufficient_quota' }),
  answers(500),
  answers(503, { 'retry-after': '3600' }),
  says('<html>Maintenance</html>'),
  says({ object: 'list' }),
  says({ object: 'list', data: [], has_more: true }),
  { secretName: 'openai/not-there' },
  { secretField: 'not-there' },
];

/** Which of the projects fail, spread evenly, and how. */
export function failingAmong(names: string[]): Map<string, Fault | ProjectOverrides> {
  const distance = Math.floor(names.length / ways.length);
  return new Map(ways.map((way, index) => [names[index * distance] ?? '', way]));
}
