import type { Bundle } from '../bundles.ts';
import { apiKey } from './api-key.ts';
import { functionEnvironment } from './function-environment.ts';
import { type FunctionUnderTest, startFunction } from './function-under-test.ts';
import { type AccountOptions, type SimulatedAccount, startAccount } from './simulated-account.ts';
import { startAws } from './simulated-aws.ts';

/** A function and the one account that it looks after, each in a process of its own, and AWS in a third. */
export interface AccountAndFunction extends AsyncDisposable {
  account: SimulatedAccount;
  curfew: FunctionUnderTest;
}

/** Starts them. */
export async function startAccountAndFunction(
  bundle: Bundle,
  options: AccountOptions,
): Promise<AccountAndFunction> {
  await using starting = new AsyncDisposableStack();
  const account = starting.use(await startAccount(options));
  const aws = starting.use(await startAws({ secret: { SecretString: apiKey } }));
  const environment = functionEnvironment({ openaiBaseUrl: account.baseUrl });
  const curfew = starting.use(await startFunction({ bundle: bundle.file, environment, awsUrl: aws.url }));
  const running = starting.move();
  return { account, curfew, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
