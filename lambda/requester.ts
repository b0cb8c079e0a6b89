import type { CancelRequest, SweepRequest } from './request.ts';
import type { Settings } from './settings.ts';

/**
 * Who asked, as far as a request tells: our rules; an event, a queue or a topic by its envelope; or a direct call, which
 * is an operator's or another program's.
 */
export type Requester = 'rule' | 'direct' | 'eventbridge' | 'sqs' | 'sns';

/** A bare request is the rules' own where it says in full what they say, and else a direct call. */
export function requesterOf(request: CancelRequest | SweepRequest, settings: Settings): Requester {
  if (!('sweep' in request)) return 'direct';
  const { timeBudgetMinutes, dryRun, lookbackDays } = request.sweep;
  const isOurRules =
    timeBudgetMinutes === settings.timeBudgetMinutes &&
    dryRun === settings.dryRun &&
    (lookbackDays === settings.lookbackDays || lookbackDays === 0);
  return isOurRules ? 'rule' : 'direct';
}
