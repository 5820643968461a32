import type { Retry } from '@activation-hub/delivery';
import { exampleRetry } from '@activation-hub/delivery/testing';
import { historyOf, leaseLeftMaxMs, type LedgerKey, type LedgerRecord } from '@activation-hub/membership';
import { exampleRecord, exampleState } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, fansId, fansKey, noonMs, openActivation, personExport } from '../testing/index.ts';
import type { ObservedChange } from './observed-change.ts';
import { takeOpenRows } from './open-rows.ts';
import { Tally } from './tally.ts';

const none = { newest: new Map(), rejectedKeys: new Set<string>() };

const { signal } = new AbortController();
const hourMs = 3_600_000;
const event = eventOf(personExport(), 1);
const known = exampleState({ qualifiedAtMs: noonMs, content: 'a' });
const chain = { is: 'deferred', chainId: 'r1' } as const;
const deferred = exampleRecord({ known, attributes: { firstname: 'Ada' }, rowState: chain });
const withoutRoute = {
  class: 'route-gone',
  reason: 'The activation file has no route of this audience to this destination any more.',
};
/** What an awaited route is waited for with. */
const awaiting = { ...withoutRoute, wasTried: false, notBeforeMs: 0, isLeased: false, givesUp: false };

function fileWith(mode: string | undefined): string {
  return `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [${mode === undefined ? '' : `{ destination: crm, identity: crmid, mode: ${mode} }`}] }
`;
}

interface Taking {
  readonly mode?: string;
  /** How old the retry is. */
  readonly ageMs?: number;
  readonly record?: LedgerRecord;
  readonly key?: LedgerKey;
  readonly retry?: Partial<Retry>;
  /** What another worker makes of the row before it is written. */
  readonly overtaken?: LedgerRecord;
}

/** Takes the open rows of a retry that brings one event, with the row of one person. */
async function take({ mode, ageMs = hourMs, record = deferred, key = fansKey(), retry: over = {}, overtaken }: Taking) {
  const ledger = new DisturbedLedger();
  const opened = openActivation({ file: fileWith(mode), ledger });
  const nowMs = opened.clock.nowMs;
  await ledger.overwrite(key, record);
  if (overtaken !== undefined) ledger.beforeWrite = (n) => (n === 1 ? ledger.overwrite(key, overtaken) : undefined);
  const observed: ObservedChange[] = [];
  const context = { ...opened.context, observe: (change: ObservedChange) => void observed.push(change) };
  const retry = exampleRetry({
    id: 'r1',
    events: [{ event, audiences: ['sports-fans'], rows: [key] }],
    firstDeferredAtMs: nowMs - ageMs,
    ...over,
  });
  const by = { holder: 'me', expiresAtMs: nowMs + 180_000 };
  const tally = new Tally(context);
  const { leased, deferred: waiting } = await takeOpenRows({ events: [], retry }, none, by, context, tally, signal);
  const [row] = await ledger.read([key], signal);
  const letters = opened.letters().map(({ failures, outcome, class: cause }) => ({ outcome, class: cause, failures }));
  return {
    nowMs,
    leased,
    deferrals: waiting.map(({ deferral }) => deferral),
    letters,
    record: row?.record,
    outcomes: observed.map(({ destination, outcome }) => `${destination} ${outcome}`),
    observed,
    reads: tally.ledgerReads,
  };
}

test.each([
  ['gone', undefined],
  ['in shadow mode', 'shadow'],
])('a row whose route is %s waits for a worker with another file until its retry is an hour old', async (_, mode) => {
  const taken = await take({ ...(mode === undefined ? {} : { mode }), ageMs: hourMs - 1 });
  expect(taken).toMatchObject({ leased: [], letters: [], record: deferred, outcomes: ['crm deferred'] });
  expect(taken.deferrals).toStrictEqual([
    { destination: 'crm', key: fansKey(), event, audience: 'sports-fans', ...awaiting },
  ]);
});

test('a deferral has the name that its audience has by now', async () => {
  const retry = { events: [{ event, audiences: ['as-it-was-called'], rows: [fansKey()] }] };
  expect(await take({ mode: 'shadow', ageMs: 0, retry })).toMatchObject({ deferrals: [{ audience: 'sports-fans' }] });
});

test('when its retry is an hour old, a row whose route is gone is given up, with a letter that names it and why', async () => {
  const { nowMs, record, letters, deferrals, observed } = await take({});
  expect(record).toMatchObject({ known, rowState: { is: 'given-up' } });
  expect(historyOf(record ?? {}).transitions.at(-1)).toMatchObject({ did: 'given-up', atMs: nowMs, ...withoutRoute });
  const failure = { audience: 'sports-fans', reason: withoutRoute.reason, rows: [fansKey()] };
  expect(letters).toMatchObject([{ outcome: 'given-up', class: 'route-gone', failures: [failure] }]);
  expect(deferrals).toEqual([]);
  expect(observed).toMatchObject([
    { destination: 'crm', outcome: 'given-up', identity: fansKey().identity, ...withoutRoute },
  ]);
});

test('when its retry is an hour old, a row whose route is in shadow mode is paused, on account of the retry', async () => {
  const { nowMs, record, letters, observed } = await take({ mode: 'shadow' });
  expect(record).toMatchObject({ known, rowState: { is: 'paused' } });
  expect(historyOf(record ?? {}).transitions).toMatchObject([{ did: 'paused', because: 'retry', atMs: nowMs }]);
  expect(letters).toEqual([]);
  expect(observed).toMatchObject([{ destination: 'crm', outcome: 'paused', audience: 'sports-fans' }]);
});

test('a row that is settled by now is left as it is, though its route is gone', async () => {
  const record = exampleRecord({ known });
  expect(await take({ record })).toMatchObject({ leased: [], letters: [], deferrals: [], record, outcomes: [] });
});

test('of a retired route the person is taken out', async () => {
  const { leased, record } = await take({ mode: 'retired' });
  expect(leased).toMatchObject([{ kind: 'exited', state: { ...known, isMember: false, content: '' }, event }]);
  expect(record).toMatchObject({ rowState: { is: 'leased', holder: 'me' }, attributes: {} });
});

test('a row that is told from the ledger alone has neither event nor letter', async () => {
  const retry = { events: [], rows: [fansKey()] };
  const { leased } = await take({ mode: 'live', retry });
  expect(leased).toHaveLength(1);
  expect(leased[0]).not.toHaveProperty('event');
  expect(await take({ retry })).toMatchObject({ letters: [], record: { rowState: { is: 'given-up' } } });
  const { deferrals } = await take({ retry, ageMs: 0 });
  expect(deferrals).toStrictEqual([{ destination: 'crm', key: fansKey(), audience: '', ...awaiting }]);
});

test('under a live lease of another process a row is looked at soon, then waits for its end, and a lease that is too long is cut', async () => {
  const leasedFor = (ms: number): LedgerRecord => {
    const expiresAtMs = noonMs + hourMs + ms;
    return { ...deferred, rowState: { is: 'leased', holder: 'other', expiresAtMs } };
  };
  const waits = {
    isLeased: true,
    reason: 'another process is telling the destination',
    event,
    audience: 'sports-fans',
  };
  const soon = await take({ mode: 'live', record: leasedFor(60_000) });
  expect(soon.deferrals).toMatchObject([{ ...waits, notBeforeMs: soon.nowMs + 2_000 }]);
  const retry = { reason: waits.reason };
  const live = await take({ mode: 'live', record: leasedFor(60_000), retry });
  expect(live.deferrals).toMatchObject([{ ...waits, notBeforeMs: live.nowMs + 61_000 }]);
  expect(live).toMatchObject({ leased: [], outcomes: ['crm deferred'], record: leasedFor(60_000) });
  const long = await take({ mode: 'live', record: leasedFor(10 * hourMs), retry });
  expect(long.deferrals).toMatchObject([{ ...waits, notBeforeMs: long.nowMs + leaseLeftMaxMs + 1_000 }]);
  expect(long).toMatchObject({ outcomes: ['crm deferred'], record: leasedFor(leaseLeftMaxMs) });
});

test.each(['live', 'shadow', undefined])(
  'a row that another process writes first is looked at again at once (%s)',
  async (mode) => {
    const overtaken = { ...deferred, inDoubt: true };
    const taken = await take({ ...(mode === undefined ? {} : { mode }), overtaken });
    expect(taken).toMatchObject({ leased: [], record: overtaken, outcomes: ['crm deferred'] });
    expect(taken.deferrals).toMatchObject([{ isLeased: true, event, notBeforeMs: taken.nowMs + 1_000 }]);
    expect(taken.observed).toMatchObject([{ identity: fansKey().identity, event: { sequenceNumber: 1 } }]);
  },
);

test('of an event without rows, which could not be read before, only the audiences without a route wait, and are given up', async () => {
  const retry = { events: [{ event, audiences: ['sports-fans', 'travellers'], rows: [] }] };
  const young = await take({ mode: 'live', retry, ageMs: 0 });
  expect(young.deferrals).toStrictEqual([{ destination: 'crm', event, audience: 'travellers', ...awaiting }]);
  expect(young).toMatchObject({ letters: [], outcomes: ['crm deferred'], reads: 0 });
  const old = await take({ mode: 'live', retry });
  expect(old).toMatchObject({ deferrals: [], outcomes: ['crm given-up'] });
  expect(old.observed).toMatchObject([{ audience: 'travellers', event: { sequenceNumber: 1 }, ...withoutRoute }]);
  expect(old.letters).toMatchObject([{ outcome: 'given-up', failures: [{ audience: 'travellers' }] }]);
  expect(old.letters[0]?.failures[0]).not.toHaveProperty('rows');
  const routed = { events: [{ event, audiences: ['sports-fans'], rows: [] }] };
  expect(await take({ mode: 'live', retry: routed })).toMatchObject({ deferrals: [], letters: [], outcomes: [] });
});

test('the letter of an event names only the audiences that the file does not route', async () => {
  const rows = [{ ...fansKey(), audience: { namespace: 'ups', id: 'travellers' } }];
  const retry = { events: [{ event, audiences: ['sports-fans', 'travellers'], rows }] };
  const ledger = new DisturbedLedger();
  const { context, letters } = openActivation({ file: fileWith('live'), ledger });
  for (const key of rows) await ledger.overwrite(key, deferred);
  const work = { events: [], retry: exampleRetry({ id: 'r1', firstDeferredAtMs: 0, ...retry }) };
  const by = { holder: 'me', expiresAtMs: Infinity };
  await takeOpenRows(work, none, by, context, new Tally(context), signal);
  expect(letters().map(({ failures }) => failures.map(({ audience }) => audience))).toEqual([['travellers']]);
});

test('a row whose audience has another id in the file by now is given up with a letter that names the audience', async () => {
  const key = { ...fansKey(), audience: { namespace: 'ups', id: 'former-id' } };
  const { letters, outcomes } = await take({ mode: 'live', key });
  expect(letters).toMatchObject([
    { outcome: 'given-up', class: 'route-gone', failures: [{ audience: 'sports-fans', rows: [key] }] },
  ]);
  expect(outcomes).toEqual(['crm given-up']);
});

test('a row whose route is paused by now is paused at once, and waits for no other file', async () => {
  const { outcomes, record, leased, deferrals } = await take({ mode: 'paused', ageMs: 0 });
  expect([outcomes, record?.rowState, leased, deferrals]).toEqual([['crm paused'], { is: 'paused' }, [], []]);
});
