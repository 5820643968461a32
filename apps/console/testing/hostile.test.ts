import { afterAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Page } from 'playwright-core';
import { closeBrowser, openPage, requireChromium } from './browser.ts';
import { startLocalHub } from './local-hub.ts';

beforeEach(requireChromium);
afterAll(closeBrowser);

const patientMs = 120_000;
const markup = '<img src=x onerror="window.wasHacked=true"><script>window.wasHacked=true</script>';
const audience = {
  ups: {
    '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a04': { lastQualificationTime: '2026-01-31T12:00:00Z', status: 'realized' },
  },
};
const values = {
  markup: `${markup}</textarea></pre>`,
  'right-to-left marks': 'evil\u202Egnp.moc.elpmaxe\u202C\u2067abc',
  'ten kilobytes': `C-${'9'.repeat(10_000)}`,
  'what a template would take': '${7*7}{{7*7}}%3Cscript%3E javascript:alert(1)',
};

async function send(page: Page, crmid: string): Promise<void> {
  await page.getByRole('link', { name: 'Try it' }).click();
  await page.getByRole('button', { name: 'Compose an export' }).click();
  const body = {
    identityMap: { crmid: [{ id: crmid }] },
    segmentMembership: audience,
    person: { name: { firstName: markup } },
  };
  await page.getByLabel('Body of the export').fill(JSON.stringify(body));
  await page.getByRole('button', { name: 'Look first' }).click();
  await page.getByRole('list', { name: 'What each stage makes of it' }).waitFor({ timeout: patientMs });
  await page.getByRole('button', { name: 'Send it' }).click();
  await page.getByText(/Your export was sent\. 1 change came of it\./).waitFor({ timeout: patientMs });
}

test(
  'hostile values are shown as what they are: they run nothing, send no request and break no layout',
  { timeout: 300_000 },
  async () => {
    const hub = await startLocalHub('--no-simulator');
    onTestFinished(() => hub.end());
    const { page, complaints } = await openPage(hub.url);
    await page.getByLabel('Show who people are').check();
    for (const [name, value] of Object.entries(values)) {
      await send(page, value);
      await page.getByRole('link', { name: 'Follow it in Live' }).click();
      const row = page.getByRole('grid', { name: 'Changes' }).getByRole('row').nth(1);
      await row.getByText('delivered').waitFor({ timeout: patientMs });
      await row.click();
      const panel = page.getByRole('complementary', { name: 'The change' });
      await panel.getByRole('region', { name: 'Request' }).waitFor({ timeout: patientMs });
      expect([name, await panel.locator('dd.person').innerText()]).toEqual([name, `crmid ${value}`]);
      expect([name, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([name, 1280]);
      // What turns the direction of writing stays within its own place.
      const isolated = await panel
        .locator('dd.person bdi')
        .evaluate((element) => getComputedStyle(element).unicodeBidi);
      expect(isolated).toBe('isolate');

      await page.getByRole('link', { name: 'People' }).click();
      await page.getByLabel('Identities of the person').fill(`crmid:${value.replaceAll(/\s/g, '')}`);
      await page.getByRole('button', { name: 'Look' }).click();
      await page
        .getByText(/Nothing is known|What happened|cannot be looked for/)
        .first()
        .waitFor({ timeout: patientMs });
      expect([name, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([name, 1280]);
    }
    expect(await page.evaluate(() => 'wasHacked' in window)).toBe(false);
    expect(await page.locator('img[src=x]').count()).toBe(0);
    expect(complaints).toEqual([]);
  },
);

test(
  'control: a script in the page is refused, so that even a mistake runs nothing',
  { timeout: 300_000 },
  async () => {
    const hub = await startLocalHub('--no-simulator');
    onTestFinished(() => hub.end());
    const { page, complaints } = await openPage(hub.url);
    await page.evaluate((text) => {
      const element = document.createElement('div');
      element.innerHTML = text;
      document.body.append(element);
    }, markup);
    await expect.poll(() => complaints.join(), { timeout: patientMs }).toContain('Content Security Policy');
    expect(await page.evaluate(() => 'wasHacked' in window)).toBe(false);
  },
);
