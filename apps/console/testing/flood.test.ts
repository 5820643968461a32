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

/**
 * From now on, notes in the page what the grid names as its current row, whenever that changes or
 * rows come and go: one that is drawn, one that is not there, or none. The page notes it itself,
 * because rows move faster than a test can ask.
 */
function observeCurrentRow(page: Page): Promise<void> {
  return page.evaluate(() => {
    const seen = ((globalThis as { currentRows?: string[] }).currentRows = []) as string[];
    const note = (): void => {
      const id = document.querySelector('[role=grid]')?.getAttribute('aria-activedescendant');
      const state =
        id === null || id === undefined ? 'none' : document.getElementById(id) === null ? 'missing' : 'drawn';
      if (seen.at(-1) !== state) seen.push(state);
    };
    new MutationObserver(note).observe(document.body, {
      subtree: true,
      childList: true,
      attributeFilter: ['aria-activedescendant'],
    });
  });
}

function currentRows(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => (globalThis as { currentRows?: string[] }).currentRows ?? []);
}

test(
  'at more than 10,000 changes a minute only the rows in view are drawn, and memory stays flat',
  { timeout: 900_000 },
  async () => {
    // Each export has two or three changes.
    const hub = await startLocalHub('--rate', '120');
    onTestFinished(() => hub.end());
    const { page, complaints } = await openPage(hub.url, '/live');
    const count = () => changesSeen(page);
    // As many as the page keeps: from then on each one that comes takes the place of another.
    await expect.poll(count, { timeout: 420_000, interval: 1_000 }).toBeGreaterThan(5_500);
    const before = await heapOf(page);
    const [from, startedMs] = [await count(), performance.now()];
    await expect.poll(count, { timeout: 420_000, interval: 1_000 }).toBeGreaterThan(from + 3_000);
    const perMinute = ((await count()) - from) / ((performance.now() - startedMs) / 60_000);
    const after = await heapOf(page);
    expect(await page.getByRole('grid').getByRole('row').count()).toBeLessThan(60);
    expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(1_500);
    expect(after - before).toBeLessThan(growthBytesMax);
    // No element names a change as the current row after newer ones have pushed it out of view.
    await observeCurrentRow(page);
    await page.keyboard.press('p');
    await page.getByText(/^The list is held\./).waitFor();
    await page.getByRole('grid').getByRole('row').nth(2).click();
    await expect.poll(async () => (await currentRows(page)).at(-1)).toBe('drawn');
    await page.keyboard.press('p');
    await expect.poll(async () => (await currentRows(page)).at(-1)).toBe('none');
    expect(await currentRows(page)).not.toContain('missing');
    process.stdout.write(`${Math.round(perMinute)} changes a minute; heap ${before} bytes, then ${after}\n`);
    expect(complaints).toEqual([]);
  },
);
