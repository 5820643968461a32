import { InMemoryRetryQueue, type Retry } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { settle, type LedgerWrite, type MembershipState } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, openActivation, personExport } from '../testing/index.ts';

const { signal } = new AbortController();

/** The exit of that person a minute later, as another worker knows it. */
const exitedLater = ({ record: { known } }: LedgerWrite): MembershipState => ({
  ...known,
  status: 'exited',
  isMember: false,
  qualifiedAtMs: known.qualifiedAtMs + 60_000,
});

/** A retry queue that counts how often a retry is read. */
class CountingRetryQueue extends InMemoryRetryQueue {
  reads = 0;

  override async read(message: string, readSignal: AbortSignal): Promise<Retry | undefined> {
    this.reads += 1;
    return await super.read(message, readSignal);
  }
}

test('while the circuit is open, a retry is put back unread', async () => {
  const ledger = new DisturbedLedger();
  const retryQueue = new CountingRetryQueue();
  const { activate, retryDue, crm, clock } = openActivation({ ledger, retryQueue });
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  for (const person of ['p1', 'p2', 'p3']) await activate(eventOf(personExport({ person }), 1));
  expect(crm.requests).toBe(3);
  let reads = 0;
  ledger.beforeRead = () => void (reads += 1);
  clock.nowMs += 1_000;
  const waiting = await retryQueue.waiting(signal)[Symbol.asyncIterator]().next();
  await retryQueue.put(waiting.value as Retry, clock.nowMs, signal);
  await retryDue();
  expect([reads, retryQueue.reads]).toEqual([0, 0]);
  expect(crm.requests).toBe(3);
  expect(retryQueue.nextDueAtMs).toBeGreaterThan(clock.nowMs);
  crm.onRequest = () => undefined;
  for (let n = 0; n < 20 && retryQueue.nextDueAtMs !== undefined; n += 1) {
    clock.nowMs = retryQueue.nextDueAtMs;
    await retryDue();
  }
  expect(crm.members.size).toBe(3);
});

/**
 * Parts whose destination has failed three times, with what the ledger has been asked to write
 * since.
 */
async function openWithOpenCircuit() {
  const ledger = new DisturbedLedger();
  const opened = openActivation({ ledger });
  opened.crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  for (const person of ['p1', 'p2', 'p3']) await opened.activate(eventOf(personExport({ person }), 1));
  const writes: LedgerWrite[] = [];
  ledger.beforeWrite = (_, asked) => void writes.push(...asked);
  return { ...opened, ledger, writes };
}

test('while the circuit is open, a change is deferred with one write and one for each other identity, and the retry tells it', async () => {
  const { activate, retryDue, retryQueue, crm, clock, writes, outcomes } = await openWithOpenCircuit();
  await activate(eventOf(personExport({ person: 'p4' }), 2));
  expect(writes.map(({ record }) => record.rowState.is)).toEqual(['deferred', 'noted']);
  writes.length = 0;
  await activate(eventOf(personExport({ person: 'p4' }), 3));
  expect(writes).toEqual([]);
  expect(crm.requests).toBe(3);
  expect(outcomes()['crm deferred']).toBe(4);
  expect(outcomes()['crm unchanged']).toBe(1);
  crm.onRequest = () => undefined;
  for (let n = 0; n < 20 && retryQueue.nextDueAtMs !== undefined; n += 1) {
    clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs);
    await retryDue();
  }
  expect(crm.members.size).toBe(4);
});

test('an export leaves the probe of a failing destination to the retry queue, until that had its time', async () => {
  const { activate, crm, clock } = await openWithOpenCircuit();
  clock.nowMs += 5_000;
  await activate(eventOf(personExport({ person: 'p4' }), 2));
  expect(crm.requests).toBe(3);
  clock.nowMs += 30_000;
  await activate(eventOf(personExport({ person: 'p5' }), 3));
  expect(crm.requests).toBe(4);
});

test('a row that another process writes while its change is deferred stays, and the retry decides against it', async () => {
  const { activate, retryDue, retryQueue, crm, clock, ledger } = await openWithOpenCircuit();
  ledger.beforeWrite = async (_, [write]) => {
    if (write === undefined) throw new Error('unreachable');
    await ledger.overwrite(write.key, settle({ ...write.record, known: exitedLater(write) }, 'delivered'));
  };
  await activate(eventOf(personExport({ person: 'p4' }), 2));
  ledger.beforeWrite = () => undefined;
  crm.onRequest = () => undefined;
  for (let n = 0; n < 20 && retryQueue.nextDueAtMs !== undefined; n += 1) {
    clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs);
    await retryDue();
  }
  expect(crm.members.size).toBe(3);
});
