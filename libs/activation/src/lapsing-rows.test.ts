import { createTarget, type Target } from '@activation-hub/delivery';
import {
  lapseOf,
  type LedgerEntry,
  type LedgerKey,
  type LedgerRow,
  type LedgerSelection,
} from '@activation-hub/membership';
import { expect, test } from 'vitest';
import {
  DisturbedLedger,
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
import { LapsingRows, lapsingTarget, type LapsingPlace } from './lapsing-rows.ts';

const { signal } = new AbortController();
const dayMs = 86_400_000;
const days = 100;
const file = `
version: 1
destinations:
  crm: { type: recording }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid, email] }] }
  travellers: { id: ${travellersId}, activate: [{ destination: crm, identity: crmid, mode: paused }] }
`;

/**
 * A ledger that remembers how many rows each read asks for, and in which something happens before a
 * row of a walk is given.
 */
class WalkedLedger extends DisturbedLedger {
  readonly reads: number[] = [];
  beforeRow: () => void = () => undefined;

  override async read(
    keys: readonly LedgerKey[],
    readSignal: AbortSignal,
  ): Promise<readonly (LedgerRow | undefined)[]> {
    this.reads.push(keys.length);
    return await super.read(keys, readSignal);
  }

  override async *rows(of: LedgerSelection, walkSignal: AbortSignal): AsyncGenerator<LedgerEntry> {
    for await (const row of super.rows(of, walkSignal)) {
      this.beforeRow();
      yield row;
    }
  }
}

/** A destination at which memberships lapse after so many days by the namespace of the identity. */
function open(membershipDays: (namespace: string) => number | undefined = () => days) {
  const ledger = new WalkedLedger();
  const { context, clock, crm } = openActivation({ file, ledger });
  const limits = { batchCount: 5, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 2 };
  const of = { key: 'crm', connector: crm, limits, batchBy: 'destination', giveUpAfterMs: 0 } as const;
  const target = createTarget({ ...of, membershipDays: (_, namespace) => membershipDays(namespace) }, context.clock);
  const targets: ReadonlyMap<string, Target> = new Map([['crm', target]]);
  const place: LapsingPlace = { context: { ...context, targets }, destination: 'crm' };
  /** Members who were told at noon, all due when most of their lives are over. */
  const put = async (keys: readonly LedgerKey[], toldAtMs = noonMs): Promise<void> => {
    for (const key of keys) await putRow(ledger, key, rowOf(memberAt(), { deliveredAtMs: toldAtMs }));
    ledger.reads.length = 0;
  };
  clock.nowMs = noonMs + 0.99 * days * dayMs;
  const found = async (lapsing = new LapsingRows(place)): Promise<readonly string[]> => {
    await lapsing.find(Infinity, signal);
    const rows = await Array.fromAsync(lapsing.inOrder(Infinity, signal));
    return rows.map(({ key }) => key.identity.value);
  };
  return { ledger, clock, place, put, found };
}

test('memberships lapse at a destination where one of the identities of a route does', () => {
  const { place } = open((namespace) => (namespace === 'email' ? days : undefined));
  expect(lapsingTarget(place)).toBe(place.context.targets.get('crm'));
  expect(lapsingTarget(open(() => undefined).place)).toBeUndefined();
  expect(lapsingTarget({ ...place, destination: 'gone' })).toBeUndefined();
  expect(lapsingTarget({ ...place, context: { ...place.context, targets: new Map() } })).toBeUndefined();
});

test('of a destination none of whose routes is live nobody is told again, and no row is walked for that', () => {
  const { place } = open();
  const { matcher } = openActivation({ file: file.replace('identity: [crmid, email]', '$&, mode: paused') }).context;
  expect(lapsingTarget({ ...place, context: { ...place.context, matcher } })).toBeUndefined();
});

test('where no operator can pause anything, members are told again all the same', async () => {
  const { put, found, place } = open();
  await put([fansKey()]);
  const { controls, ...context } = place.context;
  expect(controls).toBeDefined();
  expect(await found(new LapsingRows({ ...place, context }))).toEqual(['p1']);
});

test('only members on a live route of the file are told again, under an identity whose membership lapses, from when it does', async () => {
  const { put, found, place, ledger } = open((namespace) => (namespace === 'email' ? undefined : days));
  const audience = (id: string) => ({ ...fansKey(id), audience: { namespace: 'ups', id } });
  const email = { ...fansKey(), identity: { namespace: 'email', value: 'ada@example.com' } };
  await put([fansKey('p1'), email, audience(travellersId), audience('gone')]);
  await putRow(ledger, fansKey('never-told'), untoldRowOf(memberAt(), { rowState: { is: 'given-up' } }));
  expect(await found()).toEqual(['p1']);
  expect(await found(new LapsingRows({ ...place, destination: 'gone' }))).toEqual([]);
  const context = { ...place.context, targets: new Map() };
  expect(await found(new LapsingRows({ ...place, context }))).toEqual([]);
});

test('a member is told again from the very moment on that is theirs', async () => {
  const { put, found, clock } = open();
  await put([fansKey()]);
  const lapse = lapseOf(fansKey(), rowOf(memberAt(), { deliveredAtMs: noonMs }), days, noonMs) ?? expect.unreachable();
  clock.nowMs = lapse.renewFromMs - 1;
  expect(await found()).toEqual([]);
  clock.nowMs = lapse.renewFromMs;
  expect(await found()).toEqual(['p1']);
});

test('a member is late from the moment on at which half of their life is over, until they were looked at', async () => {
  const { put, place, clock } = open();
  await put([fansKey()]);
  const lapse = lapseOf(fansKey(), rowOf(memberAt(), { deliveredAtMs: noonMs }), days, noonMs) ?? expect.unreachable();
  for (const [atMs, late] of [
    [lapse.lateFromMs - 1, 0],
    [lapse.lateFromMs, 1],
    [lapse.lateFromMs + 1, 1],
  ] as const) {
    clock.nowMs = atMs;
    const lapsing = new LapsingRows(place);
    await lapsing.find(Infinity, signal);
    expect([lapsing.due, lapsing.late]).toEqual([1, late]);
    expect(await Array.fromAsync(lapsing.inOrder(Infinity, signal))).toHaveLength(1);
    expect([lapsing.due, lapsing.late]).toEqual([0, 0]);
  }
});

test('who was told again since the walk is left out', async () => {
  const { put, place, clock } = open();
  await put([fansKey('p1'), fansKey('p2')]);
  const lapsing = new LapsingRows(place);
  await lapsing.find(Infinity, signal);
  await put([fansKey('p1')], clock.nowMs);
  const rows = await Array.fromAsync(lapsing.inOrder(Infinity, signal));
  expect(rows.map(({ key }) => key.identity.value)).toEqual(['p2']);
  expect(lapsing.due).toBe(0);
});

test('before a walk, and when its time is over before its first row, it is not known whether there are more', async () => {
  const { put, place, clock, ledger } = open();
  await put([fansKey()]);
  const lapsing = new LapsingRows(place);
  expect(lapsing.isWhole).toBe(false);
  await lapsing.find(clock.nowMs, signal);
  expect([lapsing.isWhole, lapsing.due]).toEqual([false, 0]);
  await lapsing.find(clock.nowMs + 1, signal);
  expect([lapsing.isWhole, lapsing.due]).toEqual([true, 1]);
  // Of the parts of the destination only one has a row.
  ledger.beforeRow = () => void (clock.nowMs += 10);
  const slow = new LapsingRows(place);
  await slow.find(clock.nowMs + 10, signal);
  expect(slow.isWhole).toBe(false);
});

test('a ledger that cannot be walked is an error', async () => {
  const { put, place, ledger } = open();
  await put([fansKey()]);
  ledger.beforeRow = () => {
    throw new Error('The store cannot be reached.');
  };
  await expect(new LapsingRows(place).find(Infinity, signal)).rejects.toThrow('The store cannot be reached.');
});

test('of more members than are kept those who lapse first are told, and all are counted', async () => {
  const { put, place, found } = open();
  for (const [index, person] of ['last', 'third', 'first', 'second', 'fourth'].entries())
    await put([fansKey(person)], noonMs - ([0, 2, 4, 3, 1][index] ?? 0) * dayMs);
  const lapsing = new LapsingRows(place, 2);
  expect(await found(lapsing)).toEqual(['first', 'second']);
  expect(lapsing.due).toBe(3);
});

test('members are read again a thousand at a time', async () => {
  const { put, found, ledger } = open();
  await put(Array.from({ length: 1_001 }, (_, number) => fansKey(`p${number}`)));
  expect(new Set(await found()).size).toBe(1_001);
  expect(ledger.reads).toEqual([1_000, 1]);
});

test('when as many are left as are read at a time, nothing is read in vain', async () => {
  const { put, found, ledger } = open();
  await put(Array.from({ length: 1_000 }, (_, number) => fansKey(`p${number}`)));
  expect(await found()).toHaveLength(1_000);
  expect(ledger.reads).toEqual([1_000]);
});

test('at the end of the time no row is read or given any more', async () => {
  const { put, place, ledger, clock } = open();
  await put([fansKey('p1'), fansKey('p2')]);
  const lapsing = new LapsingRows(place);
  await lapsing.find(Infinity, signal);
  expect(await Array.fromAsync(lapsing.inOrder(clock.nowMs, signal))).toEqual([]);
  expect(ledger.reads).toEqual([]);
  const untilMs = clock.nowMs + 5;
  let given = 0;
  for await (const row of lapsing.inOrder(untilMs, signal)) {
    expect(row.audience.key).toBe('sports-fans');
    given += 1;
    clock.nowMs = untilMs;
  }
  expect([given, lapsing.due]).toEqual([1, 1]);
});

test('who was erased since the walk is left out', async () => {
  const { put, place, ledger } = open();
  await put([fansKey('p1'), fansKey('p2')]);
  const lapsing = new LapsingRows(place);
  await lapsing.find(Infinity, signal);
  const [row] = await ledger.read([fansKey('p1')], signal);
  await ledger.remove(fansKey('p1'), row?.version ?? '', signal);
  const rows = await Array.fromAsync(lapsing.inOrder(Infinity, signal));
  expect(rows.map(({ key }) => key.identity.value)).toEqual(['p2']);
});
