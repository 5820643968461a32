import { InMemoryDeadLetters, InMemoryRetryQueue, UnreadableDocumentError } from '@activation-hub/delivery';
import type { DeadLetter, DeferredRow, Retry, WaitingRetry } from '@activation-hub/delivery';
import { linkKey, linkRecord, type Identity, type LedgerKey } from '@activation-hub/membership';
import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  DisturbedLedger,
  eventOf,
  fansKey,
  memberAt,
  openActivation,
  personExport,
  putRow,
  rowOf,
} from '../testing/index.ts';
import { findForms } from './find-forms.ts';
import { forget } from './forget.ts';

const { signal } = new AbortController();
const p1 = fansKey('p1').identity;
const p2 = fansKey('p2').identity;
const asItIs = ({ value }: Identity) => [value];
const options = { dryRun: false, signal };
const places = ['crm', 'ads'].map((ledgerName) => ({ ledgerName, forms: asItIs }));
/** Bytes that are no text. */
const unsearchable = Uint8Array.of(0x1f, 0x8b, 8, 0, 0xff, 0xd8, 0xc3, 0x28, 1, 2, 0x80);

/** Parts whose retry queue and dead letters do besides what a test says. */
function open(stores: { readonly retryQueue?: InMemoryRetryQueue; readonly deadLetters?: InMemoryDeadLetters } = {}) {
  const ledger = new DisturbedLedger();
  const opened = openActivation({ ledger, ...stores });
  const run = (identity: Identity = p1, at = places) => forget([identity], at, opened.context, options);
  const waiting = () => Array.fromAsync(opened.retryQueue.waiting(signal));
  return { ...opened, ledger, run, waiting };
}

const retry: Retry = {
  id: 'r1',
  destination: 'crm',
  events: [],
  rows: [],
  attempts: 1,
  firstDeferredAtMs: 0,
  class: 'transient',
  reason: 'It is down.',
  isReplay: false,
};
const deferred = (person: string, rows: readonly DeferredRow[] = []) => ({
  event: eventOf(personExport({ person })),
  audiences: ['sports-fans'],
  rows,
});

test.each<[string, Identity, Identity, boolean]>([
  [
    'of an address, in lower case',
    { namespace: 'email', value: 'Ada@Example.com' },
    { namespace: 'email', value: 'ada@example.com' },
    true,
  ],
  [
    'of an address with spaces around it, by AEP’s own hash',
    { namespace: 'email', value: ' Ada@Example.com ' },
    { namespace: 'email_lc_sha256', value: hash('sha256', 'ada@example.com') },
    true,
  ],
  [
    'of a digest of an address, in lower case',
    { namespace: 'email_lc_sha256', value: 'ABC' },
    { namespace: 'email_lc_sha256', value: 'abc' },
    true,
  ],
  [
    'of no other identity in another case',
    { namespace: 'crmid', value: 'P1' },
    { namespace: 'crmid', value: 'p1' },
    false,
  ],
])('the row %s is found', async (_, given, identity, isFound) => {
  const { ledger, run } = open();
  await putRow(ledger, { ...fansKey(), identity }, rowOf(memberAt()));
  expect((await run(given)).rows).toEqual({ crm: isFound ? 1 : 0, ads: 0 });
});

test('no hash is looked for of what is no address', async () => {
  const { ledger, run } = open();
  const hashed = { namespace: 'email_lc_sha256', value: hash('sha256', 'p1') };
  await putRow(ledger, { ...fansKey(), identity: hashed }, rowOf(memberAt()));
  expect((await run()).rows).toEqual({ crm: 0, ads: 0 });
});

test('where a destination has no form for an identity, the rows under the identity itself are erased', async () => {
  const { ledger, run } = open();
  await putRow(ledger, fansKey(), rowOf(memberAt()));
  const forgotten = await run(p1, [{ ledgerName: 'crm', forms: () => [] }]);
  expect(forgotten).toMatchObject({ rows: { crm: 1 }, linkedIdentities: [] });
  const [found] = await findForms([p1], [{ ledgerName: 'crm', forms: () => [] }], ledger, signal);
  expect([found?.formsGiven, found?.forms]).toEqual([[p1], [p1]]);
});

test('what a link of one destination names stays at another, where it may be another person', async () => {
  const { ledger, run } = open();
  const home: Identity = { namespace: 'email', value: 'home@example.com' };
  const audience = fansKey().audience;
  await putRow(
    ledger,
    linkKey({ destination: 'ads', audience }, p1),
    linkRecord(memberAt(), { identities: [home], leaving: [] }, ''),
  );
  await putRow(ledger, { ...fansKey(), identity: home }, rowOf(memberAt()));
  expect((await run()).rows).toEqual({ crm: 0, ads: 1 });
});

test('what cannot be read is reported, and stops nothing', async () => {
  class OddRetryQueue extends InMemoryRetryQueue {
    override async *waiting(walkSignal: AbortSignal): AsyncGenerator<WaitingRetry> {
      yield { unreadable: 'odd-retry' } as never;
      yield* super.waiting(walkSignal);
    }
  }
  class OddDeadLetters extends InMemoryDeadLetters {
    override async *names(prefix: string, walkSignal: AbortSignal): AsyncGenerator<string> {
      yield* ['odd-letter', 'removed-letter'];
      yield* super.names(prefix, walkSignal);
    }
    override read(name: string, readSignal: AbortSignal): Promise<DeadLetter | undefined> {
      if (name === 'odd-letter') return Promise.reject(new UnreadableDocumentError('It is no letter.', name));
      return super.read(name, readSignal);
    }
  }
  const { run, retryQueue, context } = open({ retryQueue: new OddRetryQueue(), deadLetters: new OddDeadLetters() });
  await retryQueue.put({ ...retry, events: [deferred('p1')] }, 0, signal);
  await context.deadLetters.put([letterOf([undefined])], signal);
  expect(await run()).toMatchObject({
    retries: { searched: 1, erased: 1 },
    deadLetters: { searched: 1, erased: 1 },
    unreadable: ['odd-retry', 'odd-letter'],
  });
});

test.each([
  ['beside an event of another person', ['p2']],
  ['beside an event of the person', ['p1']],
  ['beside nothing else', []],
])('a retry with an event that is no text is reported, %s', async (_, people) => {
  const { run, retryQueue } = open();
  const odd = { ...deferred('p2'), event: { ...eventOf(personExport()), body: unsearchable } };
  await retryQueue.put({ ...retry, events: [...people.map((person) => deferred(person)), odd] }, 0, signal);
  expect((await run()).unreadable).toEqual(['r1']);
});

test('a retry that can be searched is not reported', async () => {
  const { run, retryQueue } = open();
  await retryQueue.put({ ...retry, events: [deferred('p1'), deferred('p2')] }, 0, signal);
  expect((await run()).unreadable).toEqual([]);
});

/**
 * A retry queue that remembers what was edited, and in which another process writes before that.
 */
class EditedRetryQueue extends InMemoryRetryQueue {
  readonly edits: string[] = [];
  beforeEdit: () => Promise<void> = () => Promise.resolve();

  override async edit(...[id, edited, editSignal]: Parameters<InMemoryRetryQueue['edit']>): Promise<void> {
    this.edits.push(id);
    await this.beforeEdit();
    await super.edit(id, edited, editSignal);
  }
}

test('only retries that have something of the person are written', async () => {
  const retryQueue = new EditedRetryQueue();
  const { run } = open({ retryQueue });
  await retryQueue.put({ ...retry, id: 'hers', events: [deferred('p1'), deferred('p2')] }, 0, signal);
  await retryQueue.put({ ...retry, id: 'others', events: [deferred('p2')] }, 0, signal);
  await run();
  expect(retryQueue.edits).toEqual(['hers']);
});

test('a retry of which another process has taken the person out meanwhile stays as it is', async () => {
  const retryQueue = new EditedRetryQueue();
  const { run, waiting } = open({ retryQueue });
  await retryQueue.put({ ...retry, events: [deferred('p1')] }, 0, signal);
  const rewritten: Retry = { ...retry, events: [deferred('p2')], receipts: { change: 'receipt' } };
  retryQueue.beforeEdit = () => retryQueue.put(rewritten, 0, signal);
  await run();
  expect(await waiting()).toStrictEqual([{ ...rewritten, dueAtMs: 0 }]);
});

test('rows of others that no event brings stay in the retry, and what is counted is the person’s', async () => {
  const { run, retryQueue, waiting } = open();
  const rows = [fansKey('p1'), fansKey('p2')];
  await retryQueue.put({ ...retry, rows }, 0, signal);
  expect(await run()).toMatchObject({ retries: { searched: 1, erased: 1 } });
  expect(await waiting()).toStrictEqual([{ ...retry, rows: [fansKey('p2')], dueAtMs: 0 }]);
});

test('of a retry without an event of others the rows of others stay', async () => {
  const { run, retryQueue, waiting } = open();
  await retryQueue.put({ ...retry, events: [deferred('p1')], rows: [fansKey('p2')] }, 0, signal);
  expect(await run()).toMatchObject({ retries: { erased: 1 } });
  expect(await waiting()).toMatchObject([{ events: [], rows: [fansKey('p2')] }]);
});

test('what a destination has accepted of others is told anew, for a receipt does not say whose it is', async () => {
  const { run, retryQueue, waiting } = open();
  const events = [deferred('p1'), deferred('p2')];
  await retryQueue.put({ ...retry, events, receipts: { change: 'receipt' } }, 0, signal);
  await run();
  expect(await waiting()).toStrictEqual([{ ...retry, events: events.slice(1), dueAtMs: 0 }]);
});

/** A letter of the other person, whose failures have these rows. */
function letterOf(rows: readonly (readonly LedgerKey[] | undefined)[], person = 'p1'): DeadLetter {
  return {
    event: eventOf(personExport({ person })),
    outcome: 'rejected',
    destination: 'crm',
    class: 'invalid',
    failures: rows.map((each) => ({ reason: 'refused', ...(each === undefined ? {} : { rows: each }) })),
    attempts: 1,
    givenUpAtMs: 0,
  };
}

test('of a letter of others each failure loses the rows of the person, and no other one', async () => {
  const { run, context, letters } = open();
  await context.deadLetters.put([letterOf([undefined, [fansKey('p2')], [fansKey('p1'), fansKey('p2')]], 'p2')], signal);
  expect(await run()).toMatchObject({ deadLetters: { searched: 1, erased: 1 } });
  expect(letters()).toStrictEqual([letterOf([undefined, [fansKey('p2')], [fansKey('p2')]], 'p2')]);
});

test('a row that is written again and again is erased five times, and then that is said', async () => {
  const { ledger, run } = open();
  await putRow(ledger, fansKey(), rowOf(memberAt()));
  const removed: string[] = [];
  ledger.remove = (_, version) => {
    removed.push(version);
    return Promise.resolve(false);
  };
  await expect(run()).rejects.toThrow('Failed to forget a person at crm: the function keeps writing a row');
  expect(removed).toHaveLength(5);
});

test('no other person is erased', async () => {
  const { ledger, run } = open();
  await putRow(ledger, fansKey('p2'), rowOf(memberAt()));
  await run();
  expect(await ledger.read([{ ...fansKey(), identity: p2 }], signal)).not.toEqual([undefined]);
});

const atEach = (...people: readonly string[]): readonly LedgerKey[] =>
  ['ads', 'crm', 'crm~shadow', 'long-gone'].flatMap((destination) =>
    people.map((person) => ({ ...fansKey(person), destination })),
  );

test('of retries and dead letters the rows of the person go, at whatever destination', async () => {
  const { run, retryQueue, waiting, context, letters } = open();
  await retryQueue.put({ ...retry, rows: atEach('p1', 'p2') }, 0, signal);
  await context.deadLetters.put([letterOf([atEach('p1', 'p2')], 'p2')], signal);
  expect(await run()).toMatchObject({ retries: { erased: 4 }, deadLetters: { erased: 1 } });
  expect(await waiting()).toMatchObject([{ rows: atEach('p2') }]);
  expect(letters()).toStrictEqual([letterOf([atEach('p2')], 'p2')]);
});

test('what is needed to tell a destination that is kept stays, and nothing else', async () => {
  const { ledger, context, retryQueue, waiting } = open();
  for (const key of atEach('p1')) await putRow(ledger, key, rowOf(memberAt()));
  await retryQueue.put({ ...retry, rows: atEach('p1') }, 0, signal);
  const forgotten = await forget([p1], places, context, { ...options, kept: new Set(['crm']) });
  expect(forgotten).toMatchObject({ retries: { erased: 2 }, rows: { ads: 1 } });
  expect(Object.keys(forgotten.rows)).toEqual(['ads']);
  expect(await waiting()).toMatchObject([{ rows: atEach('p1').slice(1, 3) }]);
  const rows = await Array.fromAsync(ledger.rows({}, signal));
  expect(rows.map(({ key }) => key.destination)).toEqual(['crm', 'crm~shadow', 'long-gone']);
});

test('a person is looked for in every form that a destination may have stored', async () => {
  const { ledger, run } = open();
  for (const value of ['p1', 'now', 'before']) await putRow(ledger, { ...fansKey(value) }, rowOf(memberAt()));
  const forgotten = await run(p1, [{ ledgerName: 'crm', forms: () => ['now', 'before'] }]);
  expect(forgotten).toMatchObject({ rows: { crm: 3 }, linkedIdentities: [] });
});
