import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { aws, bootstrap, cdk } from '../../infra/local/aws/commands.ts';
import { accountOrSkip } from './account.ts';
import { formerTemplate, released } from './released.ts';
import { deployTemplate, physicalIds } from './stack.ts';

const { account, skip } = await accountOrSkip(['ftjob-1']);
after(() => account?.[Symbol.asyncDispose]());

const notifyEmail = 'ops@example.com';

/** Resources with a name or data, which somebody would miss. */
const kept = [
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::DynamoDB::Table',
  'AWS::IAM::Role',
  'AWS::KMS::Key',
  'AWS::Lambda::Function',
  'AWS::Logs::LogGroup',
  'AWS::SNS::Subscription',
  'AWS::SNS::Topic',
  'AWS::SQS::Queue',
];

describe('an upgrade replaces nothing that has a name or holds data', { skip }, () => {
  if (!account) return;
  const { emulator, openai } = account;

  /** The physical ids of what an upgrade must keep. */
  const keptOf = async (stackName: string, version: string) => {
    const ids = await physicalIds(emulator, stackName);
    const resources = Object.entries(formerTemplate(version).Resources);
    return Object.fromEntries(resources.filter(([, { Type }]) => kept.includes(Type)).map(([id]) => [id, ids[id]]));
  };
  const former = (version: string) => {
    const file = join(emulator.runDirectory, `${version}.json`);
    writeFileSync(file, JSON.stringify(formerTemplate(version)));
    return file;
  };

  test('from 0.1.0, by cdk deploy', async () => {
    await bootstrap(emulator);
    const stackName = 'FineTuningCurfew';
    await deployTemplate(emulator, { stackName, template: former('0.1.0') });
    const before = await keptOf(stackName, '0.1.0');
    assert.ok(Object.keys(before).length > 10);
    await cdk(emulator, ['deploy', '--require-approval', 'never'], { notifyEmail });
    assert.deepEqual(await keptOf(stackName, '0.1.0'), before);
  });

  test('from 1.0.0, by the template; an extension survives', async () => {
    const stackName = 'Template';
    const parameters = { Name: 'template', OpenaiBaseUrl: openai.baseUrl, NotifyEmail: notifyEmail };
    await deployTemplate(emulator, { stackName, template: former('1.0.0'), parameters });
    const before = await keptOf(stackName, '1.0.0');
    assert.ok(Object.keys(before).length > 15);
    const extendedUntil = Math.floor(Date.now() / 1000) + 86_400;
    const [table = ''] = Object.entries(before).flatMap(([id, physicalId]) =>
      id.includes('State') ? [physicalId] : [],
    );
    const row = {
      jobId: { S: 'ftjob-1' },
      extendedUntil: { N: `${extendedUntil}` },
      expiresAt: { N: `${extendedUntil}` },
    };
    await aws(emulator, 'dynamodb', 'put-item', '--table-name', table, '--item', JSON.stringify(row));

    const { invoke } = await deployTemplate(emulator, { stackName, template: released.template, parameters });
    assert.deepEqual(await keptOf(stackName, '1.0.0'), before);
    const { payload } = await invoke({ list: {} });
    const { jobs } = payload as { jobs: { deadline: string; budgetFrom: string }[] };
    assert.deepEqual(
      jobs.map(({ deadline, budgetFrom }) => [Date.parse(deadline) / 1000, budgetFrom]),
      [[extendedUntil, 'extension']],
    );
  });
});
