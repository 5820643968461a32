import type { Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { openPage } from './browser.ts';

/**
 * Opens a page of a console for the running test; at its end the page must have had nothing to
 * complain about.
 */
export async function pageForTest(
  { url }: { readonly url: string },
  path: string,
  theme: 'light' | 'dark' = 'light',
): Promise<Page> {
  const { page, complaints } = await openPage(url, path, { theme });
  onTestFinished(async () => {
    await page.context().close();
    expect(complaints).toEqual([]);
  });
  return page;
}
