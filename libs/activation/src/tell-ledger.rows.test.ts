import {
  historyOf,
  type Identity,
  type LedgerEntry,
  type LedgerKey,
  type LedgerRecord,
  type LedgerSelection,
} from '@activation-hub/membership';
import { expect, test } from 'vitest';
import {
  DisturbedLedger,
  exitedAt,
  fansId,
  fansKey,
  memberAt,
  noonMs,
  openActivation,
  putRow,
  rowOf,
  travellersId,
  untoldRowOf,
} from '../testing/index.ts';
import { countFill, countResync, countRetire, fill, renew, resync, retire, takeOut } from './tell-ledger.ts';

const { signal } = new AbortController();
const fileOf = (mode = 'live', crm = 'crm: { type: recording }'): string => `
version: 1
destinations:
  ${crm}
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    activate: [{ destination: crm, identity: crmid, mode: ${mode} }, { destination: ads, identity: crmid }]
  travellers: { id: ${travellersId}, activate: [{ destination: crm, identity: crmid, mode: ${mode} }] }
`;

const travellersKey = (person = 'p1'): LedgerKey => ({
  ...fansKey(person),
  audience: { namespace: 'ups', id: travellersId },
});
const goneKey: LedgerKey = { ...fansKey(), audience: { namespace: 'ups', id: 'gone' } };
const p1: Identity = fansKey().identity;

/** A ledger in which something happens before a row of a walk is given. */
class WalkedLedger extends DisturbedLedger {
  beforeRow: (row: LedgerEntry) => void = () => undefined;

  override async *rows(of: LedgerSelection, walkSignal: AbortSignal) {
    for await (const row of super.rows(of, walkSignal)) {
      this.beforeRow(row);
      yield row;
    }
  }
}

/** Parts whose ledger has these rows, and a walk over those of `crm`. */
async function open(rows: readonly (readonly [LedgerKey, LedgerRecord])[], file = fileOf(), over = {}) {
  const ledger = new WalkedLedger();
  const opened = openActivation({ file, ledger, ...over });
  for (const [key, record] of rows) await putRow(ledger, key, record);
  const recordOf = async (key = fansKey()) => (await ledger.read([key], signal))[0]?.record;
  return { ...opened, ledger, recordOf, walk: { context: opened.context, destination: 'crm' } };
}

const deferred = { is: 'deferred', chainId: 'c1' } as const;
const leased = { is: 'leased', holder: 'other', expiresAtMs: noonMs } as const;

test.each<[string, number, LedgerRecord]>([
  ['a member who was told', 1, rowOf(memberAt())],
  ['a person who left', 0, rowOf(exitedAt())],
  ['a person who left, in doubt', 1, rowOf(exitedAt(), { inDoubt: true })],
  ['a member who was only noted', 1, untoldRowOf(memberAt())],
  ['an exit that was only noted', 0, untoldRowOf(exitedAt())],
  ['an exit that was only noted, in doubt', 1, untoldRowOf(exitedAt(), { inDoubt: true })],
  ['a rejected member', 0, untoldRowOf(memberAt(), { rowState: { is: 'rejected' } })],
  ['a rejected member, in doubt', 1, untoldRowOf(memberAt(), { rowState: { is: 'rejected' }, inDoubt: true })],
  ['a member who is not found', 0, untoldRowOf(memberAt(), { rowState: { is: 'not-found' } })],
  ['a member who is not found, in doubt', 1, untoldRowOf(memberAt(), { rowState: { is: 'not-found' }, inDoubt: true })],
  ['an exit that is deferred', 1, rowOf(exitedAt(), { rowState: deferred })],
  ['an exit that is given up', 1, rowOf(exitedAt(), { rowState: { is: 'given-up' } })],
  ['an exit that is leased', 1, rowOf(exitedAt(), { rowState: leased })],
  ['a paused member', 1, untoldRowOf(memberAt(), { rowState: { is: 'paused' } })],
  ['a paused exit of a person who was never told', 0, untoldRowOf(exitedAt(), { rowState: { is: 'paused' } })],
  ['a paused exit of a person who had left', 0, rowOf(exitedAt(), { rowState: { is: 'paused' } })],
  ['a paused exit of a member', 1, rowOf(exitedAt(), { rowState: { is: 'paused' }, delivered: memberAt() })],
  ['a paused exit, in doubt', 1, untoldRowOf(exitedAt(), { rowState: { is: 'paused' }, inDoubt: true })],
])('of %s a resync tells %i', async (_, told, record) => {
  const { walk } = await open([[fansKey(), record]]);
  expect(await countResync(walk, signal)).toMatchObject({ rows: told });
});

test('rows whose audience the file does not have are left where they are, whatever walks', async () => {
  const file = { live: fileOf(), retired: fileOf('retired') };
  const live = await open([[goneKey, rowOf(memberAt())]], file.live);
  expect(await countResync(live.walk, signal)).toMatchObject({ rows: 0 });
  expect(await takeOut({ ...live.walk, identities: [p1] }, { signal })).toMatchObject({ rows: 0 });
  const retired = await open([[goneKey, rowOf(memberAt())]], file.retired);
  expect(await countRetire(retired.walk, signal)).toMatchObject({ rows: 0 });
});

test('rows are found under the name that the ledger has of a destination, and of one that the file does not have under its own', async () => {
  const key = { ...fansKey(), destination: 'customers' };
  const crm = 'crm: { type: recording, formerly: customers }';
  const live = await open([[key, rowOf(memberAt())]], fileOf('live', crm));
  expect(await countResync(live.walk, signal)).toMatchObject({ rows: 1 });
  expect(await countResync({ ...live.walk, destination: 'gone' }, signal)).toMatchObject({ rows: 0 });
  expect(await takeOut({ ...live.walk, destination: 'gone', identities: [p1] }, { signal })).toMatchObject({ rows: 0 });
  expect(await takeOut({ ...live.walk, identities: [p1] }, { signal })).toMatchObject({ rows: 1, delivered: 1 });
  const retired = await open([[key, rowOf(memberAt())]], fileOf('retired', crm));
  expect(await countRetire(retired.walk, signal)).toMatchObject({ rows: 1 });
});

test.each<[string, number, LedgerRecord]>([
  ['a member', 1, rowOf(memberAt())],
  ['a person who left', 0, rowOf(exitedAt())],
  ['a person who was never told', 0, untoldRowOf(exitedAt())],
  ['a member of whom the destination was not told yet', 1, untoldRowOf(memberAt(), { rowState: deferred })],
  ['a member whose exit waits', 1, rowOf(exitedAt(), { rowState: deferred, delivered: memberAt() })],
  ['a person who left, in doubt', 1, rowOf(exitedAt(), { inDoubt: true })],
])('of %s a retirement and an erasure take out %i', async (_, count, record) => {
  const retired = await open([[fansKey(), record]], fileOf('retired'));
  expect(await countRetire(retired.walk, signal)).toMatchObject({ rows: count });
  const live = await open([[fansKey(), record]]);
  expect(await takeOut({ ...live.walk, identities: [p1] }, { signal })).toMatchObject({ rows: count });
});

test('of one person a resync tells every audience, and nothing of other people', async () => {
  const { walk, crm } = await open([
    [fansKey('p1'), rowOf(memberAt())],
    [fansKey('p2'), rowOf(memberAt())],
    [travellersKey('p1'), rowOf(memberAt())],
  ]);
  const ofPerson = { ...walk, identities: [p1] };
  expect(await countResync(ofPerson, signal)).toMatchObject({ rows: 2 });
  expect(await resync(ofPerson, { signal })).toMatchObject({ rows: 2, delivered: 2 });
  expect(crm.story.toSorted()).toEqual(['entered sports-fans p1', 'entered travellers p1']);
});

test('a retirement takes out of one audience where it is asked for one, and never of a live route', async () => {
  const rows = [
    [fansKey('p1'), rowOf(memberAt())],
    [fansKey('p2'), rowOf(memberAt())],
    [travellersKey('p1'), rowOf(memberAt())],
  ] as const;
  const retired = await open(rows, fileOf('retired'));
  expect(await countRetire(retired.walk, signal)).toMatchObject({ rows: 3 });
  expect(await countRetire({ ...retired.walk, audience: 'travellers' }, signal)).toMatchObject({ rows: 1 });
  expect(await countRetire({ ...retired.walk, audience: 'sports-fans' }, signal)).toMatchObject({ rows: 2 });
  const live = await open(rows);
  expect(await retire(live.walk, { signal })).toMatchObject({ rows: 0 });
});

test('who is taken out leaves a row as of now, without attributes', async () => {
  const member = rowOf({ ...memberAt(), content: 'digest' }, { attributes: { firstname: 'Ada' } });
  const retired = await open([[fansKey(), member]], fileOf('retired'));
  await retire(retired.walk, { signal });
  const erased = await open([[fansKey(), member]]);
  await takeOut({ ...erased.walk, identities: [p1] }, { signal });
  for (const { recordOf, clock } of [retired, erased]) {
    const record = await recordOf();
    expect(record?.known).toEqual({ ...memberAt(), isMember: false, content: '', enqueuedAtMs: clock.nowMs });
    expect(record?.attributes).toEqual({});
  }
});

test('of a person under the lease of another process the row knows the exit, and is left alone', async () => {
  const opened = await open([], fileOf('retired'));
  const expiresAtMs = opened.clock.nowMs + 1;
  await putRow(opened.ledger, fansKey(), rowOf(memberAt(), { rowState: { ...leased, expiresAtMs } }));
  expect(await retire(opened.walk, { signal })).toEqual({
    rows: 1,
    delivered: 0,
    unchanged: 0,
    leftAlone: 1,
    deferred: 0,
    failed: 0,
    unresolved: 0,
    reasons: {},
    unreadable: { rows: 0, names: [] },
    gaveUp: false,
  });
  expect(await opened.recordOf()).toMatchObject({ known: { isMember: false }, rowState: { is: 'leased' } });
});

test('a member whom the destination never took is noted as gone, and counts as unchanged', async () => {
  const rejected = untoldRowOf(memberAt(), { rowState: { is: 'rejected' } });
  const { walk, crm, recordOf } = await open([[fansKey(), rejected]], fileOf('retired'));
  expect(await retire(walk, { signal })).toMatchObject({ rows: 1, unchanged: 1, leftAlone: 0, gaveUp: false });
  expect(crm.requests).toBe(0);
  expect(await recordOf()).toMatchObject({ known: { isMember: false }, rowState: { is: 'noted' } });
});

test('where nothing is to be told, no progress is said', async () => {
  const { walk } = await open([]);
  const progress: unknown[] = [];
  expect(await resync(walk, { signal, onProgress: (counts) => progress.push(counts) })).toMatchObject({ rows: 0 });
  expect(progress).toEqual([]);
});

test('a walk that is stopped within a batch tells nothing of it', async () => {
  const opened = await open([
    [fansKey('p1'), rowOf(memberAt())],
    [fansKey('p2'), rowOf(memberAt())],
  ]);
  const stop = new AbortController();
  opened.ledger.beforeRow = ({ key }) => {
    if (key.identity.value === 'p2') stop.abort();
  };
  expect(await resync(opened.walk, { signal: stop.signal })).toMatchObject({ rows: 1, delivered: 0 });
  expect(opened.crm.requests).toBe(0);
});

const fillOf = ({ walk }: Awaited<ReturnType<typeof open>>) => ({
  context: walk.context,
  destination: 'ads',
  source: 'crm',
  audience: 'sports-fans',
});
const emailKey: LedgerKey = { ...fansKey(), identity: { namespace: 'email', value: 'ada@example.com' } };

test('a filling is counted before it is made: who would be told, and who cannot, without those who wait or have left', async () => {
  const opened = await open([
    [fansKey('p1'), rowOf(memberAt())],
    [fansKey('p2'), rowOf(memberAt(), { rowState: deferred })],
    [fansKey('p3'), rowOf(exitedAt())],
    [emailKey, rowOf(memberAt())],
  ]);
  expect(await countFill(fillOf(opened), signal)).toMatchObject({ rows: 2, unresolved: 1 });
  expect(opened.ads.requests).toBe(0);
  expect(await fill(fillOf(opened), { signal })).toMatchObject({
    rows: 2,
    delivered: 2,
    unchanged: 0,
    leftAlone: 1,
    unresolved: 1,
  });
});

test('who has left is only noted by a filling, and counted nowhere, also when another process writes first', async () => {
  const opened = await open([
    [fansKey('p1'), rowOf(exitedAt(60))],
    [fansKey('p2'), rowOf(exitedAt(60))],
  ]);
  const adsKey = { ...fansKey('p2'), destination: 'ads' };
  opened.ledger.beforeWrite = async (_, writes) => {
    if (!writes.some(({ key }) => key.destination === 'ads')) return;
    opened.ledger.beforeWrite = () => undefined;
    await putRow(opened.ledger, adsKey, rowOf(exitedAt(90)));
  };
  expect(await fill(fillOf(opened), { signal })).toMatchObject({ rows: 0, unchanged: 0, leftAlone: 0, gaveUp: false });
  expect(await opened.recordOf({ ...fansKey('p1'), destination: 'ads' })).toMatchObject({ known: exitedAt(60) });
  expect(await opened.recordOf(adsKey)).toMatchObject({ known: exitedAt(90) });
});

test('a row says who asked for it: a filling, and the night', async () => {
  const dayMs = 86_400_000;
  const opened = await open([[fansKey(), rowOf(memberAt(), { deliveredAtMs: noonMs })]], fileOf(), {
    membershipDays: 10,
  });
  await fill(fillOf(opened), { signal });
  opened.clock.nowMs += 9 * dayMs;
  const { controls, ...context } = opened.context;
  expect(controls).toBeInstanceOf(Object);
  const night = { untilMs: opened.clock.nowMs + dayMs, signal };
  expect(await renew({ context, destination: 'crm' }, night)).toMatchObject({ delivered: 1 });
  const because = async (key: LedgerKey) =>
    historyOf((await opened.recordOf(key)) ?? expect.unreachable()).transitions.at(-1)?.because;
  expect(await because({ ...fansKey(), destination: 'ads' })).toBe('fill');
  expect(await because(fansKey())).toBe('renewal');
});

test('at a destination that is not set up nothing is told again', async () => {
  const { context } = await open([[fansKey(), rowOf(memberAt())]]);
  const place = { context: { ...context, targets: new Map() }, destination: 'crm' };
  expect(await renew(place, { untilMs: Infinity, signal })).toBeUndefined();
});

test('who came by an event that is newer than this clock is taken out all the same', async () => {
  for (const mode of ['retired', 'live']) {
    const { ledger, clock, walk, crm, recordOf } = await open([], fileOf(mode));
    const known = { ...memberAt(), enqueuedAtMs: clock.nowMs + 60_000 };
    await putRow(ledger, fansKey(), rowOf(known));
    const told = mode === 'retired' ? retire(walk, { signal }) : takeOut({ ...walk, identities: [p1] }, { signal });
    expect(await told).toMatchObject({ rows: 1, delivered: 1 });
    expect(crm.story).toEqual(['exited sports-fans p1']);
    expect((await recordOf())?.known.enqueuedAtMs).toBeGreaterThan(known.enqueuedAtMs);
  }
});

test('a filling counts as unchanged what changes nothing at the new destination, and not who has left', async () => {
  const later = { enqueuedAtMs: noonMs + 60_000 };
  const opened = await open([
    [fansKey('p1'), rowOf({ ...memberAt(), ...later })],
    [fansKey('p2'), rowOf({ ...exitedAt(), ...later })],
    [{ ...fansKey('p1'), destination: 'ads' }, rowOf(memberAt())],
    [{ ...fansKey('p2'), destination: 'ads' }, rowOf(exitedAt())],
  ]);
  expect(await fill(fillOf(opened), { signal })).toMatchObject({ rows: 1, unchanged: 1, leftAlone: 0, delivered: 0 });
  expect(opened.ads.requests).toBe(0);
});

test('a resync tells the exit under a former identity again where it is in doubt, and the row remembers whose it was', async () => {
  const formerOf = [{ ...fansKey('p2').identity, linkDigest: 'digest' }];
  const { walk, crm, recordOf } = await open([[fansKey(), rowOf(exitedAt(), { inDoubt: true, formerOf })]]);
  expect(await resync(walk, { signal })).toMatchObject({ rows: 1, delivered: 1 });
  expect(crm.story).toEqual(['exited sports-fans p1']);
  expect(await recordOf()).toMatchObject({ formerOf, inDoubt: false });
});
