import type { DeadLetter, Failure } from '@activation-hub/delivery';
import { settle, type LedgerWrite } from '@activation-hub/membership';
import type { UnsettledChange } from './decide-changes.ts';
import type { DeliveredChange } from './deliver-changes.ts';
import type { Hub } from './hub.ts';
import type { Unreadable } from './read-events.ts';
import type { Tally } from './tally.ts';

/**
 * Makes every result durable: dead letters first, then the ledger, so that a crash in between leads to a repetition
 * and not to a loss. Gives back what is to be tried again.
 */
export async function settleChanges(
  ended: { readonly results: readonly DeliveredChange[]; readonly unreadable: readonly Unreadable[] },
  hub: Hub,
  tally: Tally,
  signal: AbortSignal,
): Promise<readonly UnsettledChange[]> {
  await hub.deadLetters.put(
    [...lettersOfUnreadable(ended.unreadable, hub), ...lettersOfRejected(ended.results, hub)],
    signal,
  );
  for (const { event, refusal } of ended.unreadable) {
    const { partitionId, sequenceNumber } = event;
    hub.telemetry.emit('event-unreadable', { partitionId, sequenceNumber, code: refusal.code, path: refusal.path });
  }
  for (const [[destination, reason], changes] of rejections(ended.results)) {
    hub.telemetry.emit('changes-rejected', { destination, reason, changes });
  }

  const unsettled: UnsettledChange[] = [];
  const answered: DeliveredChange[] = [];
  const writes: LedgerWrite[] = [];
  for (const change of ended.results) {
    const { demand, row, result } = change;
    // A delivery without an answer may still be under way: its claim stays until it expires.
    if (result.status === 'retry' && result.doubt === 'unanswered') {
      unsettled.push({ demand, reason: 'the destination gave no answer' });
    } else {
      answered.push(change);
      writes.push({ key: demand.key, record: settle(row.record, settledAs(result)), expected: row.version });
    }
  }
  const written = await hub.ledger.write(writes, signal);

  const nowMs = hub.clock.now();
  for (const [index, { demand, result }] of answered.entries()) {
    const outcome = written[index];
    const record = writes[index]?.record;
    if (outcome?.written !== true || record === undefined) {
      hub.ledgerCache.delete(demand.keyText);
      unsettled.push({ demand, reason: 'the claim expired before the destination had answered' });
      continue;
    }
    tally.ledgerWrites += 1;
    hub.ledgerCache.set(demand.keyText, { record, version: outcome.version }, nowMs);
    if (result.status === 'retry') unsettled.push({ demand, reason: result.reason });
    else tally.count(demand.route.destination, result.status);
  }
  return unsettled;
}

function settledAs(result: DeliveredChange['result']): Parameters<typeof settle>[1] {
  switch (result.status) {
    case 'delivered':
      return 'told';
    case 'rejected':
      return 'refused';
    case 'retry':
      return result.doubt === undefined ? 'pending' : 'in-doubt';
  }
}

/** One letter per event and kind of refusal. */
function lettersOfUnreadable(unreadable: readonly Unreadable[], hub: Hub): readonly DeadLetter[] {
  const byEvent = Map.groupBy(unreadable, ({ event }) => event);
  return [...byEvent].flatMap(([event, ofEvent]) =>
    [...Map.groupBy(ofEvent, ({ refusal }) => refusal.code)].map(([code, refusals]) => ({
      event,
      outcome: 'unreadable' as const,
      class: code,
      failures: refusals.map(({ refusal, audience }): Failure => ({
        path: refusal.path,
        reason: refusal.message,
        ...(audience === undefined ? {} : { audience }),
      })),
      attempts: 0,
      givenUpAtMs: hub.clock.now(),
    })),
  );
}

/** One letter per event, destination and class. */
function lettersOfRejected(results: readonly DeliveredChange[], hub: Hub): readonly DeadLetter[] {
  const letters = new Map<string, DeadLetter & { failures: Failure[] }>();
  for (const { demand, changeId, result } of results) {
    if (result.status !== 'rejected') continue;
    const { event, route, audience } = demand;
    const name = JSON.stringify([event.partitionId, event.sequenceNumber, route.destination, result.class]);
    let letter = letters.get(name);
    if (letter === undefined) {
      letter = {
        event,
        outcome: 'rejected',
        destination: route.destination,
        class: result.class,
        failures: [],
        attempts: 1,
        givenUpAtMs: hub.clock.now(),
      };
      letters.set(name, letter);
    }
    letter.failures.push({ audience: audience.key, changeId, reason: result.reason });
  }
  return [...letters.values()];
}

/** How many changes each destination rejected for which reason. */
function rejections(results: readonly DeliveredChange[]): readonly (readonly [[string, string], number])[] {
  const counts = new Map<string, number>();
  for (const { demand, result } of results) {
    if (result.status !== 'rejected') continue;
    const key = JSON.stringify([demand.route.destination, result.reason]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, count]) => [JSON.parse(key) as [string, string], count]);
}
