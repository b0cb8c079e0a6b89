/** What other CDK apps use: the construct, and the types for callers of the function. */
export type * from '../lambda/contract.ts';
export { FineTuningCurfew, type FineTuningCurfewProps } from './fine-tuning-curfew.ts';
