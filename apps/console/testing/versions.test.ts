import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { axeViolations, closeBrowser, requireChromium } from './browser.ts';
import { startLocalHub } from './local-hub.ts';
import { pageForTest } from './page-for-test.ts';
import { keepScreenshot } from './screenshots.ts';

beforeEach(requireChromium);
afterAll(closeBrowser);

const patientMs = 120_000;
// A version of which LinkedIn has said when it ends: that day is near, or over.
const file = `version: 1
destinations:
  linkedin:
    type: linkedin
    settings:
      clientId: 86abc1def2gh3i
      clientSecret: { secret: linkedin-client-secret }
      refreshToken: { secret: linkedin-refresh-token }
      adAccountId: '512345678'
      sourcePlatform: CONTOSO
      apiVersion: '202601'
audiences:
  sports-fans:
    id: 0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02
    activate: [{ destination: linkedin, identity: [email], options: { list: Sports Fans, createList: true } }]
`;

test(
  'the end of a version of a vendor is said where the destination stands, with what to write instead',
  { timeout: 300_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'console-versions-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'activation.yaml'), file);
    const words = ['--activations', join(folder, 'activation.yaml'), '--vendor', '--no-simulator'];
    const hub = await startLocalHub(...words);
    onTestFinished(() => hub.end());
    const page = await pageForTest(hub, '/destinations?destination=linkedin');
    const banner = page.getByText(/The version 202601 of the API end(?:s|ed) on 2027-01-15/);
    await banner.waitFor({ timeout: patientMs });
    expect(await banner.innerText()).toMatch(/Write apiVersion: \d{6}, once you have read what it changes\.$/);
    await keepScreenshot(page, 'version-end');
    expect(await axeViolations(page)).toEqual([]);
  },
);
