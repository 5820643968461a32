import { readRetryMessage, withTimeLimit, type RetryPointer, type Target } from '@activation-hub/delivery';
import { activate } from './activate.ts';
import { dueAgainAtMs, retryWaitMaxMs } from './defer-changes.ts';
import { isTooOld } from './judge-results.ts';
import type { ActivationContext } from './activation-context.ts';
import { presentKey } from './stored-names.ts';
import { retryWork } from './work.ts';

/**
 * How long a message is put back while this process works on the same retry, in milliseconds: as
 * long as the host waits before it gives a message of failed work again.
 */
const inWorkAgainMs = 30_000;

/**
 * The way of a retry whose message is due: the journey again, for what it left open. While the
 * circuit of its destination is open, the message is put back unread, before anything of the
 * retry is leased: in an outage that is the way of most retries. One that is old enough to be given
 * up is not put back, unless its destination is paused. A message that was woken says that another
 * process has reached the destination: the circuit is soon half-open then, or at once.
 *
 * A retry that was woken has two messages, which may come at the same time. While this process
 * works on a retry, another message of it is put back. A message of a destination whose retries
 * take their share of this process already is given back, unread too.
 *
 * The clock of the process that put a retry may be wrong. One that is due later than any can be is
 * worked on when its message comes, and one that was deferred in the future counts as deferred now.
 * Throws what `activate` throws, and `RetryMessageError` for a message of another origin.
 */
export async function activateRetry(message: string, context: ActivationContext): Promise<void> {
  const { retryQueue, retriesInWork, timing, clock } = context;
  const pointer = notFromFuture(readRetryMessage(message), clock.now());
  await context.controls?.follow(context);
  const putBack = (untilMs: number): Promise<void> =>
    withTimeLimit(timing.settleByMs, (signal) => retryQueue.postpone(pointer, untilMs, signal));
  const giveBack = (untilMs: number): Promise<void> =>
    withTimeLimit(timing.settleByMs, (signal) => retryQueue.giveBack(pointer, untilMs, signal));
  const open = circuitOf(pointer, context);
  if (open?.probeOf !== undefined) {
    try {
      await giveBack(open.untilMs);
      return;
    } catch (error) {
      open.probeOf.returnProbe();
      throw error;
    }
  }
  if (open !== undefined) return putBack(open.untilMs);

  const { id } = pointer;
  for (let other = retriesInWork.found(id); other !== undefined; other = retriesInWork.found(id)) {
    const found = await other.catch(() => undefined); // The other call throws it.
    // A message that comes too early finds no retry, and leaves the work to this one.
    if (found !== undefined) return putBack(clock.now() + inWorkAgainMs);
  }
  const destination = presentKey(pointer.destination, context.matcher);
  if (!retriesInWork.mayBegin(destination)) return giveBack(retriesInWork.againAtMs(clock.now()));
  // Between the last look and this nothing is awaited.
  const waitMaxMs = retryWaitMaxMs(context.targets.get(destination));
  const reading = withTimeLimit(timing.settleByMs, (signal) => retryQueue.read(message, signal, waitMaxMs));
  retriesInWork.begin(id, destination, reading);
  try {
    const retry = await reading;
    if (retry !== undefined) await activate(retryWork(notFromFuture(retry, clock.now())), context);
  } finally {
    retriesInWork.end(id);
  }
}

/** The same as first deferred now, where it says a later time. */
function notFromFuture<Deferred extends RetryPointer>(deferred: Deferred, nowMs: number): Deferred {
  return { ...deferred, firstDeferredAtMs: Math.min(deferred.firstDeferredAtMs, nowMs) };
}

/**
 * Until when a message is put back because the circuit of its destination is open, in epoch
 * milliseconds, and of which circuit it is the probe then; undefined when it is not open.
 */
function circuitOf(
  pointer: RetryPointer,
  context: ActivationContext,
): { readonly untilMs: number; readonly probeOf?: Target['breaker'] } | undefined {
  const { targets, clock } = context;
  const target = targets.get(presentKey(pointer.destination, context.matcher));
  if (target === undefined) return undefined;
  const { breaker, giveUpAfterMs } = target;
  const nowMs = clock.now();
  if (pointer.isWoken === true) breaker.hearAnswer();
  const openUntilMs = breaker.openUntilMs(nowMs);
  if (openUntilMs === undefined) return undefined;
  const laterMs = Math.max(openUntilMs, dueAgainAtMs(pointer, context));
  if (breaker.isHeld(nowMs)) return { untilMs: Math.min(laterMs, breaker.holdEndsAtMs ?? Infinity) };
  if (isTooOld(pointer, giveUpAfterMs, nowMs)) return undefined;
  // One message of each time that the circuit opens comes when it is half-open; the others wait
  // longer and longer, or do not come again if they were woken.
  return breaker.takeProbe() ? { untilMs: openUntilMs, probeOf: breaker } : { untilMs: laterMs };
}
