import { pausedClass, type DeliveryResult, type Retry } from '@activation-hub/delivery';
import { ledgerKeyText, type LedgerRecord } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { eventOf, fansKey, openActivation, personExport, type TestActivation } from '../testing/index.ts';
import type { DeliveredRow } from './deliver-rows.ts';
import { deferralOf, isTooOld, judgeResults, settledRecord } from './judge-results.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const delivered: DeliveryResult = { status: 'delivered' };
const notFound: DeliveryResult = { status: 'not-found', reason: 'unknown' };
const rejected: DeliveryResult = { status: 'rejected', class: 'invalid', reason: 'no such field' };
const busy: DeliveryResult = { status: 'retry', class: 'throttled', reason: 'busy', wasTried: true };
const unanswered: DeliveryResult = { ...busy, doubt: 'unanswered' };

/** Rows that were told, one for each result, under a lease that has a minute left. */
function rowsOf({ context, clock }: TestActivation, results: readonly DeliveryResult[]): DeliveredRow[] {
  return results.map((result, n): DeliveredRow => {
    const key = fansKey(`p${n}`);
    const routed = context.matcher.routeOf(key);
    if (routed === undefined) throw new Error('unreachable');
    const state = {
      status: 'realized' as const,
      isMember: true,
      qualifiedAtMs: 0,
      enqueuedAtMs: 0,
      sequenceNumber: 0,
      content: '',
    };
    const rowState = { is: 'leased' as const, holder: 'me', expiresAtMs: clock.nowMs + 60_000 };
    const record: LedgerRecord = { known: state, rowState, attributes: {}, inDoubt: false };
    const row = { record, version: '1' };
    const keyText = ledgerKeyText(key);
    return { key, keyText, row, kind: 'entered', state, isRepair: false, ...routed, changeId: `change-${n}`, result };
  });
}

function retryOf({ clock }: TestActivation, over: Partial<Retry> = {}): Retry {
  const firstDeferredAtMs = clock.nowMs - hourMs;
  return {
    id: 'r1',
    destination: 'crm',
    events: [],
    rows: [],
    attempts: 1,
    firstDeferredAtMs,
    class: 'transient',
    reason: '',
    isReplay: false,
    ...over,
  };
}

/** The fates of rows with those results, and how many times a stall was said. */
function fatesOf(results: readonly DeliveryResult[], over?: Partial<Retry>) {
  const opened = openActivation();
  const work = over === undefined ? undefined : { events: [], retry: retryOf(opened, over) };
  const judged = judgeResults(rowsOf(opened, results), work, opened.context);
  const stalls = opened.lines.filter((line) => line.includes('"destination-stalled"')).length;
  return { judged: judged.map(({ fate, givesUp }) => (givesUp ? `${fate}, the last time` : fate)), stalls };
}

const times = (count: number, result: DeliveryResult): DeliveryResult[] => Array.from({ length: count }, () => result);

test('what a destination answers is the fate of a row, and only what it did not take is given up with age', () => {
  const results = [delivered, notFound, rejected, busy, unanswered];
  expect(fatesOf(results).judged).toEqual(['delivered', 'not-found', 'rejected', 'deferred', 'unanswered']);
  expect(fatesOf(results, { firstDeferredAtMs: 0 }).judged).toEqual([
    'delivered',
    'not-found',
    'rejected',
    'given-up',
    'unanswered, the last time',
  ]);
});

test('a retry is too old from its age or its attempts on', () => {
  const of = (attempts: number, ageMs: number): boolean =>
    isTooOld({ attempts, firstDeferredAtMs: 1_000 }, dayMs, 1_000 + ageMs);
  expect([of(1, dayMs - 1), of(1, dayMs), of(99, 0), of(100, 0)]).toEqual([false, true, false, true]);
  expect(isTooOld(undefined, 0, dayMs)).toBe(false);
});

test('a destination is stalled from the share of the least number of answers on', () => {
  // The share is 0.9 of 20 answers at the least.
  expect(fatesOf([...times(18, rejected), ...times(2, delivered)])).toMatchObject({ stalls: 1 });
  expect(fatesOf([...times(17, rejected), ...times(3, delivered)])).toMatchObject({ stalls: 0 });
  expect(fatesOf(times(19, rejected))).toMatchObject({ stalls: 0, judged: times(19, rejected).map(() => 'rejected') });
});

test('a stall says of which destination how many changes were rejected, and why the first was', () => {
  const opened = openActivation();
  judgeResults(rowsOf(opened, times(20, rejected)), undefined, opened.context);
  const [line = ''] = opened.lines.filter((each) => each.includes('"destination-stalled"'));
  expect(JSON.parse(line)).toMatchObject({ destination: 'crm', changes: 20, reason: 'no such field' });
});

test('the time of a pause does not make a retry too old', () => {
  const old = { attempts: 1_000, firstDeferredAtMs: 0 };
  expect(isTooOld({ ...old, class: 'transient' }, dayMs, 2 * dayMs)).toBe(true);
  expect(isTooOld({ ...old, class: pausedClass }, dayMs, 2 * dayMs)).toBe(false);
});

test('what has no answer yet counts for no stall, neither as an answer nor against the share', () => {
  expect(fatesOf([...times(19, rejected), busy])).toMatchObject({ stalls: 0 });
  expect(fatesOf([...times(20, rejected), ...times(20, busy)])).toMatchObject({ stalls: 1 });
});

test('a retry of what was held back stalls again on the first rejection, and never without one', () => {
  expect(fatesOf([rejected], { class: 'stalled' })).toEqual({ stalls: 1, judged: ['deferred'] });
  expect(fatesOf([delivered], { class: 'stalled' })).toEqual({ stalls: 0, judged: ['delivered'] });
  expect(fatesOf([busy], { class: 'stalled' })).toEqual({ stalls: 0, judged: ['deferred'] });
  expect(fatesOf([rejected], { class: 'transient' })).toEqual({ stalls: 0, judged: ['rejected'] });
  expect(fatesOf([rejected], { class: 'stalled', isReplay: true })).toEqual({ stalls: 0, judged: ['rejected'] });
});

function deferralsOf(results: readonly DeliveryResult[], over: Partial<DeliveredRow> = {}) {
  const opened = openActivation();
  const rows = rowsOf(opened, results).map((row) => ({ ...row, ...over }));
  const deferrals = judgeResults(rows, undefined, opened.context).map((row) => deferralOf(row, opened.context));
  return { deferrals, nowMs: opened.clock.nowMs, timing: opened.context.timing };
}

const base = { destination: 'crm', audience: 'sports-fans', isLeased: false, givesUp: false };

test('what a destination did not take is deferred with its own words', () => {
  const { deferrals } = deferralsOf([delivered, notFound, rejected, { ...busy, notBeforeMs: 7, receipt: 'job-1' }]);
  const accepted = ['change-3', 'job-1'];
  const deferred = { class: 'throttled', reason: 'busy', wasTried: true, notBeforeMs: 7, accepted };
  expect(deferrals).toStrictEqual([undefined, undefined, undefined, { ...base, key: fansKey('p3'), ...deferred }]);
  const event = eventOf(personExport(), 1);
  expect(deferralsOf([busy], { event }).deferrals).toStrictEqual([
    { ...base, key: fansKey('p0'), event, class: 'throttled', reason: 'busy', wasTried: true, notBeforeMs: 0 },
  ]);
});

test('what is held back is deferred as stalled, and was tried', () => {
  const [first] = deferralsOf(times(20, rejected)).deferrals;
  const held = { class: 'stalled', reason: 'no such field', wasTried: true, notBeforeMs: 0 };
  expect(first).toStrictEqual({ ...base, key: fansKey('p0'), ...held });
});

test('what has no answer is looked after when its lease has expired, and a repair when no clock can take it for live', () => {
  const told = deferralsOf([unanswered]);
  expect(told.deferrals[0]).toMatchObject({ isLeased: true, notBeforeMs: told.nowMs + 60_000 + 1_000 });
  const repair = deferralsOf([unanswered], { isRepair: true });
  const marginMs = repair.timing.leaseMs - repair.timing.settleByMs;
  expect(repair.deferrals[0]).toMatchObject({ notBeforeMs: repair.nowMs + 60_000 + marginMs });
});

test('a row keeps the doubt with which it is given up, and is in none without it', () => {
  const settled = (result: DeliveryResult, firstDeferredAtMs?: number): LedgerRecord | undefined => {
    const opened = openActivation();
    const work = { events: [], retry: retryOf(opened, firstDeferredAtMs === undefined ? {} : { firstDeferredAtMs }) };
    const [row] = judgeResults(rowsOf(opened, [result]), work, opened.context);
    return row && settledRecord(row, new Map([[row.keyText, 'r1']]), opened.clock.nowMs);
  };
  expect(settled({ ...busy, doubt: 'answered' }, 0)).toMatchObject({ rowState: { is: 'given-up' }, inDoubt: true });
  expect(settled(busy, 0)).toMatchObject({ rowState: { is: 'given-up' }, inDoubt: false });
  expect(settled({ ...rejected, doubt: 'answered' })).toMatchObject({ rowState: { is: 'rejected' }, inDoubt: true });
  expect(settled(busy)).toMatchObject({ rowState: { is: 'deferred', chainId: 'r1' }, inDoubt: false });
  expect(settled(unanswered)).toBeUndefined();
});

test('what is paused is deferred, however old it is', () => {
  const opened = openActivation();
  const paused: DeliveryResult = { status: 'retry', class: 'paused', reason: 'paused', wasTried: false };
  const old = { events: [], retry: retryOf(opened, { firstDeferredAtMs: 0 }) };
  const fateOf = (result: DeliveryResult) => judgeResults(rowsOf(opened, [result]), old, opened.context)[0]?.fate;
  expect([fateOf(paused), fateOf(busy)]).toEqual(['deferred', 'given-up']);
});
