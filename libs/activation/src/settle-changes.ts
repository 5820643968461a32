import type { DeadLetter, Failure } from '@activation-hub/delivery';
import { settle, type LedgerRecord, type LedgerWriteResult } from '@activation-hub/membership';
import type { RestingChange } from './decide-changes.ts';
import type { Later } from './defer-changes.ts';
import type { DeliveredChange } from './deliver-changes.ts';
import type { Hub } from './hub.ts';
import type { Unreadable } from './read-events.ts';
import type { Tally } from './tally.ts';
import type { Work } from './work.ts';

/** What a batch has come to, before it is durable. */
export interface Ended {
  readonly results: readonly DeliveredChange[];
  readonly resting: readonly RestingChange[];
  readonly later: Later;
  readonly unreadable: readonly Unreadable[];
  /** What was refused is not believed, and comes again with its batch. */
  readonly isStalled: boolean;
}

/**
 * Makes every result durable: dead letters first, then the ledger, so that a crash in between leads to a repetition
 * and not to a loss. Gives back the changes of which the claim was lost before their result could be written.
 */
export async function settleChanges(
  ended: Ended,
  work: Work,
  hub: Hub,
  tally: Tally,
  signal: AbortSignal,
): Promise<readonly DeliveredChange[]> {
  const dead = ended.results.filter((change) => isDead(change, ended));
  const letters = [...lettersOfUnreadable(ended.unreadable, hub), ...lettersOfChanges(dead, work, hub)];
  if (letters.length > 0) await hub.deadLetters.put(letters, signal);
  announce(ended.unreadable, dead, hub);

  const beganMs = hub.clock.now();
  const settled = ended.results.flatMap((change) => {
    const record = settledRecord(change, ended) ?? claimInDoubt(change, beganMs, hub);
    return record === undefined ? [] : [{ change, record }];
  });
  const writes = settled.map(({ change, record }) => ({
    key: change.demand.key,
    record,
    expected: change.row.version,
  }));
  const written = await hub.ledger.write([...writes, ...ended.resting.map(({ write }) => write)], signal);
  const lost: DeliveredChange[] = [];
  const nowMs = hub.clock.now();
  for (const [index, { change, record }] of settled.entries()) {
    const { demand } = change;
    const outcome = written[index];
    if (outcome?.written !== true) {
      hub.ledgerCache.delete(demand.keyText);
      lost.push(change);
      countSettled(change, ended, tally, 'lost');
      continue;
    }
    tally.ledgerWrites += 1;
    hub.ledgerCache.set(demand.keyText, { record, version: outcome.version }, nowMs);
    countSettled(change, ended, tally, 'settled');
  }
  noteResting(ended.resting, written.slice(settled.length), hub, tally);
  return lost;
}

/** A row that somebody else wrote meanwhile stays as it is: the retry, which the queue has already, decides against it. */
function noteResting(
  resting: readonly RestingChange[],
  written: readonly LedgerWriteResult[],
  hub: Hub,
  tally: Tally,
): void {
  const nowMs = hub.clock.now();
  for (const [index, { demand, write }] of resting.entries()) {
    const outcome = written[index];
    if (outcome?.written !== true) {
      hub.ledgerCache.delete(demand.keyText);
      continue;
    }
    tally.ledgerWrites += 1;
    hub.ledgerCache.set(demand.keyText, { record: write.record, version: outcome.version }, nowMs);
  }
}

/** The row after the delivery; none when nothing is certain and the claim must expire. */
function settledRecord(change: DeliveredChange, ended: Ended): LedgerRecord | undefined {
  const { row, result } = change;
  switch (result.status) {
    case 'delivered':
      return settle(row.record, 'told');
    case 'rejected':
      return settle(row.record, ended.isStalled ? 'pending' : 'refused', result.doubt !== undefined);
    case 'retry':
      if (ended.later.givenUp.has(change)) return settle(row.record, 'refused', result.doubt !== undefined);
      if (change.isRestored && result.doubt !== 'unanswered') return settle(row.record, 'pending', true);
      return result.doubt === 'unanswered' ? undefined : settle(row.record, 'deferred', result.doubt !== undefined);
  }
}

/**
 * The claim as it is, to be written again, when its life is over or nearly so although there was no answer: the process
 * stood still, and somebody else may have told the destination something newer in between. The write finds that out.
 */
function claimInDoubt({ row: { record } }: DeliveredChange, nowMs: number, { timing }: Hub): LedgerRecord | undefined {
  const marginMs = timing.claimMs - timing.settleByMs;
  return record.standing.is === 'claimed' && nowMs >= record.standing.expiresAtMs - marginMs ? record : undefined;
}

/** What the destination took and then lost its claim is counted by whoever finds out what has become of the row. */
function countSettled(
  change: DeliveredChange,
  { later, isStalled }: Ended,
  tally: Tally,
  row: 'settled' | 'lost',
): void {
  const { demand, result } = change;
  if (later.givenUp.has(change)) tally.count(demand.route.destination, 'gave-up');
  else if (result.status === 'delivered' && row === 'settled') tally.count(demand.route.destination, 'delivered');
  else if (result.status === 'rejected' && !isStalled) tally.count(demand.route.destination, 'rejected');
}

/** Whether a change ends as a dead letter. */
function isDead(change: DeliveredChange, { later, isStalled }: Ended): boolean {
  return later.givenUp.has(change) || (change.result.status === 'rejected' && !isStalled);
}

function announce(unreadable: readonly Unreadable[], dead: readonly DeliveredChange[], hub: Hub): void {
  for (const { event, refusal } of unreadable) {
    const { partitionId, sequenceNumber } = event;
    hub.telemetry.emit('event-unreadable', { partitionId, sequenceNumber, code: refusal.code, path: refusal.path });
  }
  const groups = Map.groupBy(dead, ({ demand, result }) =>
    result.status === 'delivered' ? '' : JSON.stringify([demand.route.destination, result.status, result.reason]),
  );
  for (const changes of groups.values()) {
    const [first] = changes;
    if (first === undefined || first.result.status === 'delivered') continue;
    const { status, reason } = first.result;
    const name = status === 'rejected' ? 'changes-rejected' : 'changes-abandoned';
    hub.telemetry.emit(name, { destination: first.demand.route.destination, reason, changes: changes.length });
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

/** One letter per event, destination, outcome and class. */
function lettersOfChanges(dead: readonly DeliveredChange[], work: Work, hub: Hub): readonly DeadLetter[] {
  const letters = new Map<string, DeadLetter & { failures: Failure[] }>();
  for (const { demand, changeId, result } of dead) {
    if (result.status === 'delivered') continue;
    const { event, route, audience } = demand;
    const name = JSON.stringify([event.partitionId, event.sequenceNumber, route.destination, result.class]);
    let letter = letters.get(name);
    if (letter === undefined) {
      letter = {
        event,
        outcome: result.status === 'rejected' ? 'rejected' : 'gave-up',
        destination: route.destination,
        class: result.class,
        failures: [],
        attempts: (work.retry?.attempts ?? 0) + 1,
        givenUpAtMs: hub.clock.now(),
      };
      letters.set(name, letter);
    }
    letter.failures.push({ audience: audience.key, changeId, reason: result.reason });
  }
  return [...letters.values()];
}
