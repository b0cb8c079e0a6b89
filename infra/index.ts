/** What other CDK apps use: the construct, and the types for callers of the function. */
export type * from '../lambda/contract.ts';
export type { MetricName } from '../lambda/names.ts';
export { FineTuningCurfew } from './fine-tuning-curfew.ts';
export type { FineTuningCurfewProps, FineTuningProject } from './props.ts';
