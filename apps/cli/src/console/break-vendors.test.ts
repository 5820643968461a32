import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { About, MatrixCell } from '@activation-hub/console-contract';
import { expect, onTestFinished, test } from 'vitest';
import { everyDestination, told } from '../../testing/every-destination.ts';
import { startActivation } from '../../testing/run-activation.ts';
import { streamMessages } from '../../testing/stream-messages.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';

/** A destination over AMQP has no address of HTTP that could be broken. */
const unbreakable = ['event-hubs'];
const breakable = told.filter((type) => !unbreakable.includes(type));

/**
 * Everything on this machine, with a stand-in for every kind of destination, and a way to ask its
 * console.
 */
async function openConsole() {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'every.json'), JSON.stringify(everyDestination()));
  const ports = ['--event-hubs-port', '0', '--storage-port', '0'];
  const local = startActivation(['local', '--vendor', '--activations', 'every.json', '--rate', '2', ...ports], {
    folder,
  });
  onTestFinished(async () => {
    await local.end();
  });
  const { origin, hash } = new URL(String((await local.event('ready')).consoleUrl));
  const headers = { authorization: `Bearer ${hash.replace('#token=', '')}` };
  const post = async (path: string, body: object): Promise<void> => {
    const response = await fetch(`${origin}/api/${path}`, { headers, method: 'POST', body: JSON.stringify(body) });
    expect([path, response.status]).toEqual([path, 200]);
  };
  /**
   * Waits until the cell of each of these destinations was once as is said, for more comes all the
   * time; gives those that never were when that takes too long.
   */
  const until = async (isSo: (cell: MatrixCell) => boolean, timeoutMs: number): Promise<readonly string[]> => {
    const others = new Set(breakable);
    const response = await fetch(`${origin}/api/stream`, { headers, signal: AbortSignal.timeout(timeoutMs) });
    try {
      for await (const message of streamMessages(response)) {
        if (message.is === 'changes' || message.overview === undefined) continue;
        for (const cell of message.overview.cells) if (isSo(cell)) others.delete(cell.destination);
        if (others.size === 0) return [];
      }
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'TimeoutError') throw error;
    }
    return [...others];
  };
  const about = (await (await fetch(`${origin}/api/about`, { headers })).json()) as About;
  return { about, post, until };
}

test(
  'the stand-in of every vendor that is told over HTTP is broken, so that its changes wait, and mended, so that it takes them',
  { timeout: 600_000 },
  async () => {
    const { about, post, until } = await openConsole();
    expect(about.destinations.filter(({ canBreak }) => canBreak).map(({ key }) => key)).toEqual(breakable);
    for (const key of breakable) await post(`faults/${key}`, { fault: 'down' });
    expect(await until(({ waiting }) => waiting > 0, 240_000)).toEqual([]);
    for (const key of breakable) await post(`faults/${key}`, { fault: 'none' });
    for (const key of breakable) await post('controls/retry-now', { destination: key, reason: 'mended' });
    const isTaken = ({ waiting, outcomes }: MatrixCell): boolean => waiting === 0 && (outcomes.delivered ?? 0) > 0;
    expect(await until(isTaken, 240_000)).toEqual([]);
  },
);
