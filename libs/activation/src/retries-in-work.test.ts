import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RetriesInWork, retriesAtOnce } from './retries-in-work.ts';

const none = Promise.resolve(undefined);

/** Begins as many of a destination as may begin, and says how many these are. */
function fill(inWork: RetriesInWork, destination: string): number {
  let begun = 0;
  while (begun < 100 && inWork.mayBegin(destination)) {
    inWork.begin(`${destination}-${begun}`, destination, none);
    begun += 1;
  }
  return begun;
}

test('a destination takes half of what the others leave', () => {
  const inWork = new RetriesInWork();
  expect(['crm', 'ads', 'mail', 'shop', 'blog'].map((key) => fill(inWork, key))).toEqual([6, 3, 2, 1, 0]);
});

test('what ends leaves its place', () => {
  const inWork = new RetriesInWork();
  fill(inWork, 'crm');
  expect(inWork.found('crm-3')).toBe(none);
  inWork.end('crm-3');
  expect([inWork.found('crm-3'), inWork.mayBegin('crm')]).toEqual([undefined, true]);
});

test('what is given back comes a second later, one after the other, and an hour later at the most', () => {
  const inWork = new RetriesInWork();
  expect([inWork.againAtMs(5_000), inWork.againAtMs(5_000), inWork.againAtMs(5_050)]).toEqual([6_000, 6_100, 6_200]);
  expect(inWork.againAtMs(60_000)).toBe(61_000);
  for (let given = 0; given < 100_000; given += 1) inWork.againAtMs(60_000);
  expect(inWork.againAtMs(60_000)).toBe(60_000 + 3_600_000);
});

test('the host fetches messages while as many retries are in work as may be', async () => {
  const file = join(import.meta.dirname, '../../../apps/handler/host.json');
  const { extensions } = JSON.parse(await readFile(file, 'utf8')) as {
    readonly extensions: { readonly queues: { readonly newBatchThreshold: number } };
  };
  expect(extensions.queues.newBatchThreshold).toBe(retriesAtOnce);
});
