import { DestinationError } from '@activation-hub/destination-kit';
import { InMemoryControls } from '@activation-hub/delivery';
import { createMatcher, parseActivationFile } from '@activation-hub/activation-file';
import type { LedgerRecord } from '@activation-hub/membership';
import { readable } from '@activation-hub/membership/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import {
  DisturbedLedger,
  eventOf,
  fansId,
  fansKey,
  openActivation,
  personExport,
  RecordingDestination,
  travellersId,
  type TestActivation,
} from '../testing/index.ts';
import { controlsAgeMaxMs } from './followed-controls.ts';
import { countResync, resync, type LedgerWalk, type WalkOptions } from './tell-ledger.ts';

const { signal } = new AbortController();
const file = `
version: 1
destinations:
  crm: { type: recording }
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - { destination: crm, identity: crmid, attributes: { firstname: person.name.firstName } }
      - { destination: ads, identity: crmid }
  travellers:
    id: ${travellersId}
    name: Travellers
    activate: [{ destination: crm, identity: crmid }]
`;
const parse = (text: string) =>
  parseActivationFile(text, {
    fileName: 'test.yaml',
    destinations: new Map([['recording', { settings: z.strictObject({}), options: z.strictObject({}) }]]),
  });

const walkOf = ({ context }: TestActivation, over: Partial<LedgerWalk> = {}): LedgerWalk => ({
  context,
  destination: 'crm',
  ...over,
});

const run = (opened: TestActivation, over: Partial<LedgerWalk> = {}, options: Partial<WalkOptions> = {}) =>
  resync(walkOf(opened, over), { signal, ...options });

async function recordOf({ context }: TestActivation, person = 'p1'): Promise<LedgerRecord | undefined> {
  const [row] = await readable(context.ledger).read([fansKey(person)], signal);
  return row?.record;
}

/** Three people, of whom one has left; and then the destination forgets everything. */
async function openForgetful(ledger = new DisturbedLedger()) {
  const crm = new RecordingDestination();
  const opened = openActivation({ file, ledger, destinations: { crm, ads: new RecordingDestination() } });
  await opened.activate(
    eventOf(personExport({ person: 'p1', firstName: 'Ada' }), 0),
    eventOf(personExport({ person: 'p2', audienceId: travellersId }), 1),
    eventOf(personExport({ person: 'p3' }), 2),
  );
  await opened.activate(eventOf(personExport({ person: 'p3', status: 'exited', at: 60 }), 3));
  const before = crm.told.map(({ id }) => id);
  crm.told.length = 0;
  crm.members.clear();
  return { ...opened, before, ledger };
}

test('a destination that lost its memory is told everybody who is in it, with the attributes of the row', async () => {
  const opened = await openForgetful();
  expect(await countResync(walkOf(opened), signal)).toMatchObject({ rows: 2 });
  expect(opened.crm.told).toEqual([]);
  const progress: number[] = [];
  const result = await run(opened, {}, { onProgress: ({ delivered }) => progress.push(delivered) });
  expect(result).toEqual({
    rows: 2,
    delivered: 2,
    unchanged: 0,
    leftAlone: 0,
    deferred: 0,
    failed: 0,
    unresolved: 0,
    reasons: {},
    unreadable: { rows: 0, names: [] },
    gaveUp: false,
  });
  expect(progress).toEqual([2]);
  expect(opened.crm.story.toSorted()).toEqual(['entered sports-fans p1', 'entered travellers p2']);
  expect(opened.crm.told.find(({ identity }) => identity.value === 'p1')?.attributes).toEqual({ firstname: 'Ada' });
  expect(opened.crm.told.find(({ identity }) => identity.value === 'p2')?.audience.name).toBe('Travellers');
  // A destination that remembers ids would take them for what it had.
  for (const { id } of opened.crm.told) expect(opened.before).not.toContain(id);
  expect(opened.ads.told.map(({ kind }) => kind)).toEqual(['entered', 'entered', 'exited']);
  expect(await recordOf(opened)).toMatchObject({ rowState: { is: 'delivered' }, inDoubt: false });
});

test('one audience alone is told', async () => {
  const opened = await openForgetful();
  expect(await run(opened, { audience: 'travellers' })).toMatchObject({ rows: 1, delivered: 1 });
  expect(opened.crm.story).toEqual(['entered travellers p2']);
});

test('rows without a live route are left out', async () => {
  const opened = await openForgetful();
  const matcher = createMatcher(parse(file.replaceAll(/identity: crmid/g, 'identity: crmid, mode: paused')));
  expect(await run(opened, { context: { ...opened.context, matcher } })).toMatchObject({ rows: 0 });
  expect(opened.crm.told).toEqual([]);
});

test('a row that another process writes meanwhile is left alone', async () => {
  const opened = await openForgetful();
  opened.ledger.beforeWrite = async () => {
    opened.ledger.beforeWrite = () => undefined;
    const record = await recordOf(opened);
    if (record !== undefined)
      await opened.ledger.overwrite(fansKey(), { ...record, rowState: { is: 'deferred', chainId: 'r' } });
  };
  expect(await run(opened)).toMatchObject({ rows: 2, delivered: 1, leftAlone: 1 });
  expect(opened.crm.story).toEqual(['entered travellers p2']);
  expect(await recordOf(opened)).toMatchObject({ rowState: { is: 'deferred' } });
});

test('a row under the live lease of another is not told, an expired one is', async () => {
  const opened = await openForgetful();
  const record = await recordOf(opened);
  if (record === undefined) throw new Error('there is no row');
  const leased = (expiresAtMs: number) => ({
    ...record,
    rowState: { is: 'leased', holder: 'other', expiresAtMs } as const,
  });
  await opened.ledger.overwrite(fansKey(), leased(opened.clock.nowMs + 1));
  expect(await run(opened)).toMatchObject({ rows: 2, delivered: 1, leftAlone: 1 });
  await opened.ledger.overwrite(fansKey(), leased(opened.clock.nowMs));
  expect(await run(opened)).toMatchObject({ rows: 2, delivered: 2 });
});

test('what is rejected is in doubt, and sent by another resync', async () => {
  const opened = await openForgetful();
  opened.crm.answer = ({ id, identity }) =>
    identity.value === 'p1' ? { id, status: 'rejected', reason: 'the list is full' } : { id, status: 'delivered' };
  expect(await run(opened)).toMatchObject({
    delivered: 1,
    failed: 1,
    reasons: { 'the list is full': 1 },
    gaveUp: false,
  });
  expect(await recordOf(opened)).toMatchObject({ rowState: { is: 'rejected' }, inDoubt: true });
  opened.crm.answer = ({ id }) => ({ id, status: 'delivered' });
  expect(await run(opened)).toMatchObject({ delivered: 2, failed: 0 });
  expect(await recordOf(opened)).toMatchObject({ rowState: { is: 'delivered' }, inDoubt: false });
});

test('after a request without an answer the lease stays, and the row is told when it has expired', async () => {
  const opened = await openForgetful();
  opened.crm.onRequest = () => {
    throw new DestinationError('transient', 'the reply was lost', { doubt: 'unanswered' });
  };
  expect(await run(opened)).toMatchObject({ delivered: 0, deferred: 2, gaveUp: true });
  expect(await recordOf(opened)).toMatchObject({ rowState: { is: 'leased' } });
  opened.crm.onRequest = () => undefined;
  expect(await run(opened)).toMatchObject({ rows: 2, delivered: 0, leftAlone: 2 });
  opened.clock.nowMs += 3_600_000;
  expect(await run(opened)).toMatchObject({ delivered: 2 });
});

test('a destination that takes nothing is not asked for every row, and a stop ends between batches', async () => {
  const people = Array.from({ length: 250 }, (_, number) => `n${number}`);
  const opened = openActivation({ file });
  await opened.activate(...people.map((person, number) => eventOf(personExport({ person }), number)));
  opened.crm.answer = ({ id }) => ({ id, status: 'rejected', reason: 'no' });
  expect(await run(opened)).toMatchObject({ rows: 100, deferred: 100, gaveUp: true });
  opened.crm.answer = ({ id }) => ({ id, status: 'delivered' });
  const interruption = new AbortController();
  const onProgress = () => interruption.abort();
  expect(await run(opened, {}, { signal: interruption.signal, onProgress })).toMatchObject({ delivered: 100 });
  expect(await run(opened)).toMatchObject({ rows: 250, delivered: 250 });
});

test('a walk that has begun tells no more of a destination that an operator has paused meanwhile', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const store = new InMemoryControls();
  const opened = openActivation({ file, controls: store });
  const { clock, crm } = opened;
  await opened.activate(...Array.from({ length: 150 }, (_, n) => eventOf(personExport({ person: `p${n}` }), n)));
  crm.told.length = 0;
  const pauseMeanwhile = async () => {
    const of = { action: 'pause', destination: 'crm', by: 'ada', reason: 'migration', atMs: clock.nowMs } as const;
    await store.edit(() => [of], signal);
    clock.nowMs += controlsAgeMaxMs;
    await vi.advanceTimersByTimeAsync(1_000);
  };
  let paused: Promise<void> | undefined;
  crm.onRequest = () => (paused ??= pauseMeanwhile());
  const told = await run(opened);
  // Two requests of five were under way; of the next batch none is taken, and the walk ends.
  expect(crm.told).toHaveLength(10);
  expect(told).toMatchObject({ delivered: 10, deferred: 140, gaveUp: true });
  expect(told.reasons).toEqual({ 'an operator has paused the destination': 140 });
});

test('when the lease is outlived, the destination ends with what the row says then', async () => {
  const opened = await openForgetful();
  const left = personExport({ person: 'p1', status: 'exited', at: 120 });
  opened.crm.onRequest = async () => {
    opened.crm.onRequest = () => undefined;
    // The function tells an exit after our lease has expired, and before our entry arrives.
    opened.clock.nowMs += 3_600_000;
    await opened.activate(eventOf(left, 120));
  };
  await run(opened, { audience: 'sports-fans' });
  expect(opened.crm.story).toEqual(['exited sports-fans p1', 'entered sports-fans p1', 'exited sports-fans p1']);
  expect([...opened.crm.members.keys()]).toEqual([]);
  expect(await recordOf(opened)).toMatchObject({
    known: { isMember: false },
    rowState: { is: 'delivered' },
    inDoubt: false,
  });
});
