import { createMatcher } from '@activation-hub/activation-file';
import {
  deadLetterName,
  InMemoryDeadLetters,
  InMemoryRetryQueue,
  UnreadableDocumentError,
  type Control,
  type Retry,
  type RetryQueue,
} from '@activation-hub/delivery';
import { exampleDeadLetter, exampleRetry } from '@activation-hub/delivery/testing';
import {
  InMemoryLedger,
  lease,
  note,
  settle,
  shadowDestination,
  type LedgerKey,
  type LedgerRecord,
} from '@activation-hub/membership';
import { expect, test } from 'vitest';
import {
  eventOf,
  fansId,
  fansKey,
  memberAt,
  noonMs,
  parseTestFile,
  personExport,
  putRow,
  rowOf,
  travellersId,
} from '../testing/index.ts';
import { explain, type PersonStory } from './index.ts';

const { signal } = new AbortController();
const ada = { namespace: 'crmid', value: 'p1' };
const text = `
version: 1
destinations:
  crm: { type: recording, formerly: old-crm }
  ads: { type: recording }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid] }, { destination: ads, identity: [crmid] }] }
  travellers: { id: ${travellersId}, activate: [{ destination: crm, identity: [crmid] }] }
`;
const file = parseTestFile(text);
const event = eventOf(personExport(), 1);
const anothers = eventOf(personExport({ person: 'p2' }), 2);

/** The story of Ada, of these stores. */
class Stores {
  readonly ledger = new InMemoryLedger();
  readonly retryQueue: Pick<RetryQueue, 'put' | 'waiting'> = new InMemoryRetryQueue();
  readonly deadLetters = new InMemoryDeadLetters();

  async row(record: LedgerRecord, over: Partial<LedgerKey> = {}): Promise<void> {
    await putRow(this.ledger, { ...fansKey(), destination: 'old-crm', ...over }, record);
  }

  story(nowMs = noonMs, controls?: readonly Control[], left: readonly string[] = []): Promise<PersonStory> {
    const names = [...file.destinations.values()].map(({ ledgerName }) => ledgerName);
    const places = [...names, ...left].map((ledgerName) => ({
      ledgerName,
      forms: ({ value }: typeof ada) => [value],
    }));
    const { ledger, retryQueue, deadLetters } = this;
    return explain(
      [ada],
      {
        file,
        matcher: createMatcher(file),
        places,
        ledger,
        retryQueue,
        deadLetters,
        nowMs,
        ...(controls === undefined ? {} : { controls }),
      },
      signal,
    );
  }
}

const deferred = rowOf(memberAt(), { rowState: { is: 'deferred', chainId: 'c1' } });
const retryOf = (over: Partial<Retry> = {}): Retry =>
  exampleRetry({ events: [], chainId: 'c1', class: 'transient', reason: '503', ...over });
const inFans = [{ audience: 'sports-fans', reason: 'no such field' }];

test('routes stand in the order of the file, and what it does not name stands last', async () => {
  const stores = new Stores();
  const travellers = { namespace: 'ups', id: travellersId };
  const gone = { namespace: 'ups', id: 'gone' };
  await stores.row(rowOf(memberAt()), { audience: gone });
  await stores.row(rowOf(memberAt()), { audience: travellers });
  await stores.row(rowOf(memberAt()), { destination: 'ads' });
  const { routes } = await stores.story();
  expect(routes.map(({ destination, audience, mode, state }) => [destination, audience, mode, state])).toEqual([
    ['crm', 'sports-fans', 'live', 'unknown'],
    ['crm', 'travellers', 'live', 'told'],
    ['crm', 'ups gone', 'gone', 'told'],
    ['ads', 'sports-fans', 'live', 'told'],
  ]);
});

test('a destination that the file has no more has its rows in the story, and those of its shadow', async () => {
  const stores = new Stores();
  await stores.row(rowOf(memberAt()), { destination: 'former' });
  await stores.row(rowOf(memberAt()), { destination: shadowDestination('former') });
  const { routes, events } = await stores.story(noonMs, undefined, ['former']);
  const ofFormer = routes.filter(({ destination }) => destination === 'former');
  expect(ofFormer).toMatchObject([
    { audience: 'sports-fans', mode: 'gone', state: 'told', actions: [{ action: 'plan' }] },
    { audience: 'sports-fans', mode: 'gone', state: 'shadowed', actions: [{ action: 'plan' }] },
  ]);
  expect(ofFormer[1]).not.toHaveProperty('toldAtMs');
  expect(routes.slice(-2)).toEqual(ofFormer);
  expect(events.every(({ destination }) => destination === undefined || destination === 'former')).toBe(true);
});

test('a retry is the story’s when it brings an event of the person, or answers for a row of theirs', async () => {
  const stores = new Stores();
  await stores.row(deferred);
  const brings = { event, audiences: ['sports-fans'], rows: [] };
  const other = { event: anothers, audiences: ['sports-fans'], rows: [] };
  const rowKey = { ...fansKey(), destination: 'old-crm' };
  await stores.retryQueue.put(retryOf({ id: 'brings', chainId: 'x', events: [other, brings] }), noonMs + 4, signal);
  await stores.retryQueue.put(retryOf({ id: 'answers', chainId: 'y', rows: [rowKey] }), noonMs + 3, signal);
  await stores.retryQueue.put(retryOf({ id: 'chain', attempts: 1, notBeforeMs: noonMs + 5 }), noonMs + 5, signal);
  await stores.retryQueue.put(retryOf({ id: 'none', chainId: 'z', events: [other] }), noonMs + 1, signal);
  const { retries, routes, events } = await stores.story();
  expect(retries.toSorted((left, right) => left.dueAtMs - right.dueAtMs)).toMatchObject([
    { id: 'answers', dueAtMs: noonMs + 3, enqueuedAtMs: [] },
    { id: 'brings', dueAtMs: noonMs + 4, enqueuedAtMs: [event.enqueuedAtMs], attempts: 3, isReplay: false },
    { id: 'chain', dueAtMs: noonMs + 5, enqueuedAtMs: [], notBeforeMs: noonMs + 5 },
  ]);
  expect(retries.find(({ id }) => id === 'brings')).not.toHaveProperty('notBeforeMs');
  // The row waits for its chain, whatever else is due before.
  expect(routes[0]).toMatchObject({ state: 'waiting', nextAttemptAtMs: noonMs + 5 });
  expect(events.map(({ atMs, says }) => [atMs - noonMs, says])).toEqual([
    [3, 'A retry is due, after 3 attempts (transient: 503).'],
    [4, 'A retry is due, after 3 attempts (transient: 503).'],
    [5, 'A retry is due, after 1 attempt (transient: 503).'],
    [1_000, 'The event hub took an export of the person.'],
  ]);
});

test('a lease is looked at again by the first retry that has its row, also beside those of others', async () => {
  const stores = new Stores();
  const rowKey = { ...fansKey(), destination: 'old-crm' };
  await stores.row(rowOf(memberAt(), { rowState: { is: 'leased', holder: 'h', expiresAtMs: noonMs } }));
  const rows = [rowKey];
  await stores.retryQueue.put(retryOf({ id: 'late', rows }), noonMs + 9, signal);
  await stores.retryQueue.put(retryOf({ id: 'soon', rows: [fansKey('p2'), rowKey] }), noonMs + 2, signal);
  await stores.retryQueue.put(
    retryOf({ id: 'other', events: [{ event, audiences: ['sports-fans'], rows: [fansKey('p2')] }] }),
    noonMs + 1,
    signal,
  );
  const [route] = (await stores.story()).routes;
  expect(route).toMatchObject({
    state: 'perhaps-told',
    nextAttemptAtMs: noonMs + 2,
    leaseUntilMs: noonMs,
    inDoubt: true,
  });
  // While the process is at it, nothing is attempted beside it.
  const [held] = (await stores.story(noonMs - 1)).routes;
  expect(held).toMatchObject({ state: 'being-told' });
  expect(held).not.toHaveProperty('nextAttemptAtMs');
});

test('a retry answers for a row that is settled no more, however much in doubt that is', async () => {
  const stores = new Stores();
  await stores.row(rowOf(memberAt(), { inDoubt: true }));
  await stores.retryQueue.put(retryOf({ rows: [{ ...fansKey(), destination: 'old-crm' }] }), noonMs + 1, signal);
  const [route] = (await stores.story()).routes;
  expect(route).toMatchObject({ state: 'perhaps-told', inDoubt: true });
  expect(route).not.toHaveProperty('nextAttemptAtMs');
});

test('a dead letter stands at the routes of which it says something failed, under whatever name the destination had', async () => {
  const stores = new Stores();
  const kept = { event, outcome: 'rejected', class: 'invalid', givenUpAtMs: noonMs + 7_000 } as const;
  const letters = [
    exampleDeadLetter({
      ...kept,
      destination: 'old-crm',
      failures: [...inFans, { audience: 'travellers', reason: 'nor this' }],
    }),
    exampleDeadLetter({ ...kept, destination: 'ads', failures: [{ audience: 'travellers', reason: 'no' }] }),
    exampleDeadLetter({
      ...kept,
      outcome: 'unreadable',
      class: 'unknown-status',
      failures: [{ path: '$.a', reason: 'no' }],
    }),
    exampleDeadLetter({ ...kept, destination: 'gone', failures: inFans }),
    exampleDeadLetter({ ...kept, event: anothers, destination: 'crm', failures: inFans }),
  ];
  await stores.deadLetters.put(letters, signal);
  const { deadLetters, routes, events } = await stores.story();
  const [first, second, third, gone] = letters.map(deadLetterName);
  expect(new Set(deadLetters.map(({ name }) => name))).toEqual(new Set([first, second, third, gone]));
  expect(deadLetters.find(({ name }) => name === first)).toStrictEqual({
    name: first,
    destination: 'old-crm',
    outcome: 'rejected',
    class: 'invalid',
    attempts: 0,
    enqueuedAtMs: event.enqueuedAtMs,
    givenUpAtMs: noonMs + 7_000,
    failures: [...inFans, { audience: 'travellers', reason: 'nor this' }],
  });
  const unread = deadLetters.find(({ name }) => name === third);
  expect(unread?.failures).toStrictEqual([{ path: '$.a', reason: 'no' }]);
  expect(events.filter((each) => 'destination' in each)).toHaveLength(3);
  expect(unread).not.toHaveProperty('destination');
  expect(routes.map(({ destination, audience, deadLetters: of }) => [destination, audience, of])).toEqual([
    ['crm', 'sports-fans', [first]],
    ['crm', 'travellers', [first]],
    ['ads', 'sports-fans', []],
  ]);
  expect(events.map(({ atMs, what, destination }) => [atMs - noonMs, what, destination])).toEqual([
    [1_000, 'export', undefined],
    ...deadLetters.map(({ destination }) => [7_000, 'dead-letter', destination]),
  ]);
  expect(events.map(({ says }) => says)).toContain(`Kept as dead letter ${first} (rejected: invalid).`);
});

test('what cannot be read is named, for the person may be in it', async () => {
  const stores = new Stores();
  const letter = exampleDeadLetter();
  await stores.deadLetters.put([letter], signal);
  stores.deadLetters.read = (name) => Promise.reject(new UnreadableDocumentError(name, 'It is no letter.'));
  const { unreadable, deadLetters } = await stores.story();
  expect([unreadable, deadLetters]).toEqual([[deadLetterName(letter)], []]);
});

test('exports are what exports, their retries and replays brought, and nothing that a command did', async () => {
  const stores = new Stores();
  const state = (seconds: number) => ({ ...memberAt(), enqueuedAtMs: noonMs + seconds * 1_000 });
  let record: LedgerRecord | undefined;
  const by = { holder: 'h', expiresAtMs: noonMs };
  for (const [n, because] of (['export', 'resync', 'replay', 'export', 'retry'] as const).entries()) {
    const desired = { state: state(n), attributes: {} };
    const atMs = noonMs + n * 1_000 + 10;
    record = settle(lease(record, desired, by, { atMs, because, kind: 'updated' }), 'delivered', false, {
      atMs: atMs + 5,
    });
  }
  const renewed = { state: state(9), attributes: {} };
  await stores.row(lease(record, renewed, by, { atMs: noonMs + 9_010, because: 'renewal', kind: 'entered' }));
  const { events, routes } = await stores.story();
  expect(events.map(({ atMs, what }) => [atMs - noonMs, what])).toEqual([
    [0, 'export'],
    [15, 'transition'],
    [1_015, 'transition'],
    [2_000, 'export'],
    [2_015, 'transition'],
    [3_000, 'export'],
    [3_015, 'transition'],
    [4_000, 'export'],
    [4_015, 'transition'],
    [9_010, 'transition'],
  ]);
  expect(routes[0]?.toldAtMs).toBe(noonMs + 4_015);
});

test('a route has what there is to say of it, and nothing else', async () => {
  const stores = new Stores();
  const unknown = {
    destination: 'crm',
    audience: 'sports-fans',
    mode: 'live',
    state: 'unknown',
    says: 'No export with this audience and identity has been decided, or its row was swept.',
    inDoubt: false,
    history: [],
    omitted: 0,
    deadLetters: [],
    actions: [],
  };
  expect((await stores.story()).routes[0]).toStrictEqual(unknown);
  const pause = { action: 'pause', destination: 'crm', atMs: 0, by: 'ada', reason: 'migration' } as const;
  const paused = (await stores.story(noonMs, [pause])).routes;
  expect(paused[0]).toMatchObject({ pause, actions: [{ action: 'resume' }] });
  expect(paused.find(({ destination }) => destination === 'ads')).not.toHaveProperty('pause');
  const { delivered, ...never } = rowOf(memberAt(), { rowState: { is: 'rejected' } });
  expect(delivered).toEqual(memberAt());
  await stores.row(never);
  const [rejected] = (await stores.story()).routes;
  for (const absent of ['pause', 'toldAtMs', 'leaseUntilMs', 'delivered', 'nextAttemptAtMs'])
    expect(rejected).not.toHaveProperty(absent);
});

test('what is noted again and again happened when it was noted first', async () => {
  const stores = new Stores();
  const desired = { state: memberAt(), attributes: {} };
  const first = note(undefined, desired, 'paused', { atMs: noonMs + 10, because: 'export' });
  await stores.row(note(first, desired, 'paused', { atMs: noonMs + 99, because: 'export' }));
  const { events } = await stores.story();
  expect(events.map(({ atMs, what }) => [atMs - noonMs, what])).toEqual([
    [0, 'export'],
    [10, 'transition'],
  ]);
});

test('a retry that cannot be read is named too', async () => {
  const stores = new Stores();
  stores.retryQueue.waiting = async function* () {
    yield await Promise.resolve({ unreadable: 'a retry' });
  };
  const { unreadable, retries } = await stores.story();
  expect([unreadable, retries]).toEqual([['a retry'], []]);
});
