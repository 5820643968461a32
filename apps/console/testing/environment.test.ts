import { afterAll, beforeEach, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { axeViolations, closeBrowser, requireChromium } from './browser.ts';
import { startDeployedConsole, type DeployedConsole } from './deployed-environment.ts';
import { pageForTest } from './page-for-test.ts';
import { keepScreenshot } from './screenshots.ts';

const patientMs = 120_000;
const roles = [
  'Storage Blob Data Contributor',
  'Storage Queue Data Contributor',
  'Storage Table Data Contributor',
  'Storage Blob Data Reader',
  'Azure Event Hubs Data Receiver',
  'Key Vault Secrets User',
];
let deployed: DeployedConsole | undefined;

beforeEach(async (context) => {
  requireChromium(context);
  deployed ??= await startDeployedConsole();
  await deployed.setRoles(roles);
});
afterAll(async () => {
  await closeBrowser();
  await deployed?.end();
});

function started(): DeployedConsole {
  if (deployed === undefined) throw new Error('Failed to open a page: nothing runs.');
  return deployed;
}

const open = (path: string, theme?: 'light' | 'dark'): Promise<Page> => pageForTest(started(), path, theme);

test(
  'the overview of an environment comes from its ledger, dead letters and event hub',
  { timeout: 300_000 },
  async () => {
    const page = await open('/');
    await page.getByText('as ada@contoso.example').waitFor({ timeout: patientMs });
    const vip = page.getByRole('row', { name: /^vip/ });
    await vip.getByText('40 members').waitFor({ timeout: patientMs });
    await page.getByText('ads does not take changes; 6 changes wait.').waitFor();
    await page.getByRole('row', { name: '1 3' }).waitFor();
    await page
      .getByRole('img', { name: /Changes per minute over time\. In the last hour [1-9]\d* changes delivered/ })
      .waitFor();
    await keepScreenshot(page, 'environment');
    await vip.getByRole('link').nth(1).click();
    await page.getByText('kept by each worker of the function app').waitFor({ timeout: patientMs });
    await page.getByRole('cell', { name: 'it answered 503 Service Unavailable' }).waitFor();
  },
);

test('what only a machine can show is absent, or says so in words', async () => {
  const page = await open('/live');
  await page.getByText('There is no Live of a deployed environment').waitFor({ timeout: patientMs });
  expect(await page.getByRole('navigation').getByRole('link', { name: 'Live' }).count()).toBe(0);
  await page.getByRole('link', { name: 'Try it' }).click();
  await page.getByText('activation local --vendor').waitFor();
  expect(await page.getByRole('button', { name: 'Send it' }).count()).toBe(0);
  await page
    .getByLabel('Body of the export')
    .fill(
      '{"segmentMembership":{"ups":{"0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09":{"lastQualificationTime":"2026-01-31T12:00:00Z","status":"realized"}}},"identityMap":{"crmid":[{"id":"C-1"}]}}',
    );
  await page.getByRole('button', { name: 'Look first' }).click();
  await page.getByText('1 of 1 audiences are routed').waitFor({ timeout: patientMs });
});

test(
  'a person is looked for and erased from the environment, after what would be done was shown',
  { timeout: 300_000 },
  async () => {
    const page = await open('/people');
    await page.getByLabel('Identities of the person').fill('crmid:C-9');
    await page.keyboard.press('Enter');
    await page.getByRole('row', { name: /crm vip .* told/ }).waitFor({ timeout: patientMs });
    await page.getByRole('button', { name: 'Erase the person …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Would erase 2 rows of the ledger of crm.').waitFor({ timeout: patientMs });
    expect(await started().setRoles(roles)).toEqual([]);
    await dialog.getByRole('button', { name: 'Erase the person now' }).click();
    await dialog.getByText('Told crm of 2 exits.').waitFor({ timeout: patientMs });
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByText('Nothing is known of this person').waitFor({ timeout: patientMs });
    expect((await started().setRoles(roles)).toSorted()).toEqual(['exited newsletter', 'exited vip']);
  },
);

test(
  'dead letters are replayed, and purged; a destination is resynced; all with a dry run first',
  { timeout: 300_000 },
  async () => {
    const page = await open('/dead-letters?reason=list');
    const letters = page.getByRole('row', { name: /crm invalid rejected/ });
    await expect.poll(() => letters.count(), { timeout: patientMs }).toBe(2);
    const dialog = page.getByRole('dialog');
    await letters.first().getByRole('button').click();
    await page.getByRole('button', { name: 'Replay this one …' }).click();
    await dialog.getByText('Would replay 1 dead letter of crm, invalid.').waitFor({ timeout: patientMs });
    await dialog.getByRole('button', { name: 'Replay this one now' }).click();
    await dialog.getByText(/^Replayed 1 dead letter/).waitFor({ timeout: patientMs });
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Purge …', exact: true }).click();
    await dialog.getByText('Would delete 1 dead letter of crm, invalid.').waitFor({ timeout: patientMs });
    await expect.poll(() => letters.count(), { timeout: patientMs }).toBe(1);
    await dialog.getByRole('button', { name: 'Purge now' }).click();
    await dialog.getByText('Deleted 1 dead letter of crm, invalid.').waitFor({ timeout: patientMs });
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByText('No dead letter is like that').waitFor({ timeout: patientMs });

    await page.goto(new URL('/destinations?destination=crm', page.url()).href);
    const before = (await started().setRoles(roles)).length;
    await page.getByRole('button', { name: 'Resync …' }).click();
    await dialog.getByText(/Would tell crm of \d+ memberships\./).waitFor({ timeout: patientMs });
    expect(await started().setRoles(roles)).toHaveLength(before);
    await dialog.getByRole('button', { name: 'Resync now' }).click();
    await dialog.getByText(/Told crm of \d+ memberships; 0 wait in the retry queue\./).waitFor({ timeout: patientMs });
    expect((await started().setRoles(roles)).length).toBeGreaterThan(before + 50);
    await dialog.getByRole('button', { name: 'Close' }).click();
  },
);

test('a route, a destination and everything are paused and resumed', async () => {
  const page = await open('/destinations?destination=crm');
  const pause = async (button: string, what: string): Promise<void> => {
    await page.getByRole('button', { name: button, exact: true }).click();
    await page.getByLabel('Why, for those who see it').fill('a freeze');
    await page.getByRole('button', { name: `Pause ${what}`, exact: true }).click();
    await page.getByText(`${what} is paused`).waitFor({ timeout: patientMs });
  };
  const resume = async (button: string, what: string): Promise<void> => {
    await page.getByRole('button', { name: button, exact: true }).click();
    await page.getByText(`${what} is paused`).waitFor({ state: 'detached', timeout: patientMs });
  };
  await pause('Pause crm for vip …', 'crm for vip');
  await resume('Resume crm for vip', 'crm for vip');
  await pause('Pause …', 'crm');
  await resume('Resume', 'crm');
  await page.getByRole('link', { name: /^Overview/ }).click();
  await pause('Pause everything …', 'everything');
  await page.getByText('by ada@contoso.example: a freeze').waitFor({ timeout: patientMs });
  await resume('Resume everything', 'everything');
  await page.getByRole('button', { name: 'Try everything now' }).click();
  await page.getByText(/\d+ waiting retr(y is|ies are) tried from now on/).waitFor({ timeout: patientMs });
});

test(
  'the file of an environment is compared with its ledger, and its destination is probed',
  { timeout: 300_000 },
  async () => {
    const page = await open('/file');
    await page.getByText('No member is left behind.').waitFor({ timeout: patientMs });
    await page.getByRole('row', { name: /newsletter → crm live \d+/ }).waitFor();
    await page.goto(new URL('/destinations?destination=crm', page.url()).href);
    await page.getByRole('button', { name: 'Probe' }).click();
    await page.getByText(/are well|nothing that could be asked/).waitFor({ timeout: patientMs });
  },
);

test('a person without rights sees in words what is missing, and everything else', async () => {
  await started().setRoles(roles.filter((role) => !/Table|Event Hubs/.test(role)));
  const page = await open('/');
  // What was seen last is shown for half a minute, unless a person asks for it again.
  const again = page.getByRole('button', { name: 'Look again' });
  await again.click();
  await page
    .getByText(/The signed-in account lacks the role Storage Table Data Contributor/)
    .waitFor({ timeout: patientMs });
  await page.getByText(/You lack the role Azure Event Hubs Data Receiver/).waitFor({ timeout: patientMs });
  await expect.poll(() => page.getByText('not known', { exact: true }).count()).toBeGreaterThan(2);
  await keepScreenshot(page, 'environment-without-rights');
  await page.getByRole('link', { name: 'People' }).click();
  await page.getByLabel('Identities of the person').fill('crmid:C-1');
  await page.keyboard.press('Enter');
  await page
    .getByText(/The signed-in account lacks the role Storage Table Data Contributor/)
    .waitFor({ timeout: patientMs });
  await started().setRoles(roles);
  await page.getByRole('link', { name: /^Overview/ }).click();
  await again.click();
  await page
    .getByText(/You lack the role/)
    .first()
    .waitFor({ state: 'detached', timeout: patientMs });
});

test.each(['/', '/people', '/dead-letters', '/destinations', '/file', '/try', '/live'])(
  'axe finds nothing wrong on %s of an environment, light and dark, and nothing is wider than the window',
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
