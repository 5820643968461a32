import { afterAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Page } from 'playwright-core';
import { closeBrowser, openPage, requireChromium } from './browser.ts';
import { growthBytesMax, heapOf } from './endurance.ts';
import { startLocalHub } from './local-hub.ts';

beforeEach(requireChromium);
afterAll(closeBrowser);

async function changesSeen(page: Page): Promise<number> {
  const text = await page.getByRole('grid', { name: 'Changes' }).getByRole('row').nth(1).getAttribute('id');
  return Number(text?.replace('change-', '') ?? 0);
}

/** What the grid names as its current row: one that is drawn, one that is not there, or none. */
function currentRowOf(page: Page): Promise<'drawn' | 'missing' | 'none'> {
  return page.evaluate(() => {
    const id = document.querySelector('[role=grid]')?.getAttribute('aria-activedescendant');
    if (id === null || id === undefined) return 'none';
    return document.getElementById(id) === null ? 'missing' : 'drawn';
  });
}

test(
  'at more than 10,000 changes a minute only the rows in view are drawn, and memory stays flat',
  { timeout: 240_000 },
  async () => {
    // Each export has two or three changes.
    const hub = await startLocalHub('--rate', '120');
    onTestFinished(() => hub.end());
    const { page, complaints } = await openPage(hub.url, '/live');
    const count = () => changesSeen(page);
    // As many as the page keeps: from then on each one that comes takes the place of another.
    await expect.poll(count, { timeout: 120_000, interval: 1_000 }).toBeGreaterThan(5_500);
    const before = await heapOf(page);
    const [from, startedMs] = [await count(), performance.now()];
    await expect.poll(count, { timeout: 120_000, interval: 1_000 }).toBeGreaterThan(from + 3_000);
    const perMinute = ((await count()) - from) / ((performance.now() - startedMs) / 60_000);
    const after = await heapOf(page);
    expect(await page.getByRole('grid').getByRole('row').count()).toBeLessThan(60);
    expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(1_500);
    expect(after - before).toBeLessThan(growthBytesMax);
    // A change that is open, and that newer ones have pushed out of view, is named to nobody as the current row.
    await page.getByRole('grid').getByRole('row').nth(2).click();
    const current = new Set<string>();
    await expect
      .poll(async () => [...current.add(await currentRowOf(page))].at(-1), { timeout: 60_000, interval: 50 })
      .toBe('none');
    expect([...current]).toEqual(['drawn', 'none']);
    process.stdout.write(`${Math.round(perMinute)} changes a minute; heap ${before} bytes, then ${after}\n`);
    expect(complaints).toEqual([]);
  },
);
