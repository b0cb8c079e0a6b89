/** Every context that the tests synthesise, so that cfn-lint can check each. Values are text, as after `-c`. */
export const contexts = {
  defaults: {},
  everySetting: {
    name: 'research',
    secretName: 'team/research',
    secretField: 'key',
    secretKmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/0aa0-1bb1',
    timeBudgetMinutes: '90',
    queueLimitMinutes: '600',
    sweepEveryMinutes: '1',
    lookbackDays: '7',
    cancelLimit: 'none',
    warnBeforeMinutes: '0',
    openaiBaseUrl: 'https://team.openai.azure.com/openai/v1',
    provider: 'azure',
    openaiProject: 'proj_1',
    region: 'eu-west-1',
    dryRun: 'true',
    notifyEmail: 'ml@example.com',
    notifyTopicArn: 'arn:aws:sns:us-east-1:111122223333:alerts',
    logLevel: 'DEBUG',
    logRetentionDays: '30',
  },
  mail: { notifyEmail: 'ml@example.com', sweepEveryMinutes: '10' },
  topicByArn: { notifyTopicArn: 'arn:aws:sns:us-east-1:111122223333:alerts' },
  dailySweeps: { sweepEveryMinutes: '1440' },
  disabled: { enabled: 'false', notifyEmail: 'ml@example.com' },
  bedrock: { provider: 'bedrock' },
  projects: {
    projects: JSON.stringify({
      research: { timeBudgetMinutes: 90 },
      production: { secretName: 'openai/production', cancelLimit: 'none', dryRun: true },
      azure: {
        openaiBaseUrl: 'https://team.openai.azure.com/openai/v1',
        secretName: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:azure-AbCdEf',
        secretKmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/0aa0-1bb1',
      },
      here: { provider: 'bedrock' },
      customization: { provider: 'bedrock-customization', region: 'us-west-2', queueLimitMinutes: 600 },
      oregon: { openaiBaseUrl: 'https://bedrock-mantle.us-west-2.api.aws/v1', openaiProject: 'proj_1' },
    }),
  },
} satisfies Record<string, Record<string, string>>;

export type ContextName = keyof typeof contexts;

const isContextName = (name: string): name is ContextName => name in contexts;
export const contextNames = Object.keys(contexts).filter(isContextName);
