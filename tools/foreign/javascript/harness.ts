/** What every part of this program uses: where the emulator is, and how an outcome is printed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Feature } from '../features.ts';

const { env } = process;
export const connection = env.EMULATOR_CONNECTION ?? '';
export const hub = env.EMULATOR_HUB ?? '';
/** A hub with nothing in it at the start. */
export const emptyHub = env.EMULATOR_EMPTY_HUB ?? '';

export function expectThat(holds: boolean, what: unknown): void {
  if (!holds) throw new Error(`got ${JSON.stringify(what)}`);
}

export async function feature(name: Feature, run: () => Promise<unknown>): Promise<void> {
  const late = new AbortController();
  const timeout = sleep(40_000, undefined, { signal: late.signal }).then(() => {
    throw new Error('no answer within 40 seconds');
  });
  try {
    await Promise.race([run(), timeout]);
    process.stdout.write(`works ${name}\n`);
  } catch (error) {
    process.stdout.write(`fails ${name} ${String(error).replaceAll('\n', ' ')}\n`);
  } finally {
    late.abort();
    await timeout.catch(() => undefined); // Aborted, or already reported.
  }
}
