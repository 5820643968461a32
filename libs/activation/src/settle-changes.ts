import type { DeadLetter, Failure } from '@activation-hub/delivery';
import { settle, type LedgerRecord, type LedgerWriteResult } from '@activation-hub/membership';
import type { CircuitOpenChange } from './decide-changes.ts';
import type { Later } from './defer-changes.ts';
import type { DeliveredChange } from './deliver-changes.ts';
import type { ActivationContext } from './activation-context.ts';
import type { Unreadable } from './read-events.ts';
import type { Tally } from './tally.ts';
import type { Work } from './work.ts';

/** What a batch has come to, before it is durable. */
export interface Ended {
  readonly results: readonly DeliveredChange[];
  readonly resting: readonly CircuitOpenChange[];
  readonly later: Later;
  readonly unreadable: readonly Unreadable[];
  /** What was refused is not believed, and comes again with its batch. */
  readonly isStalled: boolean;
}

/**
 * Makes every result durable: dead letters first, then the ledger, so that a crash in between leads to a repetition
 * and not to a loss. Gives back the changes of which the lease was lost before their result could be written.
 */
export async function settleChanges(
  ended: Ended,
  work: Work,
  context: ActivationContext,
  tally: Tally,
  signal: AbortSignal,
): Promise<readonly DeliveredChange[]> {
  const dead = ended.results.filter((change) => isDead(change, ended));
  const letters = [...lettersOfUnreadable(ended.unreadable, context), ...lettersOfChanges(dead, work, context)];
  if (letters.length > 0) await context.deadLetters.put(letters, signal);
  announce(ended.unreadable, dead, context);

  const beganMs = context.clock.now();
  const settled = ended.results.flatMap((change) => {
    const record = settledRecord(change, ended) ?? leaseInDoubt(change, beganMs, context);
    return record === undefined ? [] : [{ change, record }];
  });
  const writes = settled.map(({ change, record }) => ({
    key: change.demand.key,
    record,
    expected: change.row.version,
  }));
  const written = await context.ledger.write([...writes, ...ended.resting.map(({ write }) => write)], signal);
  const lost: DeliveredChange[] = [];
  const nowMs = context.clock.now();
  for (const [index, { change, record }] of settled.entries()) {
    const { demand } = change;
    const outcome = written[index];
    if (outcome?.written !== true) {
      context.ledgerCache.delete(demand.keyText);
      lost.push(change);
      countSettled(change, ended, tally, 'lost');
      continue;
    }
    tally.ledgerWrites += 1;
    context.ledgerCache.set(demand.keyText, { record, version: outcome.version }, nowMs);
    countSettled(change, ended, tally, 'settled');
  }
  noteResting(ended.resting, written.slice(settled.length), context, tally);
  return lost;
}

/** A row that somebody else wrote meanwhile stays as it is: the retry, which the queue has already, decides against it. */
function noteResting(
  resting: readonly CircuitOpenChange[],
  written: readonly LedgerWriteResult[],
  context: ActivationContext,
  tally: Tally,
): void {
  const nowMs = context.clock.now();
  for (const [index, { demand, write }] of resting.entries()) {
    const outcome = written[index];
    if (outcome?.written !== true) {
      context.ledgerCache.delete(demand.keyText);
      continue;
    }
    tally.ledgerWrites += 1;
    context.ledgerCache.set(demand.keyText, { record: write.record, version: outcome.version }, nowMs);
  }
}

/** The row after the delivery; none when nothing is certain and the lease must expire. */
function settledRecord(change: DeliveredChange, ended: Ended): LedgerRecord | undefined {
  const { row, result } = change;
  switch (result.status) {
    case 'delivered':
      return settle(row.record, 'delivered');
    case 'rejected':
      return settle(row.record, ended.isStalled ? 'pending' : 'rejected', result.doubt !== undefined);
    case 'retry':
      if (ended.later.givenUp.has(change)) return settle(row.record, 'rejected', result.doubt !== undefined);
      if (change.isRestored && result.doubt !== 'unanswered') return settle(row.record, 'pending', true);
      return result.doubt === 'unanswered' ? undefined : settle(row.record, 'deferred', result.doubt !== undefined);
  }
}

/**
 * The lease as it is, to be written again, when its life is over or nearly so although there was no answer: the process
 * stood still, and somebody else may have told the destination something newer in between. The write finds that out.
 */
function leaseInDoubt(
  { row: { record } }: DeliveredChange,
  nowMs: number,
  { timing }: ActivationContext,
): LedgerRecord | undefined {
  const marginMs = timing.leaseMs - timing.settleByMs;
  return record.rowState.is === 'leased' && nowMs >= record.rowState.expiresAtMs - marginMs ? record : undefined;
}

/** What the destination took and then lost its lease is counted by whoever finds out what has become of the row. */
function countSettled(
  change: DeliveredChange,
  { later, isStalled }: Ended,
  tally: Tally,
  row: 'settled' | 'lost',
): void {
  const { demand, result } = change;
  if (later.givenUp.has(change)) tally.count(demand.route.destination, 'given-up');
  else if (result.status === 'delivered' && row === 'settled') tally.count(demand.route.destination, 'delivered');
  else if (result.status === 'rejected' && !isStalled) tally.count(demand.route.destination, 'rejected');
}

/** Whether a change ends as a dead letter. */
function isDead(change: DeliveredChange, { later, isStalled }: Ended): boolean {
  return later.givenUp.has(change) || (change.result.status === 'rejected' && !isStalled);
}

function announce(
  unreadable: readonly Unreadable[],
  dead: readonly DeliveredChange[],
  context: ActivationContext,
): void {
  for (const { event, refusal } of unreadable) {
    const { partitionId, sequenceNumber } = event;
    context.telemetry.emit('event-unreadable', { partitionId, sequenceNumber, code: refusal.code, path: refusal.path });
  }
  const groups = Map.groupBy(dead, ({ demand, result }) =>
    result.status === 'delivered' ? '' : JSON.stringify([demand.route.destination, result.status, result.reason]),
  );
  for (const changes of groups.values()) {
    const [first] = changes;
    if (first === undefined || first.result.status === 'delivered') continue;
    const { status, reason } = first.result;
    const name = status === 'rejected' ? 'changes-rejected' : 'changes-given-up';
    context.telemetry.emit(name, { destination: first.demand.route.destination, reason, changes: changes.length });
  }
}

/** One letter per event and kind of refusal. */
function lettersOfUnreadable(unreadable: readonly Unreadable[], context: ActivationContext): readonly DeadLetter[] {
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
      givenUpAtMs: context.clock.now(),
    })),
  );
}

/** One letter per event, destination, outcome and class. */
function lettersOfChanges(
  dead: readonly DeliveredChange[],
  work: Work,
  context: ActivationContext,
): readonly DeadLetter[] {
  const letters = new Map<string, DeadLetter & { failures: Failure[] }>();
  for (const { demand, changeId, result } of dead) {
    if (result.status === 'delivered') continue;
    const { event, route, audience } = demand;
    const name = JSON.stringify([event.partitionId, event.sequenceNumber, route.destination, result.class]);
    let letter = letters.get(name);
    if (letter === undefined) {
      letter = {
        event,
        outcome: result.status === 'rejected' ? 'rejected' : 'given-up',
        destination: route.destination,
        class: result.class,
        failures: [],
        attempts: (work.retry?.attempts ?? 0) + 1,
        givenUpAtMs: context.clock.now(),
      };
      letters.set(name, letter);
    }
    letter.failures.push({ audience: audience.key, changeId, reason: result.reason });
  }
  return [...letters.values()];
}
