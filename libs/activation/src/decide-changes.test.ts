import type { Retry } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import {
  attributesCharactersMax,
  lease,
  leaseLeftMaxMs,
  ledgerKeyText,
  overtake,
  type LedgerRecord,
} from '@activation-hub/membership';
import { buildProfileExport, encodeProfileExport } from '@activation-hub/audience-events/testing';
import { expect, test } from 'vitest';
import {
  DisturbedLedger,
  eventOf,
  fansId,
  fansKey,
  noonMs,
  openActivation,
  personExport,
  type PersonContent,
} from '../testing/index.ts';
import { activate } from './activate.ts';
import type { ObservedChange } from './observed-change.ts';

const { signal } = new AbortController();

function open() {
  const ledger = new DisturbedLedger();
  const opened = openActivation({ ledger });
  const record = async (person?: string): Promise<LedgerRecord | undefined> =>
    (await ledger.read([fansKey(person)], signal))[0]?.record;
  return { ...opened, ledger, record };
}

/**
 * A hub whose destination has failed three times, so that its circuit is open for 5 seconds, and is
 * left to retries for 30 more.
 */
async function openCircuit() {
  const opened = open();
  opened.crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  for (const person of ['p1', 'p2', 'p3']) await opened.activate(eventOf(personExport({ person }), 1));
  const failed = await opened.retryQueue.waiting(signal)[Symbol.asyncIterator]().next();
  for await (const { id } of opened.retryQueue.waiting(signal)) await opened.retryQueue.remove(id, signal);
  const waiting = (): Promise<Retry[]> => Array.fromAsync(opened.retryQueue.waiting(signal));
  const tell = (sequenceNumber: number, content: PersonContent): Promise<void> =>
    opened.activate(eventOf(personExport({ person: 'p4', identities: { crmid: ['p4'] }, ...content }), sequenceNumber));
  return { ...opened, waiting, tell, failed: failed.value as Retry };
}

test('a lease that no honest clock can have given is cut in the row, and waited for', async () => {
  const { activate, ledger, record, outcomes, clock } = open();
  const known = {
    status: 'realized',
    isMember: true,
    qualifiedAtMs: noonMs,
    enqueuedAtMs: noonMs,
    sequenceNumber: 0,
    content: '',
  } as const;
  const years = { holder: 'another worker', expiresAtMs: clock.nowMs + 10 * 365 * 86_400_000 };
  await ledger.overwrite(fansKey(), lease(undefined, { state: known, attributes: {} }, years));
  await activate(eventOf(personExport({ at: 60 }), 1));
  const expiresAtMs = clock.nowMs + leaseLeftMaxMs;
  expect((await record())?.rowState).toEqual({ is: 'leased', holder: 'another worker', expiresAtMs });
  expect(outcomes()).toEqual({ 'crm deferred': 1 });
});

test('a row that other processes keep writing is decided five times, and then its change waits', async () => {
  const { activate, ledger } = open();
  await activate(eventOf(personExport(), 1));
  const { crm, outcomes, ...later } = openActivation({ ledger });
  let writes = 0;
  ledger.beforeWrite = async (_, [write]) => {
    writes += Number(write?.key.identity.namespace === 'crmid');
    const [row] = await ledger.read([fansKey()], signal);
    if (row !== undefined) await ledger.overwrite(fansKey(), row.record);
  };
  await later.activate(eventOf(personExport({ status: 'exited', at: 60 }), 2));
  expect([writes, crm.told, outcomes()]).toEqual([5, [], { 'crm deferred': 1 }]);
});

test('an export that changes nothing asks the ledger nothing, and what it asks is counted', async () => {
  const { activate, ledger, counter } = open();
  const alone = { identities: { crmid: ['p1'] } };
  await activate(eventOf(personExport(alone), 1));
  expect(counter('ledger-reads')).toBe(1);
  ledger.beforeRead = () => {
    throw new Error('The ledger was read.');
  };
  await activate(eventOf(personExport(alone), 2));
  expect(counter('ledger-reads')).toBe(1);
});

test('people who are known ask for nothing, and of one of whom the cache has lost a row every row is read', async () => {
  const file = `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: crmid, identities: all }] }
`;
  const { activate, context, counter, outcomes, retryQueue } = openActivation({ file });
  const exports = [['p1', 'p2'], ['p3']].map((crmid) => personExport({ identities: { crmid } }));
  await activate(eventOf(exports, 1));
  const reads = counter('ledger-reads');
  await activate(eventOf(exports, 2));
  expect(counter('ledger-reads')).toBe(reads);
  context.ledgerCache.delete(ledgerKeyText(fansKey('p2')));
  await activate(eventOf(exports, 3));
  expect(counter('ledger-reads')).toBe(reads + 2);
  expect(outcomes()).toEqual({ 'crm delivered': 3, 'crm unchanged': 6 });
  expect(await Array.fromAsync(retryQueue.waiting(signal))).toEqual([]);
});

test('what a worker has read once and found unchanged it knows', async () => {
  const { activate, context, crm, ads } = open();
  const alone = { identities: { crmid: ['p1'] } };
  await activate(eventOf(personExport(alone), 1));
  const restarted = openActivation({ ledger: context.ledger, destinations: { crm, ads } });
  for (const sequenceNumber of [2, 3]) await restarted.activate(eventOf(personExport(alone), sequenceNumber));
  expect(restarted.outcomes()).toEqual({ 'crm unchanged': 2 });
  expect(restarted.counter('ledger-reads')).toBe(1);
});

test('attributes of as many characters as a row takes are told, and one more is a dead letter that says why', async () => {
  const { activate, crm, letters } = open();
  const longest = 'x'.repeat(attributesCharactersMax - '{"firstname":""}'.length);
  await activate(eventOf(personExport({ firstName: longest }), 1));
  expect(crm.told).toHaveLength(1);
  await activate(eventOf(personExport({ firstName: `${longest}x` }), 2));
  expect(crm.told).toHaveLength(1);
  const [letter] = letters();
  expect(letter?.class).toBe('too-large');
  expect(letter?.failures[0]?.reason).toContain('more than the 192000 characters of JSON');
});

test('an audience has the name that the export carries, where the file gives none', async () => {
  const { activate, crm } = open();
  const memberships = [{ audienceId: fansId, qualifiedAtMs: noonMs, name: 'Fans of Sport' }];
  const attributes = { 'consents.marketing.email.val': 'y' };
  const identities = { crmid: ['p1'] };
  const body = encodeProfileExport(buildProfileExport({ attributes, memberships, identities, includeNames: true }));
  await activate(eventOf(personExport(), 1, { body }));
  expect(crm.told).toMatchObject([{ audience: { key: 'sports-fans', name: 'Fans of Sport' } }]);
});

test('while the circuit is open, a change is deferred untried, and is due with the backoff of a first attempt', async () => {
  const { tell, waiting, clock, retryQueue, counter } = await openCircuit();
  await tell(2, {});
  expect(counter('changes-shadowed')).toBe(0);
  const [retry] = await waiting();
  expect(retry).toMatchObject({ class: 'transient', attempts: 0 });
  expect(retry).not.toHaveProperty('givesUp');
  expect(retryQueue.nextDueAtMs).toBeGreaterThan(clock.nowMs + 5_000);
});

test('while the circuit is open, a row that has a retry takes the newest state, and no second retry', async () => {
  const { tell, waiting, record, outcomes, counter, ledger, crm, retryDue, retryQueue, clock } = await openCircuit();
  await tell(2, { firstName: 'Ada' });
  const [retry] = await waiting();
  await tell(3, { firstName: 'Grace' });
  expect(await waiting()).toHaveLength(1);
  const rowState = { is: 'deferred', chainId: retry?.id };
  expect(await record('p4')).toMatchObject({ rowState, attributes: { firstname: 'Grace' } });
  expect(outcomes()).toEqual({ 'crm deferred': 5 });
  const reads = counter('ledger-reads');
  await tell(4, { firstName: 'Grace' });
  expect(outcomes()).toEqual({ 'crm deferred': 5, 'crm unchanged': 1 });
  expect(counter('ledger-reads')).toBe(reads);
  ledger.beforeRead = () => undefined;
  crm.onRequest = () => undefined;
  clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs ?? NaN);
  await retryDue();
  expect(crm.told).toMatchObject([{ identity: { value: 'p4' }, attributes: { firstname: 'Grace' } }]);
});

test('while the circuit is open, each change that waits is seen with what it would tell, and why it waits', async () => {
  const { context } = await openCircuit();
  const seen: ObservedChange[] = [];
  const watched = { ...context, observe: (change: ObservedChange) => void seen.push(change) };
  for (const [index, firstName] of ['Ada', 'Grace'].entries()) {
    const body = personExport({ person: 'p4', identities: { crmid: ['p4'] }, firstName });
    await activate({ events: [eventOf(body, 2 + index)] }, watched);
  }
  const waits = { destination: 'crm', audience: 'sports-fans', identity: fansKey('p4').identity, outcome: 'deferred' };
  const entry = {
    ...waits,
    kind: 'entered',
    class: 'transient',
    reason: expect.stringContaining('Not reached.') as string,
  };
  expect(seen).toMatchObject([
    { ...entry, event: { sequenceNumber: 2 } },
    { ...entry, event: { sequenceNumber: 3 } },
  ]);
});

test('while the circuit is open, an export with other identities of the person has a retry of its own, which looks at them', async () => {
  const { tell, waiting, record } = await openCircuit();
  await tell(2, {});
  await tell(3, { identities: { crmid: ['p4'], email: ['p4@example.com'] }, firstName: 'Grace' });
  const retries = await waiting();
  expect(retries).toHaveLength(2);
  expect(retries.map(({ id }) => id)).toContain(((await record('p4'))?.rowState as { chainId?: string }).chainId);
});

test('while the circuit is open, a person who was followed needs no second retry beside that of a resync', async () => {
  const { activate, crm, ledger, record, retryQueue, outcomes } = open();
  await activate(eventOf(personExport({ person: 'p4' }), 1));
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  for (const person of ['p1', 'p2', 'p3']) await activate(eventOf(personExport({ person }), 1));
  for await (const { id } of retryQueue.waiting(signal)) await retryQueue.remove(id, signal);
  const followed = await record('p4');
  if (followed?.linkDigest === undefined) throw new Error('The person was not followed.');
  // A resync brings no export, so its deferred rows say nothing of identities.
  const rowState = { is: 'deferred', chainId: 'resync' } as const;
  await ledger.overwrite(fansKey('p4'), { ...followed, rowState });
  await activate(eventOf(personExport({ person: 'p4', firstName: 'Grace' }), 2));
  expect(outcomes()).toMatchObject({ 'crm deferred': 4 });
  expect(await record('p4')).toMatchObject({ rowState, attributes: { firstname: 'Grace' } });
  expect(await Array.fromAsync(retryQueue.waiting(signal))).toEqual([]);
});

test('a repair that fails leaves the row to a retry with the identities that this brings', async () => {
  const { tell, record, clock, retryQueue, retryDue } = await openCircuit();
  const identities = { crmid: ['p4'], email: ['p4@example.com'] };
  await tell(2, { identities });
  await tell(3, { identities, firstName: 'Grace' });
  const held = (await record('p4'))?.rowState;
  expect(held).toHaveProperty('linkDigest');
  clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs ?? NaN);
  await retryDue();
  expect(await record('p4')).toMatchObject({ attributes: { firstname: 'Grace' }, rowState: held });
});

test('a repair after a lease that expired leaves the row to a retry that brings no identities', async () => {
  const { activate, crm, ledger, record, clock, retryQueue, retryDue } = open();
  crm.onRequest = () => {
    throw new DestinationError('transient', 'No answer.', { doubt: 'unanswered' });
  };
  await activate(eventOf(personExport({ identities: { crmid: ['p1'] } }), 1));
  const leased = await record();
  if (leased === undefined) throw new Error('There is no row.');
  const newer = { ...leased.known, qualifiedAtMs: noonMs + 60_000 };
  await ledger.overwrite(fansKey(), overtake(leased, { state: newer, attributes: { firstname: 'Grace' } }));
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  clock.nowMs = retryQueue.nextDueAtMs ?? NaN;
  await retryDue();
  const chainId = expect.any(String) as string;
  expect((await record())?.rowState).toStrictEqual({ is: 'deferred', chainId });
});

test('while the circuit is open, what needs no request is noted as ever', async () => {
  const { tell, waiting, outcomes, record } = await openCircuit();
  await tell(2, { status: 'exited' });
  expect(outcomes()).toEqual({ 'crm deferred': 3, 'crm unchanged': 1 });
  expect(await record('p4')).toMatchObject({ rowState: { is: 'noted' } });
  expect(await waiting()).toEqual([]);
});

test('a retry sends the probe as soon as the circuit is half-open, though exports leave it to retries a while longer', async () => {
  const { crm, clock, retryQueue, retryDue, failed } = await openCircuit();
  clock.nowMs += 5_000;
  await retryQueue.put(failed, clock.nowMs, signal);
  await retryDue();
  expect(crm.requests).toBe(4);
});

test('a member whom a paused route would take out for want of consent is paused, and not withheld', async () => {
  const live = openActivation();
  await live.activate(eventOf(personExport(), 1));
  const file = `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans:
    id: ${fansId}
    consent: consents.marketing.email.val
    activate: [{ destination: crm, identity: [crmid], mode: paused }]
`;
  const paused = openActivation({ file, ledger: live.context.ledger, destinations: live });
  await paused.activate(eventOf(personExport({ consent: 'n' }), 2));
  expect(paused.outcomes()).toEqual({ 'crm paused': 1 });
});

/** A person who was followed, and a destination that takes nothing more. */
async function openFollowed() {
  const opened = open();
  const both = { crmid: ['p1'], email: ['a@example.com'] };
  await opened.activate(eventOf(personExport({ identities: both }), 1));
  expect(await opened.record()).toHaveProperty('linkDigest');
  opened.crm.answer = ({ id }) => ({ id, status: 'retry', reason: 'It is busy.' });
  const change = personExport({ identities: both, firstName: 'Grace' });
  const outdated = personExport({ identities: { email: both.email }, status: 'exited', at: 1 });
  const recover = async (): Promise<readonly string[]> => {
    opened.crm.answer = ({ id }) => ({ id, status: 'delivered' });
    for (let due = 1; due > 0; due = await opened.retryDue()) opened.clock.nowMs += 3_600_000;
    return [...opened.crm.members.keys()];
  };
  return { ...opened, change, outdated, recover };
}

test('a change of a person of whom the batch brings another identity takes the digest out of the row, so that its retry looks at both', async () => {
  const { activate, change, outdated, record, recover } = await openFollowed();
  await activate(eventOf([outdated, change], 2));
  const row = await record();
  expect(row?.rowState.is).toBe('deferred');
  expect(row).not.toHaveProperty('linkDigest');
  expect(await recover()).toEqual(['sports-fans p1']);
});

test('an export that changes nothing in a row that waits takes the digest out of it too, when the batch brings another identity', async () => {
  const { activate, change, outdated, record, recover, outcomes } = await openFollowed();
  await activate(eventOf(change, 2));
  expect(await record()).toMatchObject({ rowState: { is: 'deferred' }, linkDigest: expect.any(String) as string });
  await activate(eventOf([outdated, change], 2));
  const row = await record();
  expect(row?.rowState.is).toBe('deferred');
  expect(row).not.toHaveProperty('linkDigest');
  expect(outcomes()).toEqual({ 'crm delivered': 1, 'crm deferred': 1, 'crm unchanged': 2 });
  expect(await recover()).toEqual(['sports-fans p1']);
});

test('an export that a waiting row knows already writes nothing, also in a worker that knows nothing', async () => {
  const { activate, change, ledger } = await openFollowed();
  await activate(eventOf(change, 2));
  const later = openActivation({ ledger });
  let writes = 0;
  ledger.beforeWrite = () => void (writes += 1);
  await later.activate(eventOf(change, 3));
  expect([writes, later.outcomes()]).toEqual([0, { 'crm unchanged': 1 }]);
});

test('a member under an identity that was another’s is decided again when the row of that person is written in between', async () => {
  const { activate, ledger, outcomes, crm } = open();
  await activate(eventOf(personExport({ identities: { crmid: ['p1'], email: ['a@example.com'] } }), 1));
  const writes: string[] = [];
  ledger.beforeWrite = async (_, [write]) => {
    if (write === undefined) return;
    writes.push(`${write.record.rowState.is} ${write.key.identity.value}`);
    const [row] = writes.length === 1 ? await ledger.read([write.key], signal) : [];
    if (row !== undefined) await ledger.overwrite(write.key, row.record);
  };
  await activate(eventOf(personExport({ identities: { email: ['a@example.com'] }, at: 60 }), 2));
  expect(writes.slice(0, 3)).toEqual(['delivered p1', 'delivered p1', 'leased a@example.com']);
  expect(crm.told.map(({ identity }) => identity.value)).toEqual(['p1', 'a@example.com']);
  expect(outcomes()).toEqual({ 'crm delivered': 2 });
});

test('a row that has nothing to learn is not written because an older export of the batch has the other identity alone', async () => {
  const ledger = new DisturbedLedger();
  const { activate } = openActivation({ ledger });
  const both = { crmid: ['C-1'], email: ['p@example.com'] };
  await activate(eventOf(personExport({ identities: both }), 1));
  const written = new Set<string>();
  ledger.beforeWrite = (_, writes) => {
    for (const { key } of writes) written.add(key.identity.value);
  };
  await activate(
    eventOf(personExport({ identities: both }), 1),
    eventOf(personExport({ identities: { email: both.email }, at: -60 }), 2),
  );
  expect([...written]).not.toContain('C-1');
});
