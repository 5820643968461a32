import { canary } from '@activation-hub/activation-file';
import type { ActivationContext } from './activation-context.ts';
import type { Work } from './work.ts';

/** How old events become while the changes of their batch wait for the pace of a destination. */
const heldMaxMs = 60_000;

/**
 * How long the changes of some work wait for the pace that the limits of a destination allow, in
 * milliseconds; what would wait longer is deferred
 * (docs/decisions/a-slow-destination-waits-a-minute.md).
 *
 * A batch holds its partition, and with it the changes of other destinations: until its oldest
 * event is a minute old, then no longer. Where no other destination is, nothing else waits, and it
 * holds it for half of what a call has. A retry holds none.
 */
export function paceMaxMs(work: Work | undefined, context: ActivationContext): number {
  const { timing, clock, targets } = context;
  const first = work?.events[0];
  if (work === undefined || work.retry !== undefined || first === undefined) return timing.waitMaxMs;
  const longestMs = Math.min(heldMaxMs, timing.deadlineMs / 2);
  const others = [...targets.keys()].filter((key) => key !== canary.key).length - 1;
  if (others < 1) return longestMs;
  return Math.max(0, Math.min(longestMs, first.enqueuedAtMs + heldMaxMs - clock.now()));
}
