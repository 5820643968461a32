import { afterAll, beforeEach, expect, test } from 'vitest';
import { closeBrowser, requireChromium } from './browser.ts';
import { endurance, endure, isFlat, stutterMs } from './endurance.ts';

beforeEach(requireChromium);
afterAll(closeBrowser);

/** The same changes in a sixth of the time: harder on the page than ten minutes of 10,000. */
const load = { perMinute: 60_000, seconds: 24, changesMin: 20_000 };

test('60,000 changes a minute make no stutter, and memory stays flat', async () => {
  const endured = await endure(load);
  process.stdout.write(`${endurance(endured)}\n`);
  expect(endured.stutters).toEqual([]);
  expect(endured.longestMs).toBeLessThanOrEqual(stutterMs);
  expect(isFlat(endured)).toBe(true);
  expect(endured.changes).toBeGreaterThan(20_000);
});

test('control: a task that holds the processor and memory that is held are found', async () => {
  const endured = await endure({
    perMinute: 10_000,
    seconds: 3,
    disturb: async (page) => {
      await page.evaluate(() => {
        const held: string[][] = [];
        Object.assign(globalThis, { held });
        held.push(Array.from({ length: 600_000 }, (_, index) => `held ${index}`));
        // Work for some hundred milliseconds of the processor, and not so long a time: of that the
        // page may get any part.
        let sum = 0;
        for (let step = 0; step < 500_000_000; step += 1) sum += step % 7;
        Object.assign(globalThis, { sum });
      });
    },
  });
  expect(endured.stutters.length).toBeGreaterThan(0);
  expect(isFlat(endured)).toBe(false);
});
