import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { capturedTerminal } from '../../../testing/captured-terminal.ts';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';
import { loadActivations } from '../../activation-file/activations.ts';
import { fileDifference } from './file-difference.ts';

const id = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02';
const before = `version: 1
destinations:
  crm: { type: webhook, settings: { url: "https://crm.example.com/", signingSecret: { secret: crm-signing } } }
  ads: { type: log }
audiences:
  vip:
    id: ${id}
    activate:
      - { destination: crm, identity: crmid, attributes: { firstName: person.name.firstName } }
      - { destination: ads, identity: email }
`;

async function differenceTo(after: string): Promise<readonly string[]> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'before.yaml'), before);
  await writeFile(join(folder, 'after.yaml'), after);
  const terminal = capturedTerminal({ folder });
  return fileDifference(await loadActivations('before.yaml', terminal), await loadActivations('after.yaml', terminal));
}

test('a file that is written otherwise and means the same has no difference', async () => {
  expect(await differenceTo(before.replace('identity: email }', 'identity: [email] } # the same'))).toEqual([]);
});

test('routes that are new, gone and changed have a line each, and a mode says from what to what', async () => {
  const after = before
    .replace('      - { destination: ads, identity: email }\n', '')
    .replace('identity: crmid, attributes: { firstName', 'identity: [crmid, email], mode: shadow, attributes: { name')
    .concat(`  news:
    id: 5c8e1d34-2f60-4b5e-8a3c-7d9e0f1a2b3c
    activate: [{ destination: ads, identity: email }]
`);
  expect(await differenceTo(after)).toEqual([
    '+ audience news',
    '~ vip → crm: identity crmid → crmid or email, attributes, mode live → shadow',
    '+ news → ads',
    '- vip → ads',
  ]);
});

test('of settings it is said that they changed, and never to what', async () => {
  const lines = await differenceTo(before.replace('crm.example.com', 'elsewhere.example.com'));
  expect(lines).toEqual(['~ destination crm: settings']);
});

test('what changed is called as the file calls it', async () => {
  const after = before.replace(`id: ${id}`, `id: ${id}\n    consent: consents.marketing.email.val`);
  const patient = after.replace(
    '{ type: log }',
    '{ type: log, giveUpAfter: 2h, retryAfterMax: 1h, formerly: [old-ads] }',
  );
  expect(await differenceTo(patient)).toEqual([
    '~ destination ads: formerly, giveUpAfter, retryAfterMax',
    '~ audience vip: consent',
  ]);
});
