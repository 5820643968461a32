import type { Delivery, Verdict } from '@activation-hub/destination-kit';
import { InMemoryLedger } from '@activation-hub/membership';
import { InMemoryRetryQueue } from '@activation-hub/delivery';
import { expect, test } from 'vitest';
import { eventOf, openActivation, personExport, RecordingDestination } from '../testing/index.ts';

const halfAnHourMs = 1_800_000;

/** A third party that accepts changes, and reports their results half an hour later. */
class LateDestination extends RecordingDestination {
  readonly asked: string[] = [];
  /** What it says about a change when it is asked. */
  judge: (id: string) => Verdict = (id) => ({ id, status: 'delivered' });

  constructor(clock: { nowMs: number }) {
    super();
    this.answer = (change) => {
      this.take(change);
      return { id: change.id, status: 'accepted', receipt: `of-${change.kind}`, askAtMs: clock.nowMs + halfAnHourMs };
    };
  }

  poll(receipt: string, deliveries: readonly Delivery[]): Promise<readonly Verdict[]> {
    this.asked.push(`${receipt} ${deliveries.length}`);
    return Promise.resolve(deliveries.map(({ change }) => this.judge(change.id)));
  }
}

function open() {
  const clock = { nowMs: 0 };
  const stores = { ledger: new InMemoryLedger(), retryQueue: new InMemoryRetryQueue() };
  const destinations = { crm: new LateDestination(clock), ads: new RecordingDestination() };
  const opened = openActivation({ ...stores, destinations });
  clock.nowMs = opened.clock.nowMs;
  const wait = async (worker = opened): Promise<number> => {
    clock.nowMs = opened.retryQueue.nextDueAtMs ?? clock.nowMs;
    worker.clock.nowMs = clock.nowMs;
    return await worker.retryDue();
  };
  /** Another process with the same stores. */
  const restart = () => openActivation({ ...stores, destinations });
  return { ...opened, crm: destinations.crm, wait, restart };
}

test('what is accepted is told once, asked for when it can be known, and then delivered', async () => {
  const { activate, wait, crm, outcomes, retryQueue, clock, lines } = open();
  await activate(eventOf(personExport({ person: 'p1' }), 1), eventOf(personExport({ person: 'p2' }), 2));
  expect(lines.join()).toContain('2 changes are accepted by crm, which is polled for the results in 1800 s.');
  expect(lines.join()).not.toContain('changes-deferred');
  expect(retryQueue.nextDueAtMs).toBe(clock.nowMs + halfAnHourMs);
  await activate(eventOf(personExport({ person: 'p1' }), 3));
  expect(await wait()).toBe(1);
  expect(crm.asked).toEqual(['of-entered 2']);
  expect(crm.story).toEqual(['entered sports-fans p1', 'entered sports-fans p2']);
  expect(outcomes()).toEqual({ 'crm deferred': 2, 'crm delivered': 2, 'crm unchanged': 1 });
  expect(retryQueue.nextDueAtMs).toBeUndefined();
  await activate(eventOf(personExport({ person: 'p1', firstName: 'Eve' }), 4));
  expect(crm.story.at(-1)).toBe('updated sports-fans p1');
});

test('a receipt outlives the process that got it, and a vendor that does not know yet', async () => {
  const { activate, wait, restart, crm, clock } = open();
  await activate(eventOf(personExport({ person: 'p1' }), 1));
  crm.judge = (id) => ({ id, status: 'accepted', receipt: 'of-entered', askAtMs: clock.nowMs + 3_600_000 });
  const worker = restart();
  expect(await wait(worker)).toBe(1);
  expect(worker.outcomes()).toEqual({ 'crm deferred': 1 });
  crm.judge = (id) => ({ id, status: 'delivered' });
  expect(await wait(worker)).toBe(1);
  expect(worker.outcomes()).toEqual({ 'crm deferred': 1, 'crm delivered': 1 });
  expect(crm.asked).toEqual(['of-entered 1', 'of-entered 1']);
  expect(crm.told).toHaveLength(1);
});

test('an exit does not wait for the entry, which no export asks for any more', async () => {
  const { activate, wait, crm, outcomes } = open();
  await activate(eventOf(personExport({ person: 'p1' }), 1));
  await activate(eventOf(personExport({ person: 'p1', status: 'exited', at: 60 }), 2));
  expect(crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1']);
  expect(crm.members.size).toBe(0);
  expect(await wait()).toBe(2);
  expect(crm.asked).toEqual(['of-exited 1']);
  expect(outcomes()).toEqual({ 'crm deferred': 2, 'crm superseded': 1, 'crm delivered': 1 });
});

test('what was lost after it was accepted is told anew, and asked for again', async () => {
  const { activate, wait, crm, outcomes } = open();
  await activate(eventOf(personExport({ person: 'p1' }), 1));
  crm.judge = (id) => ({ id, status: 'retry', reason: 'an error of its own' });
  await wait();
  expect(crm.told).toHaveLength(1);
  crm.judge = (id) => ({ id, status: 'delivered' });
  await wait();
  expect(crm.told).toHaveLength(2);
  await wait();
  expect(outcomes()).toMatchObject({ 'crm delivered': 1 });
  expect(crm.asked).toHaveLength(2);
});

test('what is refused later is a dead letter with the reason', async () => {
  const { activate, wait, crm, letters, outcomes } = open();
  await activate(eventOf(personExport({ person: 'p1' }), 1));
  crm.judge = (id) => ({ id, status: 'rejected', reason: 'no consent' });
  await wait();
  expect(letters()).toMatchObject([{ outcome: 'rejected', failures: [{ reason: 'no consent' }] }]);
  expect(outcomes()).toMatchObject({ 'crm rejected': 1 });
});

test('a vendor that never knows leads to a dead letter, and the exit is told all the same', async () => {
  const { activate, wait, crm, letters, retryQueue, clock } = open();
  await activate(eventOf(personExport({ person: 'p1' }), 1));
  crm.judge = (id) => ({ id, status: 'accepted', receipt: 'of-entered', askAtMs: clock.nowMs + 3_600_000 });
  for (let round = 0; round < 60 && retryQueue.nextDueAtMs !== undefined; round += 1) await wait();
  expect(retryQueue.nextDueAtMs).toBeUndefined();
  expect(letters()).toMatchObject([{ outcome: 'given-up', class: 'accepted' }]);
  await activate(eventOf(personExport({ person: 'p1', status: 'exited', at: 60 }), 2));
  expect(crm.story).toEqual(['entered sports-fans p1', 'exited sports-fans p1']);
});
