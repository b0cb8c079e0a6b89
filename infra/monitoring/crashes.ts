import { FilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { metricsNamespace } from '../../lambda/names.ts';

/**
 * What Lambda itself writes into the log of a function that ran out of time or memory, or crashed, as a regular
 * expression. The capital tells its errors from lines of a stack trace, such as `Runtime.handleOnce`.
 */
export const crashPattern = 'Task timed out|Runtime exited|Runtime\\.[A-Z]|signal: killed';

/** The same without regular expressions, whose syntax in metric filters has no blanks. */
const crashTerms = [
  'Task timed out',
  'Runtime exited',
  'signal: killed',
  ...[
    'ExitError',
    'OutOfMemory',
    'UnhandledPromiseRejection',
    'ImportModuleError',
    'UserCodeSyntaxError',
    'HandlerNotFound',
    'MalformedHandlerName',
    'JSONStringifyError',
    'NativeClientLoading',
    'PlatformError',
    'Unknown',
  ].map((error) => `Runtime.${error}`),
];

export interface CrashFilterProps {
  /** Of the deployment. It is in the name of the metric, since a filter cannot set a constant dimension. */
  deployment: string;
  logGroup: ILogGroup;
}

/** Counts time-outs and crashes, which end the function before it can count anything itself. */
export class CrashFilter extends MetricFilter {
  constructor(scope: Construct, id: string, { deployment, logGroup }: CrashFilterProps) {
    super(scope, id, {
      logGroup,
      filterPattern: FilterPattern.anyTerm(...crashTerms),
      metricNamespace: metricsNamespace,
      metricName: `${deployment}-Crashes`,
    });
  }
}
