import type { Fault } from '@activation-hub/console-contract';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/**
 * Lets the stand-in of a destination answer otherwise, by the page that can. Resolves when the page
 * shows that it does: what is sent then meets it.
 */
export async function setFault(page: Page, destination: string, fault: Fault): Promise<void> {
  const select = page.getByLabel(destination);
  await select.selectOption(fault);
  await expect.poll(() => select.inputValue()).toBe(fault);
}
