/*
 * What the pace of a destination adds to the latency of a change, in virtual time, so that no
 * machine decides it.
 */
import { DestinationError, type Connector } from '@activation-hub/destination-kit';
import { silentTelemetry } from '@activation-hub/telemetry';
import { expect, test } from 'vitest';
import { exampleDelivery, VirtualClock } from '../testing/index.ts';
import { createTarget, deliver, isPacedReason } from './deliver.ts';

const partitions = 4;
const seconds = 10;
/** The burst of one second that a rate limiter lets through is over by then. */
const warmUpMs = 3_000;
/** What a transaction of the ledger takes, before and after the telling. */
const ledgerMs = 6;
const requestMs = 2;
const never = new AbortController().signal;

/**
 * Four partitions get changes at a steady pace, in turns. Each takes what has come as soon as its
 * batch before is settled, as the trigger does, and tells it to one destination. Gives how long the
 * slowest twentieth of the changes took at least, in milliseconds.
 */
async function p95Ms(changesPerSecond: number, requestsPerSecond: number): Promise<number> {
  const clock = new VirtualClock(0);
  const take: Connector['enter'] = async (deliveries) => {
    await clock.sleep(requestMs, never);
    return deliveries.map(({ change }) => ({ id: change.id, status: 'delivered' }));
  };
  const target = createTarget(
    {
      key: 'crm',
      connector: { enter: take, update: take, exit: take },
      limits: { batchCount: 100, batchBytes: 1_000_000, requestsPerSecond, concurrency: 8 },
      batchBy: 'destination',
      giveUpAfterMs: 86_400_000,
    },
    clock,
  );
  const queues = Array.from({ length: partitions }, (): { number: number; atMs: number }[] => []);
  const tookMs: number[] = [];
  let isOver = false;
  const partition = async (queue: { number: number; atMs: number }[]): Promise<void> => {
    while (!isOver || queue.length > 0) {
      const batch = queue.splice(0);
      await clock.sleep(batch.length === 0 ? 1 : ledgerMs, never);
      if (batch.length === 0) continue;
      await deliver(
        target,
        batch.map(({ number }) => exampleDelivery(number)),
        { telemetry: silentTelemetry, clock, waitMaxMs: 5_000, signal: never },
      );
      tookMs.push(...batch.filter(({ atMs }) => atMs > warmUpMs).map(({ atMs }) => clock.now() - atMs));
      await clock.sleep(ledgerMs, never);
    }
  };
  const source = async (): Promise<void> => {
    for (let number = 0; number < seconds * changesPerSecond; number += 1) {
      queues[number % partitions]?.push({ number, atMs: clock.now() });
      await clock.sleep(1_000 / changesPerSecond, never);
    }
    isOver = true;
  };
  const all = Promise.all([source(), ...queues.map(partition)]);
  await clock.advance(2 * seconds * 1_000);
  await all;
  return tookMs.toSorted((left, right) => left - right)[Math.floor(tookMs.length * 0.95)] ?? Infinity;
}

test.each([
  ['a webhook of 100 requests a second, at 200 changes a second', 200, 100],
  ['a CRM of 4 requests a second, at 20 changes a second', 20, 4],
])('%s: a change waits for the batch before it and for two places at the most', async (_what, changes, requests) => {
  const batchMs = ledgerMs + requestMs + ledgerMs;
  expect(await p95Ms(changes, requests)).toBeLessThanOrEqual(batchMs + (2 * 1_000) / requests);
});

/** A target that gets one change in a request, and what it was told. */
function single(requestsPerSecond: number, answer: () => Promise<void> = () => Promise.resolve()) {
  const clock = new VirtualClock(0);
  const told: string[] = [];
  const take: Connector['enter'] = async (deliveries) => {
    told.push(...deliveries.map(({ change }) => change.id));
    await answer();
    return deliveries.map(({ change }) => ({ id: change.id, status: 'delivered' }));
  };
  const limits = { batchCount: 1, batchBytes: 1_000_000, requestsPerSecond, concurrency: 1 };
  const connector = { enter: take, update: take, exit: take };
  const of = { key: 'crm', connector, limits, batchBy: 'destination', giveUpAfterMs: 86_400_000 } as const;
  const target = createTarget(of, clock);
  const tell = (waitMaxMs: number) =>
    deliver(target, [exampleDelivery(0), exampleDelivery(1)], {
      telemetry: silentTelemetry,
      clock,
      waitMaxMs,
      signal: never,
    });
  return { clock, told, tell };
}

test('what waits for nothing but the pace of its destination says so', async () => {
  const { tell } = single(1);
  const results = await tell(0);
  expect(results.get('change-0')).toEqual({ status: 'delivered' });
  const later = results.get('change-1');
  expect(later?.status === 'retry' && isPacedReason(later.reason)).toBe(true);
  expect(isPacedReason('The destination is down.')).toBe(false);
});

test('a call begins no further batch while one waits to be sent again, where the destination takes one at once', async () => {
  let isDown = true;
  const { clock, told, tell } = single(1_000, () => {
    const wasDown = isDown;
    isDown = false;
    return wasDown ? Promise.reject(new DestinationError('transient', 'It is down.')) : Promise.resolve();
  });
  const telling = tell(60_000);
  await clock.advance(60_000);
  await telling;
  expect(told).toEqual(['change-0', 'change-0', 'change-1']);
});
