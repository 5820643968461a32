import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const folder =
  process.env.CONSOLE_SCREENSHOTS === 'docs'
    ? join(import.meta.dirname, '../../../docs/console')
    : join(import.meta.dirname, '../dist/screenshots');

/**
 * Keeps what the page shows, light and dark as `<name>.png` and `<name>-dark.png`: among the
 * documents when they are asked for.
 */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [colorScheme, suffix] of [
    ['light', ''],
    ['dark', '-dark'],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(folder, `${name}${suffix}.png`) });
  }
  await page.emulateMedia({ colorScheme: 'light' });
}
