import { InMemoryDeadLetters, type DeadLetter } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { lease, settle, type LedgerRecord, type MembershipState } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, fansId, fansKey, noonMs, openActivation, personExport } from '../testing/index.ts';

const { signal } = new AbortController();
const alone = { identities: { crmid: ['p1'] } };
const exited: MembershipState = {
  status: 'exited',
  isMember: false,
  qualifiedAtMs: noonMs + 60_000,
  enqueuedAtMs: noonMs,
  sequenceNumber: 0,
  content: '',
};
const newer = (expiresAtMs: number): LedgerRecord =>
  lease(undefined, { state: exited, attributes: {} }, { holder: 'another worker', expiresAtMs });
const toldExit = settle(newer(0), 'delivered');
const file = `
version: 1
destinations: { crm: { type: recording, giveUpAfter: 1h } }
audiences:
  sports-fans:
    id: ${fansId}
    activate: [{ destination: crm, identity: crmid, attributes: { firstname: person.name.firstName } }]
`;

function open(deadLetters = new InMemoryDeadLetters()) {
  const ledger = new DisturbedLedger();
  const opened = openActivation({ file, ledger, deadLetters });
  const record = async (): Promise<LedgerRecord | undefined> => (await ledger.read([fansKey()], signal))[0]?.record;
  return { ...opened, ledger, record, tell: (n: number) => opened.activate(eventOf(personExport(alone), n)) };
}

const withoutAnswer = (): never => {
  throw new DestinationError('transient', 'No answer.', { doubt: 'unanswered' });
};

test('the last attempt without an answer is given up when its lease has expired: nothing more is sent, and doubt stays', async () => {
  const { tell, crm, clock, record, retryDue, retryQueue, outcomes, letters } = open();
  crm.onRequest = withoutAnswer;
  await tell(1);
  clock.nowMs = Math.max(clock.nowMs + 3_600_000, retryQueue.nextDueAtMs ?? NaN);
  await retryDue();
  expect(crm.requests).toBe(2);
  expect(await record()).toMatchObject({ rowState: { is: 'leased' } });
  expect(letters()).toEqual([]);

  clock.nowMs = retryQueue.nextDueAtMs ?? NaN;
  await retryDue();
  expect(crm.requests).toBe(2);
  expect(await record()).toMatchObject({ rowState: { is: 'given-up' }, inDoubt: true });
  expect(letters()).toMatchObject([
    { destination: 'crm', outcome: 'given-up', class: 'transient', failures: [{ reason: 'No answer.' }] },
  ]);
  expect(outcomes()).toEqual({ 'crm deferred': 2, 'crm given-up': 1 });
  expect(retryQueue.nextDueAtMs).toBeUndefined();
});

test('an entry is a read, a lease and its settlement, and no call to the store of dead letters', async () => {
  const asked: number[] = [];
  class CountingDeadLetters extends InMemoryDeadLetters {
    override async put(letters: readonly DeadLetter[], putSignal: AbortSignal): Promise<void> {
      asked.push(letters.length);
      await super.put(letters, putSignal);
    }
  }
  const { tell, ledger, counter } = open(new CountingDeadLetters());
  let reads = 0;
  ledger.beforeRead = () => void (reads += 1);
  await tell(1);
  expect([reads, counter('ledger-reads'), counter('ledger-writes')]).toEqual([1, 1, 2]);
  expect(asked).toEqual([]);
});

test('a change that is rejected under a lease that was lost is counted as rejected', async () => {
  const { tell, ledger, crm, outcomes } = open();
  crm.answer = ({ id }) => ({ id, status: 'rejected', reason: 'no such field' });
  ledger.beforeWrite = (n) => (n === 2 ? ledger.overwrite(fansKey(), newer(Infinity)) : undefined);
  await tell(1);
  expect(outcomes()).toEqual({ 'crm rejected': 1 });
});

test('a change under a lease that another process took over with a newer state is superseded', async () => {
  const { tell, ledger, outcomes, clock, counter } = open();
  ledger.beforeWrite = (n) => (n === 2 ? ledger.overwrite(fansKey(), newer(clock.nowMs + 60_000)) : undefined);
  let reads = 0;
  ledger.beforeRead = () => void (reads += 1);
  await tell(1);
  expect(outcomes()).toEqual({ 'crm superseded': 1 });
  expect([reads, counter('ledger-reads')]).toEqual([2, 2]);
});

test('a race that was lost is forgotten by the cache, so that the next export is judged by the row', async () => {
  const { tell, ledger, clock, activate, outcomes } = open();
  await tell(1);
  ledger.beforeWrite = (n) => (n === 4 ? ledger.overwrite(fansKey(), newer(clock.nowMs + 60_000)) : undefined);
  await activate(eventOf(personExport({ ...alone, firstName: 'Grace' }), 2));
  expect(outcomes()).toEqual({ 'crm delivered': 1, 'crm superseded': 1 });
  await tell(3);
  expect(outcomes()).toEqual({ 'crm delivered': 1, 'crm superseded': 2 });
});

test('a row that is gone when its lease was lost was erased with the person, and nothing more is told', async () => {
  const { tell, ledger, crm, outcomes } = open();
  ledger.beforeWrite = async (n) => {
    if (n !== 2) return;
    for await (const { key, version } of ledger.rows({}, signal)) await ledger.remove(key, version, signal);
  };
  await tell(1);
  expect(crm.story).toEqual(['entered sports-fans p1']);
  expect(outcomes()).toEqual({ 'crm delivered': 1 });
  expect(ledger.size).toBe(0);
});

test('a row that others write all the time is repaired ten times at most, and then left to a retry of its event', async () => {
  const { tell, ledger, crm, outcomes, retryQueue } = open();
  let writes = 0;
  ledger.beforeWrite = async () => {
    writes += 1;
    if (writes > 1) await ledger.overwrite(fansKey(), toldExit);
  };
  await tell(1);
  expect(writes).toBe(2 + 10);
  expect(crm.story).toEqual(['entered sports-fans p1']);
  expect(outcomes()).toEqual({ 'crm superseded': 1 });
  const waiting = await Array.fromAsync(retryQueue.waiting(signal));
  expect(waiting).toMatchObject([{ rows: [], events: [{ audiences: ['sports-fans'], rows: [fansKey()] }] }]);
});

test('a repair counts what it reads and writes', async () => {
  const { tell, ledger, crm, counter } = open();
  ledger.beforeWrite = (n) => (n === 2 ? ledger.overwrite(fansKey(), toldExit) : undefined);
  await tell(1);
  expect(crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1']);
  expect([counter('ledger-reads'), counter('ledger-writes')]).toEqual([2, 3]);
});

test.each([
  ['a moment before the margin of the clocks begins, the lease is left to expire', 30_001, 1],
  ['from the margin of the clocks on, the row is written again to find out who has it', 30_000, 2],
])('without an answer: %s', async (_, leftMs, writes) => {
  const { tell, crm, clock, counter, context } = open();
  crm.onRequest = () => {
    clock.nowMs += context.timing.leaseMs - leftMs;
    withoutAnswer();
  };
  await tell(1);
  expect(counter('ledger-writes')).toBe(writes);
});
