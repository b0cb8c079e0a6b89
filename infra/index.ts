/** The API for other CDK apps: the construct, and types for callers of the function. */
export type * from '../lambda/contract.ts';
export type { MetricName } from '../lambda/names.ts';
export { FineTuningCurfew } from './fine-tuning-curfew.ts';
export type { FineTuningCurfewProps, FineTuningProject } from './props.ts';
