import type { IResolvable } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';

/** Where fine-tuning jobs are and what holds for them: of a deployment, or what differs in one of its projects. */
export interface FineTuningProject {
  /** Whose API it is. Name it if `openaiBaseUrl` is a token. @default what the host of `openaiBaseUrl` says */
  readonly provider?: 'openai' | 'azure' | 'bedrock' | 'bedrock-customization' | IResolvable | undefined;
  /**
   * Where the fine-tuning API is: https, or http on loopback. A project that names this or `provider` inherits no
   * credential.
   *
   * @default https://api.openai.com/v1
   */
  readonly openaiBaseUrl?: string | undefined;
  /** The id of a project at the provider's, sent as `OpenAI-Project`. */
  readonly openaiProject?: string | undefined;
  /** Where Bedrock's jobs run, if its host does not say so. @default the region of the function */
  readonly region?: string | undefined;
  /**
   * Name or full ARN of the secret with the key. A token must be a full ARN; where only a name is known, give `secret`.
   *
   * @default openai/api-key
   */
  readonly secretName?: string | undefined;
  /** The field with the key if the secret is a JSON object. @default apiKey */
  readonly secretField?: string | undefined;
  /** ARN of the secret's own KMS key. */
  readonly secretKmsKeyArn?: string | undefined;
  /** Budget of a job that names none, in minutes; 0 only with `dryRun`. @default 360 */
  readonly timeBudgetMinutes?: number | undefined;
  /**
   * How long a job may wait before its training starts, in minutes; `none` for no limit.
   *
   * @default the job's budget, or the project's if that is longer
   */
  readonly queueLimitMinutes?: number | 'none' | IResolvable | undefined;
  /** How far the frequent sweep looks back, in days; 0 looks at everything, as the daily one does. @default 30 */
  readonly lookbackDays?: number | undefined;
  /** A sweep that finds more overdue jobs than this in a project cancels none of them. @default 20 */
  readonly cancelLimit?: number | 'none' | IResolvable | undefined;
  /** Sweeps report, and cancel nothing. @default false */
  readonly dryRun?: boolean | IResolvable | undefined;
}

/** The settings of a deployment. What is left out, or `undefined`, has its default; a value that is not allowed throws. */
export interface FineTuningCurfewProps extends FineTuningProject {
  /**
   * Name of this deployment: of its function, alarms, dashboard and log group, and in its metrics and events.
   *
   * @default fine-tuning-curfew
   */
  readonly name?: string | undefined;
  /** The secret with the key, in place of `secretName`. The function may read it, and use its KMS key if it has one. */
  readonly secret?: ISecret | undefined;
  /** How often jobs are swept: 1 to 1440. It must be known at synth. @default 5 */
  readonly sweepEveryMinutes?: number | undefined;
  /** How long before its deadline a job is reported as near it, in minutes; 0 for never. @default 30 */
  readonly warnBeforeMinutes?: number | undefined;
  /**
   * Several projects in one deployment: what differs in each, by its name.
   *
   * @default one project, made of the other settings
   */
  readonly projects?: Readonly<Record<string, FineTuningProject>> | undefined;
  /** This address gets cancellations, warnings and alarms. */
  readonly notifyEmail?: string | undefined;
  /** This topic gets the same. Its policy, and that of its key, must let CloudWatch and EventBridge publish. */
  readonly notifyTopicArn?: string | undefined;
  /** This topic gets the same, in place of `notifyTopicArn`. A topic of the same app lets them publish by itself. */
  readonly topic?: ITopic | undefined;
  /** The bus that the events go to. @default the default bus of the account */
  readonly eventBus?: IEventBus | undefined;
  /** The function runs in this VPC, which must let it reach the provider and AWS. */
  readonly vpc?: IVpc | undefined;
  /** Where in the VPC. */
  readonly vpcSubnets?: SubnetSelection | undefined;
  /** With which security groups. */
  readonly securityGroups?: ISecurityGroup[] | undefined;
  /** False switches the sweeps off, and the alarm on missing ones. Everything else is there. @default true */
  readonly enabled?: boolean | undefined;
  /** `DEBUG`, `INFO`, `WARN` or `ERROR`. @default INFO */
  readonly logLevel?: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' | IResolvable | undefined;
  /** How long logs are kept: one of the numbers of days that CloudWatch allows. @default 90 */
  readonly logRetentionDays?: number | undefined;
  /** False leaves out the saved queries, which not every emulator of AWS can create. @default true */
  readonly savedQueries?: boolean | undefined;
}
