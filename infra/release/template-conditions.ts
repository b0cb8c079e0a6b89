import { Duration } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { defaultBaseUrl } from '../../lambda/settings.ts';
import { periodBetweenSweeps } from '../monitoring/alarms.ts';
import { and, condition, equals, not, or, ref } from './intrinsics.ts';
import type { JsonObject } from './json.ts';
import { sweepsEveryMinutes } from './template-parameters.ts';

const isGiven = (parameter: string) => not(equals(ref(parameter), ''));

/** What resources and properties depend on. In conditions, not every text function works everywhere. */
export const conditions: JsonObject = {
  IsEnabled: equals(ref('Enabled'), 'true'),
  HasEmail: isGiven('NotifyEmail'),
  HasTopicArn: isGiven('NotifyTopicArn'),
  HasTopic: or(condition('HasEmail'), condition('HasTopicArn')),
  HasProvider: isGiven('Provider'),
  HasProject: isGiven('OpenaiProject'),
  // Conditions cannot parse a URL, so Bedrock is chosen by Provider and its host is not allowed in OpenaiBaseUrl.
  IsBedrock: equals(ref('Provider'), 'bedrock'),
  NeedsSecret: not(condition('IsBedrock')),
  NeedsKmsKey: and(condition('NeedsSecret'), isGiven('SecretKmsKeyArn')),
};

/** What no deployment must have, refused before it begins. */
export const rules: JsonObject = {
  TimeBudget: {
    RuleCondition: equals(ref('TimeBudgetMinutes'), '0'),
    Assertions: [
      {
        Assert: equals(ref('DryRun'), 'true'),
        AssertDescription:
          'TimeBudgetMinutes 0 would cancel every job at once: allowed only with DryRun true. To stop everything now, send {"stopAll": {}}',
      },
    ],
  },
  AzureHost: {
    RuleCondition: equals(ref('Provider'), 'azure'),
    Assertions: [
      {
        Assert: not(equals(ref('OpenaiBaseUrl'), defaultBaseUrl)),
        AssertDescription: 'OpenaiBaseUrl must be that of your Azure resource for Provider azure',
      },
    ],
  },
  BedrockHost: {
    RuleCondition: equals(ref('Provider'), 'bedrock'),
    Assertions: [
      {
        Assert: equals(ref('OpenaiBaseUrl'), defaultBaseUrl),
        AssertDescription:
          'Leave OpenaiBaseUrl as it is for Provider bedrock: it is Bedrock in the region of this stack. For another region, deploy the stack there',
      },
    ],
  },
};

/** What follows from each interval between sweeps. */
export const sweepTable: JsonObject = Object.fromEntries(
  sweepsEveryMinutes.map((minutes) => [
    String(minutes),
    {
      Expression: Schedule.rate(Duration.minutes(minutes)).expressionString,
      Seconds: minutes * 60,
      AlarmSeconds: periodBetweenSweeps(minutes) * 60,
    },
  ]),
);
