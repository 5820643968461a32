import type { Delivery } from '@activation-hub/destination-kit';
import { backoffMs, type Backoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { DeliveryResult } from './delivery-result.ts';

/**
 * How often a batch is sent while its caller waits, by the class of what went wrong; 1 is the first
 * time.
 */
const attemptsByClass: Readonly<Record<string, number>> = { transient: 3, throttled: 3, 'set-up': 1, fatal: 1 };

/**
 * Short waits: a batch that needs longer ones goes to the retry queue, where it holds up no caller.
 */
const backoff: Backoff = { baseMs: 200, maxMs: 2_000 };

/**
 * Sends deliveries, and again those that ask for it, while their class has attempts left and the
 * next one would come by `notAfterMs`. A delivery without any answer is not sent again here: it may
 * still be under way.
 */
export async function retryAttempts(
  deliveries: readonly Delivery[],
  send: (deliveries: readonly Delivery[]) => Promise<ReadonlyMap<string, DeliveryResult>>,
  limits: { readonly clock: Clock; readonly notAfterMs: number; readonly signal: AbortSignal },
): Promise<ReadonlyMap<string, DeliveryResult>> {
  const { clock, signal } = limits;
  let results: ReadonlyMap<string, DeliveryResult> = new Map();
  let open = deliveries;
  for (let attempts = 1; open.length > 0; attempts += 1) {
    const latest = await send(open);
    results = attempts === 1 ? latest : afterAll(results, latest);

    let dueAtMs = clock.now() + backoffMs(backoff, attempts, clock.random);
    open = open.filter(({ change }) => {
      const result = latest.get(change.id);
      if (result?.status !== 'retry' || result.doubt === 'unanswered' || !result.wasTried) return false;
      if (attempts >= (attemptsByClass[result.class] ?? 1) || (result.notBeforeMs ?? 0) > limits.notAfterMs)
        return false;
      dueAtMs = Math.max(dueAtMs, result.notBeforeMs ?? 0);
      return true;
    });
    if (open.length === 0 || dueAtMs > limits.notAfterMs) break;
    await clock.sleep(dueAtMs - clock.now(), signal);
    if (signal.aborted) break;
  }
  return results;
}

/** The results of all attempts, after another one. */
function afterAll(
  earlier: ReadonlyMap<string, DeliveryResult>,
  latest: ReadonlyMap<string, DeliveryResult>,
): ReadonlyMap<string, DeliveryResult> {
  const results = new Map(earlier);
  for (const [id, result] of latest) results.set(id, afterBoth(earlier.get(id), result));
  return results;
}

/**
 * A later attempt that was not sent, that certainly failed or that was refused does not undo the
 * doubt that an earlier one left.
 */
function afterBoth(earlier: DeliveryResult | undefined, later: DeliveryResult): DeliveryResult {
  if (earlier?.status !== 'retry' || later.status === 'delivered' || later.status === 'not-found') return later;
  const doubt = later.doubt ?? earlier.doubt;
  const both = { ...later, ...(doubt === undefined ? {} : { doubt }) };
  return both.status === 'rejected' ? both : { ...both, wasTried: earlier.wasTried || both.wasTried };
}
