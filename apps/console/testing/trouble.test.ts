import { afterAll, beforeEach, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { closeBrowser, requireChromium } from './browser.ts';
import { startLocalHub, type LocalHub } from './local-hub.ts';
import { pageForTest } from './page-for-test.ts';

const patientMs = 120_000;
let hub: LocalHub | undefined;

beforeEach(async (context) => {
  requireChromium(context);
  hub ??= await startLocalHub('--no-simulator');
});
afterAll(async () => {
  await closeBrowser();
  await hub?.end();
});

function open(path: string): Promise<Page> {
  if (hub === undefined) throw new Error('Failed to open a page: nothing runs.');
  return pageForTest(hub, path);
}

test('before the first event the pages say that there is nothing, and not that something failed', async () => {
  const page = await open('/dead-letters');
  await page.getByText('There is no dead letter').waitFor({ timeout: patientMs });
  await page.goto(`${new URL(page.url()).origin}/people#crmid%3AC-1`);
  await page.getByText('Nothing is known of this person').waitFor({ timeout: patientMs });
  await page.getByRole('link', { name: 'File' }).click();
  await page.getByText('No member is left behind.').waitFor({ timeout: patientMs });
});

test('an act that was cancelled while it looked does not come back when the look ends', async () => {
  const page = await open('/destinations');
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<undefined>();
  await page.route('**/resync', async (route) => {
    await mayAnswer;
    await route.continue();
  });
  await page.getByRole('button', { name: 'Resync …' }).click();
  await page.getByText('Looking what it would do …').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const answered = page.waitForResponse('**/resync');
  letAnswer(undefined);
  await answered;
  // Of the work that the answer names, the page asks more often than of the destinations.
  for (let time = 0; time < 2; time += 1) await page.waitForResponse('**/api/destinations');
  expect(await page.getByRole('dialog').count()).toBe(0);
});

test('what came of a resume stays to be read', async () => {
  const page = await open('/destinations');
  await page.getByRole('button', { name: 'Pause …', exact: true }).first().click();
  await page.getByLabel('Why, for those who see it').fill('a freeze');
  await page.getByRole('button', { name: 'Pause receiver', exact: true }).click();
  await page.getByText('receiver is paused').waitFor({ timeout: patientMs });
  await page.getByRole('button', { name: 'Try now' }).click();
  await page.getByText('Failed to try receiver: receiver is paused by').waitFor({ timeout: patientMs });
  await page.getByRole('button', { name: 'Resume', exact: true }).click();
  await page.getByText('receiver is paused since').waitFor({ state: 'detached', timeout: patientMs });
  await page.getByText('Resumed receiver; 0 waiting retries are tried from now on.').waitFor();
});

test('pauses that cannot be read are not shown as none', async () => {
  const page = await open('/');
  const message = 'Failed to read the controls: the blob is not as it was written.';
  await page.route('**/api/pauses', (route) => route.fulfill({ status: 422, json: { message } }));
  await page.reload();
  await page.getByText(`It is not known what is paused. ${message}`).waitFor();
});

test('an address of a person is followed when it changes, and one that is malformed is a text like any other', async () => {
  const page = await open('/people#crmid%3AC-1');
  const field = page.getByLabel('Identities of the person');
  expect(await field.inputValue()).toBe('crmid:C-1');
  await page.evaluate(() => (location.hash = '#crmid%3AC-2'));
  await expect.poll(() => field.inputValue()).toBe('crmid:C-2');
  await page.goto(`${new URL(page.url()).origin}/people#100%`);
  await expect.poll(() => field.inputValue()).toBe('100%');
  await page.reload();
  await expect.poll(() => field.inputValue()).toBe('100%');
});

test('a look at a person that takes long is not begun anew by who presses again', async () => {
  const page = await open('/people#crmid%3AC-1');
  await page.getByText('Nothing is known of this person').waitFor({ timeout: patientMs });
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<undefined>();
  let looks = 0;
  await page.route('**/people/explain', async (route) => {
    looks += 1;
    await mayAnswer;
    await route.continue();
  });
  // The page looks by itself every few seconds.
  await expect.poll(() => looks).toBe(1);
  for (let time = 0; time < 3; time += 1) await page.getByRole('button', { name: 'Look' }).click();
  expect(looks).toBe(1);
  letAnswer(undefined);
  await page.waitForResponse('**/people/explain');
});

test('the skip link of the person’s page asks for nobody', async () => {
  const page = await open('/people#crmid%3AC-1');
  await page.getByRole('link', { name: 'Skip to the content' }).focus();
  await page.keyboard.press('Enter');
  expect(await page.getByLabel('Identities of the person').inputValue()).toBe('crmid:C-1');
  expect(new URL(page.url()).hash).toBe('#crmid%3AC-1');
});

test('the filter of dead letters shows a destination that the file does not have any more', async () => {
  const page = await open('/dead-letters?destination=gone');
  await expect.poll(() => page.getByLabel('destination').inputValue()).toBe('gone');
});

test('none among the newest dead letters is not said to be none', async () => {
  const page = await open('/');
  await page.route('**/api/dead-letters/list', (route) =>
    route.fulfill({ json: { letters: [], counts: [], unreadable: [], more: 99_700 } }),
  );
  await page.goto(`${new URL(page.url()).origin}/dead-letters?reason=full`);
  await page.getByText('Among the newest dead letters none is like that').waitFor();
  await page.getByText('99 700 older letters were not looked at').waitFor();
  expect(await page.getByRole('button', { name: 'Replay …' }).isEnabled()).toBe(true);
});

test(
  'a dead letter that is shown shows no other one, and what was purged is gone from the panel',
  { timeout: 300_000 },
  async () => {
    const page = await open('/try?way=compose');
    for (const broken of ['{"first": "ada@example.com"', '{"second": "bob@example.com"']) {
      await page.getByLabel('Body of the export').fill(broken);
      // By the answer: of the first one the page says already that it was sent.
      const taken = page.waitForResponse(
        (response) => response.request().method() === 'POST' && response.url().endsWith('/api/exports'),
      );
      await page.getByRole('button', { name: 'Send it' }).click();
      expect((await taken).status()).toBe(200);
    }
    await page.getByText('Your export was sent.').waitFor({ timeout: patientMs });
    await page.goto(`${new URL(page.url()).origin}/dead-letters`);
    const rows = page.getByRole('row').getByRole('button');
    await expect.poll(() => rows.count(), { timeout: patientMs }).toBe(2);
    await rows.nth(0).click();
    const panel = page.getByRole('complementary', { name: 'The dead letter' });
    await panel.getByRole('button', { name: 'Show it: it is personal data' }).click();
    await panel.getByRole('region', { name: 'The event' }).waitFor();
    await rows.nth(1).click();
    await panel.getByRole('button', { name: 'Show it: it is personal data' }).waitFor();
    await panel.getByRole('button', { name: 'Purge this one …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Purge this one now' }).click();
    await dialog.getByText('Deleted 1 dead letter of unreadable events').waitFor({ timeout: patientMs });
    await dialog.getByRole('button', { name: 'Close' }).click();
    await panel.getByText('There is no dead letter of that name any more').waitFor();
  },
);
