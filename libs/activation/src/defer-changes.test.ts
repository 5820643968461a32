import { circuitOpenCause, pausedClass, type Retry } from '@activation-hub/delivery';
import { exampleRetry } from '@activation-hub/delivery/testing';
import { DestinationError } from '@activation-hub/destination-kit';
import { lease, settle } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import {
  defaultFile,
  DisturbedLedger,
  eventOf,
  fansKey,
  memberAt,
  noonMs,
  openActivation,
  personExport,
  rowOf,
  type TestActivation,
} from '../testing/index.ts';
import {
  chainIdOf,
  deferralOf as deferralOfRow,
  deferredBy,
  heldBackDeferral,
  delayMinMs,
  dueAgainAtMs,
  isFollowedBy,
  putRetries,
  retryWaitMaxMs,
  stalledClass,
  waitingDeferral,
  type Deferral,
} from './defer-changes.ts';

const { signal } = new AbortController();

const exitedLater = {
  status: 'exited',
  isMember: false,
  qualifiedAtMs: noonMs + 60_000,
  enqueuedAtMs: noonMs,
  sequenceNumber: 0,
  content: '',
} as const;

test('a deferred row that another process has written meanwhile is forgotten by the cache, and the next export is judged by the row', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm, outcomes } = openActivation({ ledger });
  const ada = (n: number) => eventOf(personExport({ identities: { crmid: ['p1'] }, firstName: 'Ada' }), n);
  const grace = eventOf(personExport({ identities: { crmid: ['p1'] }, firstName: 'Grace' }), 5);
  await activate(ada(1));
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  for (const [n, person] of ['p2', 'p3', 'p4'].entries())
    await activate(eventOf(personExport({ person, identities: { crmid: [person] } }), 2 + n));
  // The circuit is open, so the change is deferred untold; another worker tells of the exit at the
  // same moment.
  ledger.beforeWrite = async () => {
    const taken = lease(
      undefined,
      { state: exitedLater, attributes: {} },
      { holder: 'another worker', expiresAtMs: 0 },
    );
    await ledger.overwrite(fansKey(), settle(taken, 'delivered'));
  };
  await activate(grace);
  ledger.beforeWrite = () => undefined;
  await activate(ada(6));
  expect(outcomes()).toEqual({ 'crm delivered': 1, 'crm deferred': 4, 'crm superseded': 1 });
});

const notReached: Deferral = {
  destination: 'crm',
  audience: 'sports-fans',
  class: 'transient',
  reason: 'Not reached.',
  wasTried: true,
  notBeforeMs: 0,
  isLeased: false,
  givesUp: false,
};

/** What a destination did not take of a person. */
function deferralOf(person = 'p1', over: Partial<Deferral> = {}): Deferral {
  return { ...notReached, key: fansKey(person), event: eventOf(personExport({ person }), 1), ...over };
}

/** The retries that these deferrals are put into. */
async function retriesOf(
  deferrals: readonly Deferral[],
  { retry, opened = openActivation() }: { readonly retry?: Retry; readonly opened?: TestActivation } = {},
): Promise<readonly Retry[]> {
  await putRetries(deferrals, retry === undefined ? undefined : { events: [], retry }, opened.context, signal);
  const waiting: Retry[] = [];
  for await (const each of opened.retryQueue.waiting(signal)) waiting.push(each);
  return waiting;
}

test('what a call defers waits in one retry, with each event once and the rows that came with it', async () => {
  const event = eventOf(personExport(), 1);
  const [first, second] = [deferralOf('p1', { event }), deferralOf('p2')];
  const withoutRow = { ...notReached, event, audience: 'travellers' };
  const fromLedger = { ...notReached, key: fansKey('p3') };
  const opened = openActivation();
  const [retry, ...others] = await retriesOf([first, second, withoutRow, fromLedger], { opened });
  expect(others).toEqual([]);
  expect(retry).toStrictEqual({
    id: expect.any(String) as string,
    destination: 'crm',
    events: [
      { event: first.event, audiences: ['sports-fans', 'travellers'], rows: [fansKey('p1')] },
      { event: second.event, audiences: ['sports-fans'], rows: [fansKey('p2')] },
    ],
    rows: [fansKey('p3')],
    attempts: 1,
    firstDeferredAtMs: opened.clock.nowMs,
    class: 'transient',
    reason: 'Not reached.',
    isReplay: false,
    dueAtMs: opened.retryQueue.nextDueAtMs,
  });
  const waitMs = (opened.retryQueue.nextDueAtMs ?? NaN) - opened.clock.nowMs;
  expect(JSON.parse(opened.lines.at(-1) ?? '')).toMatchObject({
    signal: 'changes-deferred',
    destination: 'crm',
    changes: 4,
    attempts: 1,
    class: 'transient',
    reason: 'Not reached.',
    waitMs,
  });
});

test.each<[string, Partial<Deferral>]>([
  ['for another destination', { destination: 'ads' }],
  ['for a lease', { isLeased: true }],
  ['to be given up', { givesUp: true }],
  ['for the pace of the destination', { reason: 'its turn comes too late to wait for', wasTried: false }],
  ['to be asked for', { accepted: ['change-1', 'receipt-1'] }],
  ['because its destination is stalled', { class: stalledClass }],
  ['because it is paused', { class: pausedClass }],
])('what waits %s has a retry of its own', async (_, over) => {
  const retries = await retriesOf([deferralOf('p1'), deferralOf('p2', over), deferralOf('p3')]);
  const people = retries.map(({ events }) => events.flatMap(({ rows }) => rows.map(({ identity }) => identity.value)));
  expect(people).toEqual([['p1', 'p3'], ['p2']]);
});

test('a retry is an attempt when one of its changes was tried, and goes on as the one that is worked on', async () => {
  const untried = deferralOf('p2', { wasTried: false });
  const retry = exampleRetry({ id: 'r1', attempts: 4, firstDeferredAtMs: noonMs, isReplay: true });
  expect(await retriesOf([untried])).toMatchObject([{ attempts: 0 }]);
  expect(await retriesOf([deferralOf('p1'), untried], { retry })).toMatchObject([
    { chainId: 'r1', attempts: 5, firstDeferredAtMs: noonMs, isReplay: true },
  ]);
});

test('a retry goes on in the trace in which its changes were deferred first', async () => {
  const { context, retryQueue } = openActivation();
  const traced = { ...context, telemetry: { ...context.telemetry, traceParent: () => 'of this call' } };
  const put = (work?: { readonly events: []; readonly retry: Retry }) =>
    putRetries([deferralOf('p1')], work, traced, signal);
  await put();
  await put({ events: [], retry: exampleRetry({ traceParent: 'of the first' }) });
  const retries = await Array.fromAsync(retryQueue.waiting(signal));
  expect(retries.map(({ traceParent }) => traceParent).toSorted()).toEqual(['of the first', 'of this call']);
});

test('the time of a pause does not count, and while it lasts nothing of a retry becomes younger', async () => {
  const opened = openActivation();
  const retry = exampleRetry({ id: 'r1', class: pausedClass, firstDeferredAtMs: noonMs });
  const again = await retriesOf([deferralOf('p1', { class: pausedClass })], { retry });
  expect(again).toMatchObject([{ class: pausedClass, firstDeferredAtMs: noonMs }]);
  const after = await retriesOf([deferralOf('p1')], { retry, opened });
  expect(after).toMatchObject([{ class: 'transient', firstDeferredAtMs: opened.clock.nowMs }]);
});

const mebibyte = 1_048_576;
const eventOfBytes = (bytes: number) => ({ ...eventOf(personExport(), 1), body: new Uint8Array(bytes) });

test('one retry has no more than four mebibytes of events, each counted once', async () => {
  const [one, two, three] = [eventOfBytes(2 * mebibyte), eventOfBytes(2 * mebibyte), eventOfBytes(1)];
  const deferrals = [one, one, two, one, three, three].map((event, n) => deferralOf(`p${n}`, { event }));
  const events = (await retriesOf(deferrals)).map((retry) => retry.events.map(({ event }) => event.body.byteLength));
  expect(events).toEqual([[2 * mebibyte, 2 * mebibyte], [1]]);
});

test('a change whose row another process has leased is looked at again soon, and by the retry of that look after the lease', () => {
  const of = { destination: 'crm', key: fansKey(), audience: 'sports-fans' };
  const waits = {
    ...of,
    class: 'transient',
    reason: 'another process is telling the destination',
    wasTried: false,
    isLeased: true,
    givesUp: false,
  };
  const nowMs = noonMs;
  const after = (leftMs: number, retry?: Retry) =>
    waitingDeferral(of, nowMs + leftMs, retry === undefined ? undefined : { events: [], retry }, nowMs);
  expect(after(60_000)).toStrictEqual({ ...waits, notBeforeMs: nowMs + 2_000 });
  expect(after(500)).toStrictEqual({ ...waits, notBeforeMs: nowMs + 1_500 });
  // Of a retry that was woken two processes may have a message each.
  expect(after(60_000, exampleRetry())).toStrictEqual({ ...waits, notBeforeMs: nowMs + 2_000 });
  const again = exampleRetry({ reason: waits.reason });
  expect(after(60_000, again)).toStrictEqual({ ...waits, notBeforeMs: nowMs + 61_000 });
});

test('a row waits for no retry that was not put', () => {
  const refusal = 'Failed to defer a change: no retry was put for its row.';
  expect(() => chainIdOf(new Map(), fansKey())).toThrow(refusal);
  expect(() => chainIdOf(new Map(), undefined)).toThrow(refusal);
  expect(deferredBy('r1')).toStrictEqual({ is: 'deferred', chainId: 'r1' });
});

test.each([
  ['its retry brings an export with the same identities', 'brought'],
  ['they were followed with these identities before', 'followed'],
  ['the export has no identity to follow by', ''],
])('the person of a row that waits is not followed once more when %s', (_, linkDigest) => {
  const held = deferredBy('r1', 'brought');
  const record = rowOf(memberAt(), { linkDigest: 'followed' });
  expect(isFollowedBy(held, record, linkDigest)).toBe(true);
  expect(isFollowedBy(held, record, 'new')).toBe(false);
});

const circuitOpen = { reason: circuitOpenCause(undefined, 0).reason, wasTried: false };

test.each([
  ['crm', defaultFile],
  ['old', defaultFile.replace('crm: {', 'crm: { formerly: old,')],
])(
  'what is put because of a circuit that has closed meanwhile is due at once, also under a former name (%#)',
  async (destination, file) => {
    const opened = openActivation({ file });
    await retriesOf([deferralOf('p1', { ...circuitOpen, destination, notBeforeMs: opened.clock.nowMs + 60_000 })], {
      opened,
    });
    opened.clock.nowMs += delayMinMs - 1;
    expect(await opened.retryDue()).toBe(0);
    opened.clock.nowMs += 1;
    expect(await opened.retryDue()).toBe(1);
  },
);

test('what was put for another reason than an open circuit waits for its own time, also where none is open', async () => {
  const opened = openActivation();
  await retriesOf([deferralOf('p1', { notBeforeMs: opened.clock.nowMs + 60_000 })], { opened });
  expect(opened.retryQueue.nextDueAtMs).toBe(opened.clock.nowMs + 60_000);
});

test('what is held back was neither tried nor leased, and comes at the time that is named', () => {
  const { context } = openActivation();
  const key = fansKey();
  const { audience, route } = context.matcher.routeOf(key) ?? expect.unreachable();
  const event = eventOf(personExport(), 1);
  const desired = { key, audience, route, event } as Parameters<typeof heldBackDeferral>[0];
  expect(heldBackDeferral(desired, { class: 'c', reason: 'r', notBeforeMs: 5 })).toEqual({
    class: 'c',
    reason: 'r',
    wasTried: false,
    destination: 'crm',
    key,
    event,
    audience: 'sports-fans',
    notBeforeMs: 5,
    isLeased: false,
    givesUp: false,
  });
});

test('a retry waits an hour at the longest, or as long as its destination may ask for, and a minute for the clocks', () => {
  const hourMs = 3_600_000;
  expect(retryWaitMaxMs(undefined)).toBe(hourMs + 60_000);
  expect(retryWaitMaxMs({ retryAfterMaxMs: hourMs - 1 })).toBe(hourMs + 60_000);
  expect(retryWaitMaxMs({ retryAfterMaxMs: hourMs + 1 })).toBe(hourMs + 60_001);
});

test('only the state of a row that is deferred says how', () => {
  const held = deferredBy('r1', 'links');
  expect(deferralOfRow({ record: rowOf(memberAt(), { rowState: held }), version: '1' })).toBe(held);
  expect(deferralOfRow({ record: rowOf(memberAt()), version: '1' })).toBeUndefined();
  expect(deferralOfRow(undefined)).toBeUndefined();
});

test('a destination that the file does not name has no circuit that could have closed', async () => {
  expect(await retriesOf([deferralOf('p1', { ...circuitOpen, destination: 'gone' })])).toHaveLength(1);
});

test('what a destination has named a time for is not due before it because a circuit has closed', async () => {
  const opened = openActivation();
  const throttled = deferralOf('p2', { class: 'throttled', notBeforeMs: opened.clock.nowMs + 600_000 });
  await retriesOf([deferralOf('p1', circuitOpen), throttled], { opened });
  expect(opened.retryQueue.nextDueAtMs).toBe(opened.clock.nowMs + 600_000);
});

test('what waits for the pace comes at the first of its times, however old the retry is', async () => {
  const opened = openActivation();
  const { nowMs } = opened.clock;
  const later = (person: string, seconds: number) =>
    deferralOf(person, {
      reason: 'its turn comes too late to wait for',
      wasTried: false,
      notBeforeMs: nowMs + seconds * 1_000,
    });
  const retry = exampleRetry({ firstDeferredAtMs: nowMs - 3_600_000, attempts: 0 });
  await retriesOf([later('p1', 40), later('p2', 20), later('p3', 30)], { retry, opened });
  expect(opened.retryQueue.nextDueAtMs).toBe(nowMs + 20_000);
});

test('what waits for the pace waits a second at least', async () => {
  const opened = openActivation();
  const { nowMs } = opened.clock;
  await retriesOf([deferralOf('p1', { reason: 'its turn comes too late to wait for', notBeforeMs: nowMs + 10 })], {
    opened,
  });
  expect(opened.retryQueue.nextDueAtMs).toBe(nowMs + delayMinMs);
});

test.each([
  ['after its first attempt', 1, 0, 11],
  ['after its third attempt, in the same moment', 3, 0, 41],
  ['untried, as old as the first wait', 0, 10_000, 11],
  ['untried, as old as the first two waits', 0, 20_000, 21],
  ['untried, after an hour', 0, 3_600_000, 2_561],
  ['however often it was tried, after an hour at the latest', 20, 60_000, 3_601],
])('a retry is due again by its attempts or by its age: %s', (_, attempts, ageMs, seconds) => {
  const clock = { now: () => noonMs, sleep: () => Promise.resolve(), random: () => 1 };
  const dueAtMs = dueAgainAtMs({ attempts, firstDeferredAtMs: noonMs - ageMs }, { clock });
  expect((dueAtMs - noonMs) / 1_000).toBe(seconds);
});
