import type { ActivationContext } from '@activation-hub/activation';
import { deadLetterKeepMs, sweepDeadLetters, sweepRetries } from '@activation-hub/delivery';
import { sweepLedger } from '@activation-hub/membership';
import { renewMemberships } from './renew-memberships.ts';
import { reportUnreadableRows } from './report-unreadable-rows.ts';

/**
 * AEP itself forgets who left after 30 days; a hub keeps events for 90 at the most, and so are dead
 * letters kept and replayed. What is older cannot come again, and a month is left for what is on
 * its way.
 */
const keepMs = deadLetterKeepMs + 30 * 86_400_000;
/** A night's work at the most; what is left is done in another night. */
const timeoutMs = 9 * 60_000;
/** Before that the walk over the ledger ends, and says how far it came. */
const endMs = 15_000;

/** How long after its `giveUpAfter` a retry may still be in flight. */
const retryMarginMs = 6 * 3_600_000;

/**
 * What is done every night, all of it in the same nine minutes: tidying up, and telling members
 * again whose memberships lapse. Neither waits for the other, and when one fails the other goes on;
 * then it throws.
 */
export async function sweep(activation: ActivationContext): Promise<void> {
  const untilMs = activation.clock.now() + timeoutMs;
  const signal = AbortSignal.timeout(timeoutMs);
  const ended = await Promise.allSettled([
    tidyUp(activation, { untilMs: untilMs - endMs, signal }),
    renewMemberships(activation, { untilMs, signal }),
  ]);
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}

/**
 * Removes the rows of people who left long ago and the dead letters of old events, makes retries
 * due that a crash has left behind, and reports retries and rows that cannot be read. The walk over
 * the rows begins elsewhere each night, so that nights that have time for a part come to all of
 * them.
 */
async function tidyUp(
  activation: ActivationContext,
  { untilMs, signal }: { readonly untilMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const { clock, matcher, targets } = activation;
  const startedMs = clock.now();
  // What an older file deferred waits under the name that the destination had there.
  const giveUpAfterMs = (name: string): number =>
    targets.get(matcher.destination(name)?.key ?? name)?.giveUpAfterMs ?? 0;
  const { madeDue, unreadable } = await sweepRetries(activation.retryQueue, {
    nowMs: startedMs,
    ageMaxMs: (destination) => giveUpAfterMs(destination) + retryMarginMs,
    signal,
  });
  for (const document of unreadable) activation.telemetry.emit('retry-unreadable', { document });
  const { removed: deadLettersRemoved } = await sweepDeadLetters(activation.deadLetters, {
    nowMs: startedMs,
    signal,
  });
  const { unreadable: rowsUnreadable, ...swept } = await sweepLedger(activation.ledger, {
    olderThanMs: startedMs - keepMs,
    startAt: clock.random(),
    hasTime: () => clock.now() < untilMs,
    signal,
  });
  reportUnreadableRows(rowsUnreadable, activation);
  activation.telemetry.emit('ledger-swept', {
    ...swept,
    retriesMadeDue: madeDue,
    retriesUnreadable: unreadable.length,
    deadLettersRemoved,
    durationMs: clock.now() - startedMs,
  });
}
