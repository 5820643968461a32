import { sleepUntilAborted } from './trigger.ts';
import type { InvocationOutcome, RetryContext, RetryOptions } from './rpc.ts';

export interface RetryRun {
  /** Runs the function once; the first attempt has no retry context, as in Azure. */
  attempt(retryContext: RetryContext | undefined): Promise<InvocationOutcome>;
  readonly policy: RetryOptions | undefined;
  /** Ends the waiting and allows no further attempt: the host stops, or the partition was lost. */
  readonly signal: AbortSignal;
  readonly random: () => number;
}

/**
 * Runs a function under its retry policy, in memory as Azure does: a restart counts from zero
 * again. The outcome is that of the last attempt; `interrupted` means that a further attempt was
 * due when `signal` aborted.
 */
export async function runWithRetries(run: RetryRun): Promise<{ outcome: InvocationOutcome; interrupted: boolean }> {
  const { policy } = run;
  for (let retryCount = 0, context: RetryContext | undefined; ;) {
    const outcome = await run.attempt(context);
    const wantsRetry =
      outcome.failed && policy !== undefined && (policy.maxRetryCount === -1 || retryCount < policy.maxRetryCount);
    if (!wantsRetry) return { outcome, interrupted: false };
    if (!(await sleepUntilAborted(retryDelayMs(policy, retryCount, run.random), run.signal)))
      return { outcome, interrupted: true };
    retryCount += 1;
    const { message, stack } = outcome.error;
    context = {
      retryCount,
      maxRetryCount: policy.maxRetryCount,
      exception: { message, source: '', stackTrace: stack },
    };
  }
}

/**
 * How long to wait after the attempt number `retryCount` (from 0) failed. Exponential: the minimum
 * first, then the minimum plus a delta that doubles, is spread by ±20 % and ends at the maximum.
 * Source: azure-webjobs-sdk RandomizedExponentialBackoffStrategy.
 */
export function retryDelayMs(policy: RetryOptions, retryCount: number, random: () => number): number {
  if (policy.retryStrategy === 'fixedDelay') return (policy.delayInterval?.seconds ?? 0) * 1000;
  const minimumMs = (policy.minimumInterval?.seconds ?? 0) * 1000;
  const maximumMs = (policy.maximumInterval?.seconds ?? 0) * 1000;
  if (retryCount === 0) return Math.min(minimumMs, maximumMs);
  const spread = 0.8 + 0.4 * random();
  return Math.min(minimumMs + spread * 2 ** (retryCount - 1) * minimumMs, maximumMs);
}
