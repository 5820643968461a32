import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { isShadowReason, pausedClass, type Retry } from '@activation-hub/delivery';
import {
  isUnreadableRow,
  ledgerKeyText,
  settleLate,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
  type ReadRow,
  type UnreadableRow,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import { announceRows, keepLost, lettersOfRows } from './dead-letters-of.ts';
import { putRetries, waitingDeferral, type ChainIds } from './defer-changes.ts';
import { deliverRows, type DeliveredRow, type LeasedRow } from './deliver-rows.ts';
import { deferralOf, explanationOf, judgeResults, settledRecord, type JudgedRow } from './judge-results.ts';
import { subjectOfTold } from './observed-subject.ts';
import { paceMaxMs } from './patience.ts';
import { planTelling, type LeaseHolder } from './plan-row.ts';
import type { Tally } from './tally.ts';
import type { Telling } from './telling.ts';
import { leaveUnread } from './unreadable-rows.ts';
import { receiptsOf } from './work.ts';
import { writePlans } from './write-plans.ts';

/**
 * How often rows that keep changing hands are repaired before a retry does it. Each round means
 * that another process got on.
 */
const roundsMax = 10;

/**
 * A row that was told, with what it is now: settled, or after a lost settling as the repair, or
 * another process, has it. `settled` is absent when the lease must expire, and when the row is
 * gone.
 */
export interface ToldRow extends JudgedRow {
  readonly settled?: LedgerRow;
}

/** A new holder of leases, whose life begins now. */
export function newHolder({ clock, timing }: Pick<ActivationContext, 'clock' | 'timing'>): LeaseHolder {
  return { holder: randomUUID(), expiresAtMs: clock.now() + timing.leaseMs };
}

/**
 * Sends the changes of leased rows to their destinations, and makes the outcomes durable: the one
 * loop of the protocol (docs/specs/ledger.md, section 4), used by the journey, by repairs, by
 * resync and by retirement.
 *
 * Step 1, the lease, comes before it. 2. deliver; 3. judge; 4. retries, then dead letters;
 * 5. settle the rows; 6. repair those whose lease was lost meanwhile.
 *
 * The order makes a crash lead to a repetition and never to a loss. Gives every row with its fate.
 * Throws when a store cannot be reached; then the same work must be given again.
 */
export async function tellRows(leased: readonly LeasedRow[], telling: Telling): Promise<readonly ToldRow[]> {
  const { context, work, deadline, tally } = telling;
  const retry = work?.retry;
  const limit = { signal: deadline, graceMs: context.timing.settleByMs - context.timing.deadlineMs };
  const delivered =
    retry?.givesUp === true
      ? leased.map((row) => givenUp(row, retry))
      : await deliverRows(leased, context, {
          ...limit,
          paceMaxMs: paceMaxMs(work, context),
          receipts: work === undefined ? undefined : receiptsOf(work),
        });
  const { told, lost } = await settleRows(judgeResults(delivered, work, context), telling);
  for (const row of told) {
    const { fate, route, settled } = row;
    if (isCertain(fate) && (fate !== 'delivered' || settled !== undefined))
      tally.count(route.destination, fate, () => subjectOfTold(row));
    else if (!isCertain(fate)) tally.count(route.destination, 'deferred', () => subjectOfTold(row));
    // What a pause held already came before.
    if (isInShadow(row) && retry?.class !== pausedClass) tally.countShadowed(route.destination, row.kind);
  }
  recordAges(told, context);
  if (lost.length === 0) return told;
  const repaired = await repairRows(lost, told, telling);
  return told.map((row): ToldRow => {
    const after = repaired.get(row.keyText);
    return after === undefined ? row : { ...row, settled: after };
  });
}

function isInShadow({ result }: ToldRow): boolean {
  return result.status === 'retry' && isShadowReason(result.reason);
}

/** How old the events were whose changes destinations took. */
function recordAges(told: readonly ToldRow[], { telemetry, clock }: ActivationContext): void {
  const nowMs = clock.now();
  for (const { fate, event, isRepair, route } of told) {
    if (fate !== 'delivered' || event === undefined || isRepair) continue;
    const ageMs = Math.max(0, nowMs - event.enqueuedAtMs);
    telemetry.record('change-age', ageMs / 1_000, { destination: route.destination });
  }
}

/**
 * Steps 4 and 5. Gives the rows in their order, and those whose lease was lost before they could be
 * settled.
 */
async function settleRows(
  judged: readonly JudgedRow[],
  { context, work, settleBy, tally }: Telling,
): Promise<{ readonly told: readonly ToldRow[]; readonly lost: readonly UnsettledRow[] }> {
  const failed = judged.filter(({ fate }) => fate !== 'delivered');
  const deferrals = failed.map((row) => deferralOf(row, context)).filter((deferral) => deferral !== undefined);
  const chainIds = await putRetries(deferrals, work, context, settleBy);
  const letters = lettersOfRows(failed, work, context);
  if (letters.length > 0) await context.deadLetters.put(letters, settleBy);
  announceRows(failed, context);

  const beganMs = context.clock.now();
  const settling: Settling[] = [];
  for (const row of judged) {
    const record = settledRecord(row, chainIds, beganMs) ?? overdueLease(row, beganMs, context);
    if (record === undefined) continue;
    const { key, keyText, row: leased } = row;
    settling.push({ row, keyText, write: { key, record, expected: leased.version, over: leased.record } });
  }
  const { written, lost } = await writePlans(settling, context, tally, settleBy);
  // Both are in the order of the rows.
  let settled = 0;
  const told = judged.map((row): ToldRow => {
    const next = written[settled];
    if (next?.planned.row !== row) return row;
    settled += 1;
    return { ...row, settled: next.after };
  });
  return { told, lost: lost.map(({ row }) => ({ ...row, chainIds })) };
}

/** A row that was told, with the write that settles it. */
interface Settling {
  readonly row: JudgedRow;
  readonly keyText: string;
  readonly write: LedgerWrite;
}

/**
 * Whether other processes have written nothing to a row since it was leased but its digests and
 * whose it was (section 6): it is under our lease all the same, and knows what was told. Of a row
 * in doubt it is not known whether another process has marked it.
 */
function isLeftAsLeased(found: LedgerRecord, leased: LedgerRecord): boolean {
  const none = { linkDigest: undefined, knownDigest: undefined, formerOf: undefined };
  return !found.inDoubt && isDeepStrictEqual({ ...found, ...none }, { ...leased, ...none });
}

/**
 * The lease as it is, to be written again, when it is over or nearly so although there was no
 * answer: the process stood still, and another one may have told the destination something newer in
 * between. The write finds that out.
 */
function overdueLease(
  { row: { record } }: JudgedRow,
  nowMs: number,
  { timing }: ActivationContext,
): LedgerRecord | undefined {
  const marginMs = timing.leaseMs - timing.settleByMs;
  return record.rowState.is === 'leased' && nowMs >= record.rowState.expiresAtMs - marginMs ? record : undefined;
}

/**
 * Step 6. A delivery that outlived its lease may have overtaken the newer one of another process,
 * so the destination is told the row's newest state again, under a new lease. While another process
 * holds one, the row is marked as in doubt instead, and that process does the same when it finds
 * that out.
 *
 * A process that outlives its lease and then crashes, before it comes here, repairs nothing; the
 * next export of the person that differs from the row does. Gives the rows as they are then, by the
 * text of their keys.
 */
async function repairRows(
  lost: readonly UnsettledRow[],
  told: readonly ToldRow[],
  telling: Telling,
): Promise<ReadonlyMap<string, LedgerRow>> {
  const repaired = new Map<string, LedgerRow>();
  const { context, settleBy, tally } = telling;
  const own = new Set(
    told.flatMap(({ row: { record } }) => (record.rowState.is === 'leased' ? [record.rowState.holder] : [])),
  );
  let open = lost;
  const unread: { readonly row: UnsettledRow; readonly found: UnreadableRow }[] = [];
  for (let round = 0; open.length > 0 && round < roundsMax; round += 1) {
    const rows = await context.ledger.read(
      open.map(({ key }) => key),
      settleBy,
    );
    tally.ledgerReads += open.length;
    if (round === 0) countLost(lost, rows, own, tally);
    const by = newHolder(context);
    const repairs = open.flatMap((row, index) => {
      const found = rows[index];
      if (isUnreadableRow(found)) unread.push({ row, found });
      // A row that is gone was erased with the person: there is nothing to tell any more.
      return found === undefined || isUnreadableRow(found) ? [] : [repairOf(row, found, own, by, context)];
    });
    own.add(by.holder);
    const { written, lost: again } = await writePlans(repairs, context, tally, settleBy);
    const leased = written.flatMap(({ planned: { row, keyText, telling: told }, after }) => {
      if (told === undefined) repaired.set(keyText, after);
      // The newest state may come from an export with other identities.
      return told === undefined
        ? []
        : [{ ...row, ...told, row: after, isRepair: true, linkDigest: '', isFollowed: false }];
    });
    const delivered = await deliverRows(leased, context, { signal: settleBy, graceMs: 0 });
    const settled = await settleRows(judgeResults(delivered, telling.work, context), telling);
    for (const { keyText, settled: after } of settled.told) if (after !== undefined) repaired.set(keyText, after);
    open = [...again.map(({ row }) => row), ...settled.lost];
  }
  await deferOpen(open, unread, telling);
  return repaired;
}

/** A row of which the settling was lost, with the retries that were put before. */
interface UnsettledRow extends JudgedRow {
  readonly chainIds: ChainIds;
}

interface Repair {
  readonly row: UnsettledRow;
  readonly keyText: string;
  readonly write: LedgerWrite;
  /** Absent while another process holds the lease. */
  readonly telling?: Pick<LeasedRow, 'kind' | 'state'>;
}

function repairOf(
  row: UnsettledRow,
  found: LedgerRow,
  own: ReadonlySet<string>,
  by: LeaseHolder,
  context: ActivationContext,
): Repair {
  const { key, keyText } = row;
  const nowMs = context.clock.now();
  if (isLeftAsLeased(found.record, row.row.record)) {
    const ours = { ...row, row: found, isFollowed: false };
    // Without an answer only a lease that was over, or nearly so, was written again and lost.
    const settled = settledRecord(ours, row.chainIds, nowMs) ?? found.record;
    return { row, keyText, write: { key, record: settled, expected: found.version } };
  }
  const record = withOurEnding(row, found.record, nowMs);
  const plan = planTelling(key, { ...found, record }, { mode: 'live', by, nowMs, own, because: 'repair' });
  if (plan.is === 'lease') return { row, keyText, write: plan.write, telling: { kind: plan.kind, state: plan.state } };
  return { row, keyText, write: { key, record: { ...record, inDoubt: true }, expected: found.version } };
}

/**
 * The row with how our attempt ended, which its history could not say when its settling was lost.
 */
function withOurEnding({ row, fate, result }: UnsettledRow, found: LedgerRecord, atMs: number): LedgerRecord {
  if (fate === 'unanswered') return found;
  return settleLate(found, row.record, fate, 'doubt' in result, { atMs, ...explanationOf(result) });
}

/** What keeps changing hands to the end, or cannot be read, is left to a retry. */
async function deferOpen(
  open: readonly LeasedRow[],
  unread: readonly { readonly row: LeasedRow; readonly found: UnreadableRow }[],
  { context, work, settleBy }: Telling,
): Promise<void> {
  const nowMs = context.clock.now();
  const of = ({ route, key, event, audience }: LeasedRow) => ({
    destination: route.destination,
    key,
    ...(event === undefined ? {} : { event }),
    audience: audience.key,
  });
  const waiting = open.map((row) => waitingDeferral(of(row), nowMs, work, nowMs));
  const left = unread.map(({ row, found }) => leaveUnread(of(row), found, work?.retry, context));
  await putRetries([...waiting, ...left.flatMap(({ deferral }) => deferral ?? [])], work, context, settleBy);
  await keepLost(
    left.flatMap(({ lost }) => lost ?? []),
    work?.retry?.attempts ?? 0,
    context,
    settleBy,
  );
}

/**
 * Counts what was delivered under a lease that was lost: everything else of the lost is counted
 * already.
 */
function countLost(lost: readonly JudgedRow[], rows: readonly ReadRow[], own: ReadonlySet<string>, tally: Tally): void {
  for (const [index, row] of lost.entries()) {
    if (row.fate !== 'delivered') continue;
    const found = rows[index];
    // What cannot be read was written by another process.
    const rowState = isUnreadableRow(found) ? undefined : found?.record.rowState;
    const isNewest = found === undefined || (rowState?.is === 'leased' && own.has(rowState.holder));
    tally.count(row.route.destination, isNewest ? 'delivered' : 'superseded', () => subjectOfTold(row));
  }
}

function isCertain(fate: JudgedRow['fate']): fate is Exclude<JudgedRow['fate'], 'deferred' | 'unanswered'> {
  return fate !== 'deferred' && fate !== 'unanswered';
}

/**
 * The last attempt had no answer, and its lease has expired: nothing more is sent, and the
 * destination may have taken it.
 */
function givenUp(row: LeasedRow, { class: cause, reason }: Retry): DeliveredRow {
  const result = { status: 'retry', class: cause, reason, wasTried: true, doubt: 'answered' } as const;
  return { ...row, changeId: ledgerKeyText(row.key), result };
}
