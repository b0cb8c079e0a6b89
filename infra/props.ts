import type { IResolvable } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';

/** Where fine-tuning jobs run and which rules apply: settings of a deployment, or overrides of one of its projects. */
export interface FineTuningProject {
  /** The provider. Set it if `openaiBaseUrl` is a token. @default derived from the host of `openaiBaseUrl` */
  readonly provider?: 'openai' | 'azure' | 'bedrock' | 'bedrock-customization' | IResolvable | undefined;
  /**
   * The URL of the fine-tuning API: https, or http on loopback. A project that sets this or `provider` inherits no
   * credential.
   *
   * @default https://api.openai.com/v1
   */
  readonly openaiBaseUrl?: string | undefined;
  /** The id of a project at the provider, sent as `OpenAI-Project`. */
  readonly openaiProject?: string | undefined;
  /** Where Bedrock's jobs run, unless the host names the region. @default the region of the function */
  readonly region?: string | undefined;
  /**
   * Name or full ARN of the secret with the key. A token must be a full ARN; if only its name is known, use `secret`.
   *
   * @default openai/api-key
   */
  readonly secretName?: string | undefined;
  /** The field with the key if the secret is a JSON object. @default apiKey */
  readonly secretField?: string | undefined;
  /** ARN of the secret's own KMS key. */
  readonly secretKmsKeyArn?: string | undefined;
  /** Budget of a job without its own, in minutes; 0 only with `dryRun`. @default 360 */
  readonly timeBudgetMinutes?: number | undefined;
  /**
   * How long a job may wait before its training starts, in minutes; `none` for no limit.
   *
   * @default the job's budget, or the project's if that is longer
   */
  readonly queueLimitMinutes?: number | 'none' | IResolvable | undefined;
  /** How far the frequent sweep looks back, in days; 0 means everything, as in the daily sweep. @default 30 */
  readonly lookbackDays?: number | undefined;
  /** A sweep that finds more overdue jobs than this in a project cancels none of them. @default 20 */
  readonly cancelLimit?: number | 'none' | IResolvable | undefined;
  /** Sweeps only report. @default false */
  readonly dryRun?: boolean | IResolvable | undefined;
}

/** The settings of a deployment. Omitted or undefined props have their defaults; invalid values throw. */
export interface FineTuningCurfewProps extends FineTuningProject {
  /**
   * Name of this deployment: in its function, alarms, dashboard, log group, metrics and events.
   *
   * @default fine-tuning-curfew
   */
  readonly name?: string | undefined;
  /** The secret with the key, in place of `secretName`. The function may read it and use its KMS key, if any. */
  readonly secret?: ISecret | undefined;
  /** How often jobs are swept: 1 to 1440. It must be known at synth. @default 5 */
  readonly sweepEveryMinutes?: number | undefined;
  /** How long before its deadline a job is warned about, in minutes; 0 for never. @default 30 */
  readonly warnBeforeMinutes?: number | undefined;
  /**
   * Several projects in one deployment: their overrides, by name.
   *
   * @default one project, made of the other settings
   */
  readonly projects?: Readonly<Record<string, FineTuningProject>> | undefined;
  /** This address gets cancellations, warnings and alarms. */
  readonly notifyEmail?: string | undefined;
  /** This topic gets the same. Its policy, and that of its key, must let CloudWatch and EventBridge publish. */
  readonly notifyTopicArn?: string | undefined;
  /** This topic gets the same, in place of `notifyTopicArn`. A topic of the same app gets the permissions by itself. */
  readonly topic?: ITopic | undefined;
  /** The bus for the events. @default the default bus of the account */
  readonly eventBus?: IEventBus | undefined;
  /** The function runs in this VPC, which must let it reach the provider and AWS. */
  readonly vpc?: IVpc | undefined;
  /** Where in the VPC. */
  readonly vpcSubnets?: SubnetSelection | undefined;
  /** With which security groups. */
  readonly securityGroups?: ISecurityGroup[] | undefined;
  /** False turns off the sweeps, and the alarm on missing ones, but nothing else. @default true */
  readonly enabled?: boolean | undefined;
  /** `DEBUG`, `INFO`, `WARN` or `ERROR`. @default INFO */
  readonly logLevel?: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' | IResolvable | undefined;
  /** How long logs are kept, in days: a number that CloudWatch allows. @default 90 */
  readonly logRetentionDays?: number | undefined;
  /** False leaves out the saved queries, which some AWS emulators cannot create. @default true */
  readonly savedQueries?: boolean | undefined;
}
