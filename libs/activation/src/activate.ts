import { randomUUID } from 'node:crypto';
import { decideChanges } from './decide-changes.ts';
import { deliverChanges } from './deliver-changes.ts';
import { BatchHeldError } from './batch-held-error.ts';
import type { Hub } from './hub.ts';
import { readEvents, type IncomingEvent } from './read-events.ts';
import { resolveDemands } from './resolve-demands.ts';
import { routeExports } from './route-exports.ts';
import { settleChanges } from './settle-changes.ts';
import { Tally } from './tally.ts';

/**
 * The way of an event, from what Adobe Experience Platform sent to what each third party was told.
 *
 * Takes the events of one partition, and returns when every event, and every change in it, has ended in an outcome
 * that is durable. Then, and only then, may the partition move on. Throws `BatchHeldError` when something could not be
 * settled, after settling all that could: the same events must be given again, and what was settled is not repeated.
 */
export async function activate(events: readonly IncomingEvent[], hub: Hub): Promise<void> {
  const deadline = AbortSignal.timeout(hub.timing.deadlineMs);
  // What was told by the deadline must still be settled after it, while the claims live.
  const settleBy = AbortSignal.timeout(hub.timing.settleByMs);
  const by = { claimant: randomUUID(), expiresAtMs: hub.clock.now() + hub.timing.claimMs };
  const tally = new Tally(hub.clock.now());
  hub.ledgerCache.follow(events);

  // 1. Read: an event is one profile export or several; what cannot be read becomes a dead letter.
  const { exports, unreadable } = readEvents(events);

  // 2. Route: an export holds every audience of the person; most concern nobody.
  const { memberships, refused } = routeExports(exports, hub.matcher);

  // 3. Resolve: whom the destination knows the person as, what it should know, and whether consent allows it.
  const demands = resolveDemands(memberships, tally);

  // 4. Decide: against what the destination has been told. What is to be told is claimed, so that nobody else tells it.
  const { claimed, waiting } = await decideChanges(demands, by, hub, tally, deadline);

  // 5. Deliver: in batches, each destination on its own; every change gets a result.
  const results = await deliverChanges(claimed, hub, deadline);

  // 6. Settle: what was told goes to the ledger, what was refused or could not be read to the dead letters.
  const unsettled = await settleChanges({ results, unreadable: [...unreadable, ...refused] }, hub, tally, settleBy);

  tally.report(events, exports.length, hub);
  if (waiting.length + unsettled.length > 0) throw new BatchHeldError(events, [...waiting, ...unsettled], hub);
}
