import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { inParallel } from './in-parallel.ts';

const { signal } = new AbortController();

test('results come in the order of the items, and never more than the bound is under way', async () => {
  let underWay = 0;
  let most = 0;
  const results = await inParallel([5, 4, 3, 2, 1, 0], 3, signal, async (turns) => {
    underWay += 1;
    most = Math.max(most, underWay);
    for (let n = 0; n < turns; n += 1) await turn();
    underWay -= 1;
    return turns * 10;
  });
  expect(results).toEqual([50, 40, 30, 20, 10, 0]);
  expect(most).toBe(3);
});

test('the first failure aborts the others, and is thrown once they have ended', async () => {
  const ended: number[] = [];
  const started: number[] = [];
  const call = inParallel([0, 1, 2, 3], 2, signal, async (item, workSignal) => {
    started.push(item);
    if (item === 1) throw new Error('first');
    while (!workSignal.aborted) await turn();
    await turn();
    ended.push(item);
    throw new Error('second');
  });
  await expect(call).rejects.toThrow('first');
  expect({ started, ended }).toEqual({ started: [0, 1], ended: [0] });
});

test('nothing is started for an aborted signal, and its reason is thrown', async () => {
  const work = () => Promise.reject(new Error('started'));
  await expect(inParallel([1], 2, AbortSignal.abort(new Error('deadline')), work)).rejects.toThrow('deadline');
  await expect(inParallel([], 2, AbortSignal.abort(new Error('deadline')), work)).rejects.toThrow('deadline');
});
