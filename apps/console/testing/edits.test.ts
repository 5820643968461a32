import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { closeBrowser, openPage, requireChromium } from './browser.ts';
import { startLocalHub } from './local-hub.ts';

beforeEach(requireChromium);
afterAll(closeBrowser);

const patientMs = 120_000;

function activations(more: string): string {
  return `version: 1
destinations: { crm: { type: log } }
audiences:
  sports-fans: { id: 0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02, activate: [{ destination: crm, identity: email }] }
${more}`;
}

test(
  'an open page shows the activation file as it was edited, without being loaded again',
  { timeout: 300_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'console-edits-'));
    const path = join(folder, 'my.yaml');
    await writeFile(path, activations(''));
    const hub = await startLocalHub('--no-simulator', '--activations', path);
    try {
      const { page, complaints } = await openPage(hub.url);
      const audience = (name: string) => page.getByRole('rowheader', { name });
      await audience('sports-fans').waitFor({ timeout: patientMs });
      expect(await audience('night-owls').count()).toBe(0);
      await writeFile(
        path,
        activations(
          '  night-owls: { id: 5c8e1d34-2f60-4b5e-8a3c-7d9e0f1a2b3c, activate: [{ destination: crm, identity: email }] }\n',
        ),
      );
      await audience('night-owls').waitFor({ timeout: patientMs });
      await page.getByRole('link', { name: 'Try it' }).click();
      await page
        .getByRole('button', { name: / in night-owls/ })
        .first()
        .waitFor({ timeout: patientMs });
      expect(complaints).toEqual([]);
    } finally {
      await hub.end();
      await rm(folder, { recursive: true, force: true });
    }
  },
);
