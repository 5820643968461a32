import type { Page } from 'playwright-core';

/**
 * Goes to a page by `g` and its key, and resolves when its heading is there. The two keys belong
 * together for 1.2 seconds (`shortcuts.ts`): where a busy machine brings the second one later, both
 * are pressed again, as a person would.
 */
export async function goByKeys(page: Page, key: string, heading: string): Promise<void> {
  const place = page.getByRole('heading', { level: 1, name: heading });
  do {
    await page.keyboard.press('g');
    await page.keyboard.press(key);
  } while (!(await isThereWithin(place, 5_000)));
}

function isThereWithin(place: ReturnType<Page['getByRole']>, timeout: number): Promise<boolean> {
  return place.waitFor({ timeout }).then(
    () => true,
    () => false,
  );
}
