import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchHub } from './bench-hub.ts';
import type { BenchExport } from './entries.ts';
import { monotonicMs } from './monotonic.ts';

export interface SteadyLoad {
  /** Exports per second, all partitions together. */
  readonly rate: number;
  readonly seconds: number;
  readonly next: () => BenchExport;
}

const tickMs = 10;

/**
 * Sends exports at a steady rate, and waits for no result, to the partitions in turn: every 10 ms
 * what is due, in one send for each partition that gets something. Gives when the hub had accepted
 * each, by person, once it has accepted all.
 */
export async function sendSteadily(hub: BenchHub, { rate, seconds, next }: SteadyLoad): Promise<Map<string, number>> {
  const acceptedMs = new Map<string, number>();
  const sends: Promise<void>[] = [];
  const startedMs = monotonicMs();
  const count = Math.round(rate * seconds);
  let sent = 0;
  while (sent < count) {
    const due = Math.min(count, Math.floor(((monotonicMs() - startedMs) / 1_000) * rate) + 1) - sent;
    const first = sent;
    const byPartition = Map.groupBy(
      Array.from({ length: due }, (_, index) => ({ partition: (first + index) % hub.partitions, of: next() })),
      ({ partition }) => partition,
    );
    sent += due;
    for (const [partition, group] of byPartition) {
      const exports = group.map(({ of }) => of);
      sends.push(
        hub.send(exports, partition).then((atMs) => {
          for (const { person } of exports) acceptedMs.set(person, atMs);
        }),
      );
    }
    await sleep(tickMs);
  }
  await Promise.all(sends);
  return acceptedMs;
}
