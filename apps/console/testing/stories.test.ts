import { afterAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { axeViolations, closeBrowser, openPage, requireChromium } from './browser.ts';
import { goByKeys } from './go-by-keys.ts';
import { startLocalHub, type LocalHub } from './local-hub.ts';
import { pageForTest } from './page-for-test.ts';
import { keepScreenshot } from './screenshots.ts';
import { setFault } from './set-fault.ts';
import type { Page } from 'playwright-core';

const patientMs = 120_000;
let hub: LocalHub | undefined;

beforeEach(async (context) => {
  requireChromium(context);
  hub ??= await startLocalHub('--rate', '8');
});
afterAll(async () => {
  await closeBrowser();
  await hub?.end();
});

function open(path: string, theme?: 'light' | 'dark'): Promise<Page> {
  if (hub === undefined) throw new Error('Failed to open a page: nothing runs.');
  return pageForTest(hub, path, theme);
}

test(
  'the overview says what needs a person, which audiences arrive where, and how fast',
  { timeout: 300_000 },
  async () => {
    const page = await open('/');
    await page.getByText('Nothing. Every destination takes its changes.').waitFor();
    const cell = page
      .getByRole('row', { name: /Sports Fans/ })
      .getByRole('link')
      .first();
    await expect.poll(() => cell.innerText(), { timeout: patientMs }).toMatch(/[1-9]\d*\s+delivered/);
    await page.getByRole('img', { name: /changes? delivered/ }).waitFor();
    await expect.poll(() => page.getByRole('row', { name: /^[0-3] none/ }).count(), { timeout: patientMs }).toBe(4);
    // A minute of it is seen, as on any other day.
    await expect
      .poll(() => page.locator('.numbers').innerText(), { timeout: patientMs })
      .toMatch(/delivered in the last minute\s+(?:[4-9]\d|\d{3,})\b/);
    await keepScreenshot(page, 'overview');
    await cell.click();
    await expect.poll(() => page.url()).toContain('/live?audience=sports-fans&destination=receiver');
  },
);

test(
  'live shows each change with its request and answer, and the person only when asked',
  { timeout: 300_000 },
  async () => {
    const page = await open('/live?show=told');
    const rows = page.getByRole('grid', { name: 'Changes' }).getByRole('row');
    await expect.poll(() => rows.count(), { timeout: patientMs }).toBeGreaterThan(5);
    expect(await rows.nth(1).innerText()).toContain('●●●●');
    await rows.nth(1).click();
    const panel = page.getByRole('complementary', { name: 'The change' });
    await panel.getByText('1 attempt').waitFor();
    expect(await panel.innerText()).not.toContain('@example.com');
    await page.getByLabel('Show who people are').check();
    await panel.getByRole('region', { name: 'Request' }).waitFor();
    await expect
      .poll(() => panel.getByRole('region', { name: 'Request' }).innerText())
      .toMatch(/POST http[^]*webhook-signature: \[secret\]/);
    await expect.poll(() => panel.getByRole('region', { name: 'Answer' }).innerText()).toMatch(/^204 after/);
    await keepScreenshot(page, 'live');
    await panel.getByRole('button', { name: 'Follow this person' }).click();
    await expect.poll(() => new URL(page.url()).searchParams.get('who')).toMatch(/^[\w-]{12}$/);
  },
);

test('live stands still while its list is held, and says how much is newer', async () => {
  const page = await open('/live');
  const rows = page.getByRole('grid', { name: 'Changes' }).getByRole('row');
  await expect.poll(() => rows.count(), { timeout: patientMs }).toBeGreaterThan(5);
  await page.keyboard.press('p');
  await page.getByText(/^The list is held\./).waitFor({ timeout: patientMs });
  const first = await rows.nth(1).innerText();
  await page.getByText(/The list is held\. \d+ newer changes?\./).waitFor({ timeout: patientMs });
  await expect.poll(() => page.getByText(/The list is held\. [2-9]\d* newer/).count(), { timeout: patientMs }).toBe(1);
  expect(await rows.nth(1).innerText()).toBe(first);
  await page.keyboard.press('p');
  await expect.poll(() => rows.nth(1).innerText(), { timeout: patientMs }).not.toBe(first);
});

test('an address of a change is kept: it opens the same change', async () => {
  const page = await open('/live?change=1');
  await page.getByRole('heading', { name: 'Change 1', exact: true }).waitFor();
  const panel = page.getByRole('complementary', { name: 'The change' });
  await panel.getByText('What AEP sent').waitFor();
});

test('an export is looked at stage by stage, sent, and followed', async () => {
  const page = await open('/try?way=compose');
  const recent = page.getByLabel('Paste what AEP sends, or take one that came');
  await recent.focus();
  await expect.poll(() => recent.locator('option').count(), { timeout: patientMs }).toBeGreaterThan(1);
  await recent.selectOption({ index: 1 });
  await page.getByRole('button', { name: 'Look first' }).click();
  const stages = page.getByRole('list', { name: 'What each stage makes of it' });
  await stages.waitFor({ timeout: patientMs });
  await expect.poll(() => stages.innerText()).toMatch(/1 readable, 0 unreadable[^]*audiences are routed/);
  await page.getByRole('button', { name: 'Send it' }).click();
  await page.getByText(/Your export was sent\. \d+ changes? came of it\./).waitFor({ timeout: patientMs });
  await keepScreenshot(page, 'compose');
  await page.getByLabel('Body of the export').fill('{"segmentMembership": 5');
  await page.getByRole('button', { name: 'Look first' }).click();
  await page.getByText('0 readable, 1 unreadable').waitFor({ timeout: patientMs });
});

test('a person is played, looked up, and taken out; what would happen is said first', async () => {
  const page = await open('/try');
  await page
    .getByRole('button', { name: / in Newsletter Readers/ })
    .first()
    .click();
  await page.getByText(/entered newsletter-readers\. 1 change/).waitFor({ timeout: patientMs });
  await keepScreenshot(page, 'try-it');
  const email = await page.getByRole('rowheader').first().locator('small').innerText();
  await page.getByRole('link', { name: 'People' }).click();
  await page.getByText('Whom do you look for?').waitFor();
  await page.getByLabel('Identities of the person').fill(`email:${email}`);
  await page.keyboard.press('Enter');
  const row = page.getByRole('row', { name: /receiver newsletter-readers/ });
  await row.getByText('told', { exact: true }).waitFor({ timeout: patientMs });
  await keepScreenshot(page, 'people');
  // The person is in no address that is sent or kept by a server.
  expect(new URL(page.url()).search).toBe('');
  await page.getByRole('button', { name: 'Resync at receiver' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(/Would tell receiver of [1-9]\d* memberships?\./).waitFor({ timeout: patientMs });
  await dialog.getByRole('button', { name: 'Resync at receiver now' }).click();
  await dialog.getByText(/Told receiver of [1-9]\d* memberships?\./).waitFor({ timeout: patientMs });
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Take out of receiver' }).click();
  await dialog.getByText(/receiver would be told of an exit from newsletter-readers/).waitFor({ timeout: patientMs });
  await dialog.getByRole('button', { name: 'Take out of receiver now' }).click();
  await dialog.getByText(/receiver was told of 1 exits?/).waitFor({ timeout: patientMs });
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page
    .getByText(/left|exit/i)
    .first()
    .waitFor({ timeout: patientMs });
});

test(
  'a person is erased, after it was shown what would go, and nothing is known of them then',
  { timeout: 300_000 },
  async () => {
    const page = await open('/try');
    await page
      .getByRole('button', { name: / in Newsletter Readers/ })
      .nth(3)
      .click();
    await page.getByText(/entered newsletter-readers\. 1 change/).waitFor({ timeout: patientMs });
    const email = await page.getByRole('rowheader').nth(3).locator('small').innerText();
    await page.getByRole('link', { name: 'People' }).click();
    await page.getByLabel('Identities of the person').fill(`email:${email}`);
    await page.keyboard.press('Enter');
    const row = page.getByRole('row', { name: /receiver newsletter-readers/ });
    await row.getByText('told', { exact: true }).waitFor({ timeout: patientMs });
    await page.getByRole('button', { name: 'Erase the person …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/Would erase [1-9]\d* rows of the ledger of receiver\./).waitFor({ timeout: patientMs });
    // A dry run has erased nothing.
    expect(await row.getByText('told', { exact: true }).count()).toBe(1);
    await dialog.getByRole('button', { name: 'Erase the person now' }).click();
    await dialog.getByText(/Told receiver of 1 exit\./).waitFor({ timeout: patientMs });
    await dialog.getByText(/Erased [1-9]\d* rows of the ledger of receiver\./).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByText('Nothing is known of this person').waitFor({ timeout: patientMs });
  },
);

test(
  'from the first page, a stranger finds out whether and when the exit of a person arrived: a page, an address, an answer',
  { timeout: 300_000 },
  async () => {
    const play = await open('/try');
    const button = play.getByRole('button', { name: / in Cart Abandoners/ }).first();
    for (const word of ['entered', 'exited']) {
      await button.click();
      await play
        .getByRole('region', { name: 'What became of it' })
        .getByRole('link', { name: `${word} cart-abandoners` })
        .waitFor({ timeout: patientMs });
    }
    const email = await play.getByRole('rowheader').first().locator('small').innerText();

    const page = await open('/');
    await page.getByRole('link', { name: 'People' }).click();
    await page.keyboard.press('/');
    await page.keyboard.type(email);
    await page.keyboard.press('Enter');
    const row = page.getByRole('row', { name: /receiver cart-abandoners/ });
    await row.getByText(/told that the person left\. Told at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, /).waitFor({
      timeout: patientMs,
    });
  },
);

test('of a person of whom nothing is known that is said', async () => {
  const page = await open('/people');
  await page.getByLabel('Identities of the person').fill('email:nobody@example.com');
  await page.getByRole('button', { name: 'Look' }).click();
  await page.getByText('Nothing is known of this person').waitFor({ timeout: patientMs });
  await page.getByLabel('Identities of the person').fill('nobody');
  await page.getByRole('button', { name: 'Look' }).click();
  await page.getByText('write namespace:identity').waitFor({ timeout: patientMs });
});

test('what a destination refuses becomes a dead letter, which is read and replayed', async () => {
  const page = await open('/try');
  await setFault(page, 'receiver', 'refuses');
  await page
    .getByRole('button', { name: / in Cart Abandoners/ })
    .nth(1)
    .click();
  await page.getByRole('region', { name: 'What became of it' }).getByText('rejected').waitFor({ timeout: patientMs });
  await setFault(page, 'receiver', 'none');
  await page.getByRole('link', { name: 'Dead letters' }).click();
  const letter = page.getByRole('row', { name: /receiver invalid rejected/ }).first();
  await letter.waitFor({ timeout: patientMs });
  await letter.getByRole('button').click();
  await page.getByRole('button', { name: 'Show it: it is personal data' }).click();
  await page.getByRole('region', { name: 'The event' }).getByText('segmentMembership').waitFor();
  await keepScreenshot(page, 'dead-letters');
  await page.getByRole('button', { name: 'Replay …', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(/Would replay \d+ dead letters? of receiver, invalid\./).waitFor({ timeout: patientMs });
  await dialog.getByRole('button', { name: 'Replay now' }).click();
  await dialog.getByText(/^Replayed \d+ dead letters? of receiver/).waitFor({ timeout: patientMs });
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByText('There is no dead letter').waitFor({ timeout: patientMs });
});

test('a dead letter is purged, after it was shown which', async () => {
  const page = await open('/try');
  await setFault(page, 'receiver', 'refuses');
  await page
    .getByRole('button', { name: / in Cart Abandoners/ })
    .nth(2)
    .click();
  await page.getByRole('region', { name: 'What became of it' }).getByText('rejected').waitFor({ timeout: patientMs });
  await setFault(page, 'receiver', 'none');
  await page.getByRole('link', { name: 'Dead letters' }).click();
  const letters = page.getByRole('row', { name: /receiver invalid rejected/ });
  await letters.first().waitFor({ timeout: patientMs });
  await page.getByRole('button', { name: 'Purge …', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(/Would delete \d+ dead letters? of receiver, invalid\./).waitFor({ timeout: patientMs });
  expect(await letters.count()).toBeGreaterThan(0);
  await dialog.getByRole('button', { name: 'Purge now' }).click();
  await dialog.getByText(/^Deleted \d+ dead letters? of receiver, invalid\./).waitFor({ timeout: patientMs });
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByText('There is no dead letter').waitFor({ timeout: patientMs });
});

test('a destination is told everything again, after it was shown how much that is', async () => {
  const page = await open('/destinations?destination=receiver');
  await page.getByRole('button', { name: 'Resync …' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(/Would tell receiver of [1-9]\d* memberships\./).waitFor({ timeout: patientMs });
  await dialog.getByRole('button', { name: 'Resync now' }).click();
  await dialog.getByText(/Told receiver of [1-9]\d* memberships; \d+ wait in the retry queue\./).waitFor({
    timeout: patientMs,
  });
  await dialog.getByRole('button', { name: 'Close' }).click();
});

test(
  'a destination shows its settings without secrets, is probed, paused and resumed',
  { timeout: 300_000 },
  async () => {
    const page = await open('/destinations?destination=receiver');
    const settings = page.getByRole('region', { name: 'Settings as YAML' });
    await settings.getByText('secret: receiver-signing-secret').waitFor({ timeout: patientMs });
    expect(await settings.innerText()).not.toContain('whsec_');
    await page.getByRole('button', { name: 'Probe' }).click();
    await page.getByText(/are well|nothing that could be asked/).waitFor({ timeout: patientMs });
    await keepScreenshot(page, 'destinations');
    await page.getByRole('button', { name: 'Pause …' }).click();
    await page.getByLabel('Why, for those who see it').fill('it is migrated');
    await page.getByRole('button', { name: 'Pause receiver', exact: true }).click();
    await page.getByText('receiver is paused').waitFor({ timeout: patientMs });
    // A person's story says it too: a change of theirs waits meanwhile.
    const story = await open('/try');
    await story
      .getByRole('button', { name: / in Newsletter Readers/ })
      .first()
      .click();
    const email = await story.getByRole('rowheader').first().locator('small').innerText();
    await story.getByRole('link', { name: 'People' }).click();
    await story.getByLabel('Identities of the person').fill(`email:${email}`);
    // Each look is waited for: a look that follows too soon puts an end to the one before.
    const isSaid = async (): Promise<boolean> => {
      const looked = story.waitForResponse('**/api/people/explain');
      await story.getByRole('button', { name: 'Look' }).click();
      await looked;
      return await story.getByText('it is migrated').first().isVisible();
    };
    await expect.poll(isSaid, { timeout: patientMs, interval: 500 }).toBe(true);
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await page.getByText('receiver is paused').waitFor({ state: 'detached', timeout: patientMs });
  },
);

test(
  'a destination in shadow is told nothing; the page shows what it would be told, and the request of each change',
  { timeout: 300_000 },
  async () => {
    const page = await open('/destinations?destination=receiver');
    const held = page.getByRole('region', { name: 'What it would be told' });
    await page.getByRole('button', { name: 'Shadow …' }).click();
    await page.getByLabel('Why, for those who see it').fill('is the new list right?');
    await page.getByRole('button', { name: 'Put receiver into shadow', exact: true }).click();
    await page.getByText('receiver is in shadow').waitFor({ timeout: patientMs });
    const live = await open('/live?destination=receiver&text=shadow');
    const rows = live.getByRole('grid', { name: 'Changes' }).getByRole('row');
    await expect.poll(() => rows.count(), { timeout: patientMs }).toBeGreaterThan(5);
    await live.getByRole('button', { name: /^Hold the list/ }).click();
    await rows.nth(1).getByText('in shadow', { exact: true }).waitFor();
    await rows.nth(1).click();
    const panel = live.getByRole('complementary', { name: 'The change' });
    await panel.getByText('What would be told now').waitFor({ timeout: patientMs });
    await panel.getByText(/^POST/).first().waitFor({ timeout: patientMs });
    expect(await panel.innerText()).not.toContain('@example.com');
    await live.getByLabel('Show who people are').check();
    await panel
      .getByRole('region', { name: 'Request 1', exact: true })
      .getByText('webhook-signature: [secret]')
      .waitFor();
    await keepScreenshot(live, 'live-shadow');

    // A look shows what waits at its moment: of this audience perhaps nothing yet.
    const lookAgain = held.getByRole('button', { name: 'Look again' });
    const isSeen = async (): Promise<boolean> => {
      await lookAgain.click();
      await lookAgain.waitFor({ timeout: patientMs });
      return await held.getByRole('row', { name: /newsletter-readers \d+ \d+ \d+ 0/ }).isVisible();
    };
    await expect.poll(isSeen, { timeout: patientMs, interval: 500 }).toBe(true);
    await held.locator('summary').first().click();
    await keepScreenshot(page, 'shadow');
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await page.getByText('receiver is in shadow').waitFor({ state: 'detached', timeout: patientMs });
    await live.goto(new URL('/live?show=told', live.url()).href);
    await expect.poll(() => rows.count(), { timeout: patientMs }).toBeGreaterThan(5);
  },
);

test('the file is a picture, a text with its lines, and compared with the ledger', async () => {
  const page = await open('/file');
  await page.getByText('The file is right.').waitFor({ timeout: patientMs });
  await page.getByRole('img', { name: /sports-fans to receiver, live; sports-fans to trial, shadow/ }).waitFor();
  await expect
    .poll(() => page.getByRole('row', { name: /sports-fans → receiver live \d+/ }).count(), { timeout: patientMs })
    .toBe(1);
  await page.getByText('No member is left behind.').waitFor();
  await keepScreenshot(page, 'file');
});

test('everything is done with the keyboard alone', async () => {
  const page = await open('/');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
  await goByKeys(page, 'l', 'Live');
  const grid = page.getByRole('grid', { name: 'Changes' });
  await expect.poll(() => grid.getByRole('row').count(), { timeout: patientMs }).toBeGreaterThan(5);
  await page.keyboard.press('p');
  await page.keyboard.press('/');
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Filter by text');
  await page.keyboard.type('receiver');
  await expect.poll(() => page.url()).toContain('text=receiver');
  while (!(await grid.evaluate((element) => element === document.activeElement))) await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowDown');
  await page.getByRole('complementary', { name: 'The change' }).waitFor();
  const chosen = (): string | null => new URL(page.url()).searchParams.get('change');
  await expect.poll(chosen).not.toBe(null);
  const first = chosen();
  await page.keyboard.press('ArrowDown');
  await expect.poll(chosen).not.toBe(first);
  await expect.poll(() => grid.getAttribute('aria-activedescendant')).toBe(`change-${chosen()}`);
  await page.keyboard.press('Escape');
  await page.getByRole('complementary', { name: 'The change' }).waitFor({ state: 'detached' });
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test.each([
  '/',
  '/live',
  '/live?change=1',
  '/try',
  '/try?way=compose',
  '/people',
  '/dead-letters',
  '/destinations',
  '/file',
])(
  'axe finds nothing wrong on %s, light and dark, and nothing is wider than the window',
  { timeout: 300_000 },
  async (path) => {
    for (const theme of ['light', 'dark'] as const) {
      const page = await open(path, theme);
      await expect.poll(() => page.getByText(/^Loading /).count(), { timeout: patientMs }).toBe(0);
      expect(await axeViolations(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1280);
    }
  },
);

test('control: axe finds what is wrong', async () => {
  const page = await open('/');
  await page.evaluate(() => document.querySelector('main')?.append(document.createElement('button')));
  expect((await axeViolations(page)).join()).toContain('button-name');
});

test('a page with a token of an earlier start says what to do', async () => {
  if (hub === undefined) throw new Error('Failed to open a page: nothing runs.');
  const { page } = await openPage(hub.url);
  onTestFinished(() => page.context().close());
  await page.evaluate(() => localStorage.setItem('activation-hub-token', 'of-an-earlier-start'));
  await page.reload();
  await page.getByText('Open the address that the command printed when it started.').waitFor({ timeout: patientMs });
  expect(await axeViolations(page)).toEqual([]);
});
