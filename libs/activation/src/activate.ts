import { randomUUID } from 'node:crypto';
import { decideChanges } from './decide-changes.ts';
import { deferChanges } from './defer-changes.ts';
import { deliverChanges } from './deliver-changes.ts';
import type { ActivationContext } from './activation-context.ts';
import { readEvents } from './read-events.ts';
import { repairLostRaces } from './repair-lost-races.ts';
import { resolveDemands } from './resolve-demands.ts';
import { routeExports } from './route-exports.ts';
import { settleChanges } from './settle-changes.ts';
import { StalledError } from './stalled-error.ts';
import { Tally } from './tally.ts';
import { receiptsOf, type Work } from './work.ts';

/**
 * The way of an event, from what Adobe Experience Platform sent to what each third party was told.
 *
 * Takes the events of one partition, or those of a retry, and returns when every event, and every change in it, has ended
 * in an outcome that is durable. Then, and only then, may the partition move on. Throws when a store cannot be reached,
 * and `StalledError` when nearly everything is refused: the same work must be given again, and what was settled is
 * not repeated.
 */
export async function activate(work: Work, context: ActivationContext): Promise<void> {
  const deadline = AbortSignal.timeout(context.timing.deadlineMs);
  // What was told by the deadline must still be settled after it, while the leases live.
  const settleBy = AbortSignal.timeout(context.timing.settleByMs);
  const by = { holder: randomUUID(), expiresAtMs: context.clock.now() + context.timing.leaseMs };
  const tally = new Tally(context.clock.now());
  if (work.retry === undefined) context.ledgerCache.follow(work.events);

  // 1. Read: an event is one profile export or several; what cannot be read becomes a dead letter.
  const { exports, unreadable } = readEvents(work.events);

  // 2. Route: an export holds every audience of the person; most concern nobody.
  const { memberships, refused } = routeExports(exports, context.matcher, work.retry);

  // 3. Resolve: whom the destination knows the person as, what it should know, and whether consent allows it.
  const demands = resolveDemands(memberships, context.targets, tally);

  // 4. Decide: against what the destination has been told. What is to be told is leased, so that nobody else tells it;
  // what its destination would not take, because it is given a rest, goes to the retry queue at once.
  const { leased, waiting, resting } = await decideChanges(demands, work, by, context, tally, deadline);

  // 5. Deliver: in batches, each destination on its own; every change gets a result.
  const results = await deliverChanges(leased, context, deadline, receiptsOf(work));

  // 6. Settle: told to the ledger, to be tried again to the retry queue, refused or unreadable to the dead letters.
  const isStalled = StalledError.applies(results, work, context);
  const later = await deferChanges({ results, waiting, resting }, work, context, tally, settleBy);
  const ended = { results, resting, later, isStalled, unreadable: [...unreadable, ...refused] };
  const lost = await settleChanges(ended, work, context, tally, settleBy);
  await repairLostRaces(lost, work, by, context, tally, settleBy);
  if (work.retry !== undefined) await context.retryQueue.remove(work.retry.id, settleBy);

  tally.report(work, exports.length, context);
  if (isStalled) throw new StalledError(work, context);
}
