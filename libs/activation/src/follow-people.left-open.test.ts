import { InMemoryControls, rowsOf, type Retry } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { readable } from '@activation-hub/membership/testing';
import {
  DisturbedLedger,
  eventOf,
  fansId,
  fansKey,
  openActivation,
  personExport,
  RecordingDestination,
  type PersonContent,
  type TestActivation,
} from '../testing/index.ts';
import { replaying } from '../testing/operations.ts';
import { activate as activateWork, resync, retryWork, type ReceivedEvent } from './index.ts';

const { signal } = new AbortController();
const notReached = new DestinationError('transient', 'Not reached.');

interface FileOptions {
  readonly identity?: string;
  readonly follow?: string;
  readonly mode?: string;
  /** What the destination and the audience are called, with what they were called before. */
  readonly destination?: string;
  readonly destinationEntry?: string;
  readonly audience?: string;
}

const fileOf = ({
  identity = 'email',
  follow = 'follow: ecid, ',
  mode = 'live',
  destination = 'crm',
  destinationEntry = '{ type: recording }',
  audience = 'sports-fans',
}: FileOptions): string => `
version: 1
destinations:
  ${destination}: ${destinationEntry}
audiences:
  ${audience}:
    id: ${fansId}
    activate: [{ destination: ${destination}, identity: ${identity}, ${follow}mode: ${mode}, attributes: { firstname: person.name.firstName } }]
`;

/**
 * A worker with this file; beside an earlier one it shares its stores, its destination and its
 * clock.
 */
function worker(options: FileOptions = {}, beside?: TestActivation) {
  const file = fileOf(options);
  const controls = new InMemoryControls();
  if (beside === undefined) {
    const recording = new RecordingDestination();
    return { ...openActivation({ file, destinations: { crm: recording, ads: recording }, controls }), controls };
  }
  const { retryQueue, context, crm, clock } = beside;
  const destinations = { crm, ads: crm };
  const opened = openActivation({ file, ledger: context.ledger, retryQueue, destinations, controls });
  opened.clock.nowMs = clock.nowMs;
  return { ...opened, controls };
}

let sequenceNumber = 0;
function exportOf(content: PersonContent): ReceivedEvent {
  sequenceNumber += 1;
  return eventOf(personExport(content), sequenceNumber);
}
const known = (email: string, more: PersonContent = {}): ReceivedEvent =>
  exportOf({ identities: { email: [`${email}@example.com`], ecid: ['e1'] }, ...more });

async function passTime(by: TestActivation): Promise<void> {
  const { retryQueue, clock, retryDue } = by;
  while (retryQueue.nextDueAtMs !== undefined) {
    clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs);
    await retryDue();
  }
}

/** Who is in the destination, whatever the audience was called. */
function membersOf({ crm }: TestActivation): readonly string[] {
  const members = new Set<string>();
  for (const { kind, identity } of crm.told) {
    if (kind === 'exited') members.delete(identity.value);
    else members.add(identity.value);
  }
  return [...members];
}

/** Three failures in a row open the circuit. */
async function openCircuit({ activate, crm }: TestActivation): Promise<void> {
  crm.onRequest = () => {
    throw notReached;
  };
  for (const person of ['x', 'y', 'z']) await activate(exportOf({ identities: { email: [person], crmid: [person] } }));
}

test('a person whose row was taken over while its destination was told is followed all the same', async () => {
  const ledger = new DisturbedLedger();
  const opened = openActivation({ file: fileOf({}), ledger });
  const { activate, crm } = opened;
  await activate(known('old'));
  const key = { ...fansKey(), identity: { namespace: 'email', value: 'new@example.com' } };
  crm.onRequest = async (changes) => {
    if (!changes.some(({ identity }) => identity.value === key.identity.value)) return;
    crm.onRequest = () => undefined;
    const [row] = await readable(ledger).read([key], signal);
    // Another process that found the lease expired, and knows nothing newer.
    if (row !== undefined) await ledger.overwrite(key, { ...row.record, rowState: { is: 'delivered' } });
  };
  await activate(known('new', { at: 60 }));
  await passTime(opened);
  expect(membersOf(opened)).toEqual(['new@example.com']);
});

test('300 updates of a new person on a route that follows keep one retry in an outage, and the person is followed', async () => {
  const opened = worker();
  const { activate, crm, retryQueue } = opened;
  await activate(known('old'));
  await openCircuit(opened);
  for (let n = 0; n < 300; n += 1) await activate(known('new', { firstName: `Name ${n}`, at: 60 }));
  const rows = (await Array.fromAsync(retryQueue.waiting(signal))).flatMap((retry) => rowsOf(retry));
  expect(rows.filter(({ row }) => row.identity.value === 'new@example.com')).toHaveLength(1);
  crm.onRequest = () => undefined;
  await passTime(opened);
  expect(membersOf(opened).toSorted()).toEqual(['new@example.com', 'x', 'y', 'z']);
  expect(crm.members.get('sports-fans new@example.com')).toEqual({ attributes: { firstname: 'Name 299' } });
});

test('a person is followed as of the newest export that waited in the row, not of the one that its retry brings', async () => {
  const opened = openActivation({ file: fileOf({}).replace('identity: email', 'identity: email, identities: all') });
  await openCircuit(opened);
  const withEmails = (emails: readonly string[], at: number): ReceivedEvent =>
    exportOf({ identities: { ecid: ['e1'], ...(emails.length === 0 ? {} : { email: emails }) }, at });
  for (const [emails, at] of [
    [['a', 'b'], 0],
    [['c'], 60],
    [[], 0],
    [['a', 'b'], 60],
  ] satisfies [string[], number][])
    await opened.activate(withEmails(emails, at));
  opened.crm.onRequest = () => undefined;
  await passTime(opened);
  expect(membersOf(opened).toSorted()).toEqual(['a', 'b', 'x', 'y', 'z']);
});

test('what only the older of two deferred exports of a batch links is not left behind', async () => {
  const opened = worker({ identity: '[crmid, email]', follow: '' });
  const { activate, crm } = opened;
  await activate(exportOf({ identities: { email: ['p@example.com'] } }));
  crm.onRequest = () => {
    throw notReached;
  };
  await activate(
    exportOf({ identities: { email: ['p@example.com'], crmid: ['C-1'] } }),
    exportOf({ identities: { crmid: ['C-1'] }, firstName: 'Grace' }),
  );
  crm.onRequest = () => undefined;
  await passTime(opened);
  expect(membersOf(opened)).toEqual(['C-1']);
});

test.each([
  ['destination is called otherwise', { destination: 'ads', destinationEntry: '{ type: recording, formerly: crm }' }],
  ['audience is called otherwise', { audience: 'fans' }],
])('a retry whose %s in the file of the worker that takes it still follows the person', async (_, renamed) => {
  for (const [first, second] of [
    [{}, renamed],
    [renamed, {}],
  ] satisfies [FileOptions, FileOptions][]) {
    const before = worker(first);
    await before.activate(known('old'));
    before.crm.onRequest = () => {
      throw notReached;
    };
    await before.activate(known('new', { at: 60 }));
    before.crm.onRequest = () => undefined;
    const after = worker(second, before);
    await passTime(after);
    expect(membersOf(after)).toEqual(['new@example.com']);
  }
});

test.each([
  ['paused', 'with the next export'],
  ['shadow', 'with a resync'],
])('a former identity that could not leave before its route was %s leaves when it is live again, %s', async (mode) => {
  const before = worker();
  await before.activate(known('old'));
  before.crm.onRequest = (changes) => {
    if (changes.some(({ kind }) => kind === 'exited')) throw notReached;
  };
  await before.activate(known('new', { at: 60 }));
  before.crm.onRequest = () => undefined;
  const meanwhile = worker({ mode }, before);
  await passTime(meanwhile);
  expect(membersOf(meanwhile)).toEqual(['old@example.com', 'new@example.com']);
  if (mode === 'paused') await meanwhile.activate(known('new', { at: 60 }));
  const again = worker({}, meanwhile);
  await again.activate(known('new', { at: 60 }));
  if (mode === 'shadow') await resync({ context: again.context, destination: 'crm' }, { signal });
  await passTime(again);
  expect(membersOf(again)).toEqual(['new@example.com']);
});

/**
 * A worker beside one that deferred a row for a retry which an erasure took away before the row was
 * written.
 */
async function besideAnOpenRow(): Promise<{
  readonly beside: ReturnType<typeof worker>;
  readonly newest: ReceivedEvent;
}> {
  const ledger = new DisturbedLedger();
  const opened = openActivation({ file: fileOf({}), ledger });
  await opened.activate(known('old'));
  const newest = known('new', { at: 60 });
  await opened.activate(newest);
  const key = { ...fansKey(), identity: { namespace: 'email', value: 'new@example.com' } };
  const [row] = await readable(ledger).read([key], signal);
  if (row === undefined) throw new Error('There is no row.');
  const { known: state, attributes, inDoubt } = row.record;
  const rowState = { is: 'deferred', chainId: 'erased' } as const;
  await ledger.overwrite(key, { known: state, attributes, inDoubt, rowState });
  // Such an export looks again every half a minute until it is given up.
  return { beside: worker({ destinationEntry: '{ type: recording, giveUpAfter: 30m }' }, opened), newest };
}

test('an export does not wait for ever for a row that no process settles', async () => {
  const { beside, newest } = await besideAnOpenRow();
  await beside.activate(newest);
  expect(beside.retryQueue.nextDueAtMs).toBeDefined();
  await passTime(beside);
  expect(membersOf(beside)).toEqual(['new@example.com']);
});

test('while the destination answers, an export that waits for the row of another looks again soon, and then every half a minute', async () => {
  const { beside, newest } = await besideAnOpenRow();
  const { clock, retryQueue, retryDue } = beside;
  await beside.activate(newest);
  const waitsMs: number[] = [];
  for (let n = 0; n < 50; n += 1) {
    waitsMs.push((retryQueue.nextDueAtMs ?? Infinity) - clock.nowMs);
    clock.nowMs = retryQueue.nextDueAtMs ?? NaN;
    await retryDue();
  }
  expect(waitsMs).toEqual([2_000, ...Array.from({ length: 49 }, () => 31_000)]);
});

test('an export that waits for the row of another names its time while the route is told, and else may be woken', async () => {
  const waitingOf = async (held?: 'an open circuit' | 'a paused route') => {
    const { beside, newest } = await besideAnOpenRow();
    for (let n = 0; held === 'an open circuit' && n < 3; n += 1)
      beside.context.targets.get('crm')?.breaker.fail(beside.clock.nowMs, 'Not reached.');
    if (held === 'a paused route') {
      const pause = { action: 'pause', destination: 'crm', audience: 'sports-fans', by: '', reason: '' } as const;
      await beside.controls.edit((others) => [...others, { ...pause, atMs: beside.clock.nowMs }], signal);
    }
    await beside.activate(newest);
    const waitMs = (beside.retryQueue.nextDueAtMs ?? NaN) - beside.clock.nowMs;
    return [...(await Array.fromAsync(beside.retryQueue.waiting(signal))), { waitMs }];
  };
  const reason = 'another export of the person is not told yet';
  const [soon] = await waitingOf();
  expect(soon).toMatchObject({ reason, notBeforeMs: expect.any(Number) as number });
  for (const held of ['an open circuit', 'a paused route'] as const) {
    const [later, due] = await waitingOf(held);
    expect(later).toMatchObject({ reason });
    // The backoff of a first attempt: a second, and half of ten by the chance of these tests.
    expect(due).toEqual({ waitMs: 6_000 });
    expect(later).not.toHaveProperty('notBeforeMs');
  }
});

test('of two retries that tell a person’s rows side by side, the one that settles last follows the person', async () => {
  const ledger = new DisturbedLedger();
  const file = fileOf({}).replace('identity: email', 'identity: email, identities: all');
  const { activate, crm, context, clock } = openActivation({ file, ledger });
  await activate(known('old'));
  const event = exportOf({ identities: { email: ['a', 'b'], ecid: ['e1'] }, at: 60 });
  const rowKey = (value: string) => ({ ...fansKey(), identity: { namespace: 'email', value } });
  // A worker deferred both rows, each in a chain of its own.
  const beside = openActivation({ file });
  await beside.activate(event);
  const digest = (await readable(beside.context.ledger).read([rowKey('a')], signal))[0]?.record.linkDigest ?? '';
  for (const value of ['a', 'b']) {
    const [row] = await readable(beside.context.ledger).read([rowKey(value)], signal);
    if (row === undefined) throw new Error('There is no row.');
    const { known: state, attributes } = row.record;
    const rowState = { is: 'deferred', chainId: value, linkDigest: digest } as const;
    await ledger.overwrite(rowKey(value), { known: state, attributes, inDoubt: false, rowState });
  }
  const retryOf = (value: string): Retry => ({
    id: value,
    destination: 'crm',
    events: [{ event, audiences: ['sports-fans'], rows: [rowKey(value)] }],
    rows: [],
    attempts: 1,
    firstDeferredAtMs: clock.nowMs,
    class: 'transient',
    reason: 'Not reached.',
    isReplay: false,
  });
  // The first has read both rows, and is to lease its own, when the second one comes and goes.
  ledger.beforeWrite = async () => {
    ledger.beforeWrite = () => undefined;
    await activateWork(retryWork(retryOf('b')), context);
  };
  await activateWork(retryWork(retryOf('a')), context);
  expect([...crm.members.keys()]).toEqual(['sports-fans b', 'sports-fans a']);
});

test('an export finds that a newer one with its identities waited in the row, also when that row is told already', async () => {
  const ledger = new DisturbedLedger();
  const opened = openActivation({ file: fileOf({}), ledger });
  const { activate, crm } = opened;
  const older = known('c', { at: 60 });
  const between = known('x', { at: 60 });
  const newest = known('c', { at: 60, status: 'exited' });
  await activate(between);
  expect([...crm.members.keys()]).toEqual(['sports-fans x@example.com']);
  // Another worker told the exit that waited behind the older export, and has not followed the
  // person yet.
  const beside = worker();
  await beside.activate(newest);
  const key = { ...fansKey(), identity: { namespace: 'email', value: 'c@example.com' } };
  const [row] = await readable(beside.context.ledger).read([key], signal);
  if (row === undefined) throw new Error('There is no row.');
  const { linkDigest = '', ...record } = row.record;
  await ledger.overwrite(key, { ...record, knownDigest: linkDigest });
  await activate(older);
  expect([...crm.members.keys()]).toEqual([]);
});

test('a newer state that the retry of an older export tells, and that is rejected, is told by a replay', async () => {
  const opened = worker();
  const { activate, crm, context } = opened;
  await activate(known('new'));
  // The exit under the former address was taken, but has no answer, and the row stays leased.
  crm.onRequest = (changes) => {
    for (const change of changes) crm.take(change);
    throw new DestinationError('transient', 'No answer.', { doubt: 'unanswered' });
  };
  await activate(exportOf({ identities: { ecid: ['e1'] } }));
  // A newer export waits for that lease; the retry of the exit finds its state in the row.
  crm.onRequest = () => undefined;
  crm.answer = ({ id }) => ({ id, status: 'rejected', reason: 'the row is at fault' });
  await activate(known('new', { at: 60 }));
  await passTime(opened);
  expect(membersOf(opened)).toEqual([]);

  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  await replaying().run(context);
  await passTime(opened);
  expect(membersOf(opened)).toEqual(['new@example.com']);
});

test('a replay takes out who was rejected under a former identity, also when a newer export has the link by now', async () => {
  const opened = worker({ identity: '[crmid, email]' });
  const { activate, crm, context } = opened;
  await activate(known('a'));
  crm.answer = ({ id }) => ({ id, status: 'rejected', reason: 'the row is at fault' });
  await activate(exportOf({ identities: { crmid: ['c'], ecid: ['e1'] }, status: 'exited', at: 60 }));
  await activate(
    exportOf({ identities: { email: ['a@example.com', 'b@example.com'], ecid: ['e1'] }, status: 'exited', at: 60 }),
  );
  expect(membersOf(opened)).toEqual(['a@example.com']);

  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  await replaying().run(context);
  await passTime(opened);
  expect(membersOf(opened)).toEqual([]);
});

test('who came back in a batch to an earlier identity is known under that one alone, and leaves with the exit', async () => {
  const opened = worker();
  const { activate } = opened;
  await activate(known('a'));
  // Of one qualification: what comes back changes nothing in its row.
  await activate(known('b'), known('a'));
  expect(membersOf(opened)).toEqual(['a@example.com']);
  await activate(known('b', { status: 'exited' }));
  expect(membersOf(opened)).toEqual([]);
});

test('who shares an identity with a newer export of the batch, and no link, is not taken for that person', async () => {
  const opened = worker({ identity: '[crmid, email]' });
  const shared = { email: ['home@example.com'] };
  await opened.activate(
    exportOf({ identities: { ...shared, crmid: ['c1'], ecid: ['e1'] } }),
    exportOf({ identities: { ...shared, ecid: ['e2'] } }),
  );
  expect(membersOf(opened).toSorted()).toEqual(['c1', 'home@example.com']);
});
