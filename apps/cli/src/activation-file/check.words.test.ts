import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { capturedTerminal } from '../../testing/captured-terminal.ts';
import { goldenFile } from '../../testing/golden.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { run } from '../main.ts';

const uuid = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02';

/** A file that is right, by its lines; a case replaces one, or puts several in its place. */
const lines = [
  'version: 1',
  'destinations:',
  '  crm:',
  '    type: webhook',
  '    settings:',
  '      url: https://crm.example.com/hooks/audiences',
  '      signingSecret: { secret: crm-signing }',
  'audiences:',
  '  sports-fans:',
  `    id: ${uuid}`,
  '    consent: consents.marketing.email.val',
  '    activate:',
  '      - destination: crm',
  '        identity: [crmid, email]',
  '        attributes: { firstname: person.name.firstName }',
];

/** What a newcomer writes instead of a line, in the order of the file. */
const replaced: readonly (readonly [line: string, written: readonly string[]])[] = [
  ['version: 1', ['version: 2']],
  ['  crm:', ['\tcrm:']],
  ['    type: webhook', ['    type: webhok']],
  ['      url:', ['      url: https://${HOST}/hooks/audiences']],
  ['      url:', ['      url: http://crm.example.com/hooks/audiences']],
  ['      url:', ['      url: http://localhost:3000/']],
  ['      signingSecret:', ['      signingSecret: whsec_aHVzaC1odXNoLWh1c2gtaHVzaC1odXNo']],
  ['      signingSecret:', ['      signingSecret: ${CRM_SIGNING}']],
  ['      signingSecret:', ['      signingSecrt: { secret: crm-signing }']],
  ['      signingSecret:', ['      body: { email: {{email}} }']],
  ['      signingSecret:', ["      body: { email: '{{email}}', id: '{{ identity.email }}' }"]],
  ['      signingSecret:', ['      headers: { x-version: 2 }']],
  ['      signingSecret:', ["      headers: { x-version: '2' }"]],
  ['      signingSecret:', ['      headers: { authorization: Bearer hush-hush-hush }']],
  ['      signingSecret:', ["      headers: { authorization: '${TOKEN}' }"]],
  ['  sports-fans:', ['  Sports Fans:']],
  ['  sports-fans:', ['  Sports Fans:', '    consentt: consents.marketing.email.val']],
  ['    id:', [`    id: ${uuid.toUpperCase()}`]],
  ['    id:', [`    id: ' ${uuid} '`]],
  ['    id:', [`    id: '"${uuid}"'`]],
  ['    id:', [`    id: "${uuid}\\u00a0"`]],
  ['    id:', [`    id: https://experience.adobe.com/#/@acme/sname:prod/platform/audience/browse/${uuid}`]],
  ['    id:', [`    id: ups.${uuid}`]],
  ['    id:', ['    id: Sports Fans']],
  ['    consent:', ['    consent: consents.marketing.email']],
  ['    consent:', ['    consent: /consents/marketing/email/val']],
  ['      - destination: crm', ['      - destination: cmr']],
  ['        identity:', ['        identity: [crm-id, e-mail]']],
  ['        identity:', ['        identity: [crmid, email]', '        mode: lve']],
  ['        attributes:', ['        attributes: { id: /_tenant/crm-id }']],
  ['        attributes:', ["        attributes: { name: 'xdm:person/xdm:name/xdm:firstName' }"]],
  ['        attributes:', ['        attributes: { name: $.person.name.firstName }']],
  ['        attributes:', ["        attributes: { name: 'persons[0].name' }"]],
  ['        attributes:', ['        attributes: { email: identityMap.email }']],
];

function fileWith(start: string, written: readonly string[]): string {
  const index = lines.findIndex((line) => line.startsWith(start));
  if (index < 0) throw new Error(`Failed to find the line ${start}: the file has none that begins so.`);
  return `${lines.toSpliced(index, 1, ...written).join('\n')}\n`;
}

async function checked(folder: string, ...words: readonly string[]): Promise<string> {
  const terminal = capturedTerminal({ folder });
  const exitCode = await run(['check', 'my.yaml', ...words], terminal);
  return [...terminal.said, ...terminal.printed, `exit code ${exitCode}`].join('\n');
}

test('what check says of each mistake in a file is what golden/checked-files.txt shows', async () => {
  const folder = await temporaryFolder();
  const sessions: string[] = [];
  for (const [start, written] of replaced) {
    await writeFile(join(folder, 'my.yaml'), fileWith(start, written));
    sessions.push([...written.map((line) => `> ${line}`), await checked(folder)].join('\n'));
  }
  const shown = `${sessions.join('\n\n')}\n`;
  const telling = shown.split('\n').filter((line) => line.includes('hush') && !line.startsWith('> '));
  expect(telling).toEqual([]);
  await expect(shown).toMatchFileSnapshot(goldenFile('checked-files.txt'));
});

test('what check --against says of exports is what golden/checked-exports.txt shows', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'my.yaml'), `${lines.join('\n')}\n`);
  const own = {
    segmentMembership: { ups: { [uuid]: { status: 'realized' } } },
    identityMap: { crmid: [{ id: 'C-1' }] },
  };
  const exports = {
    'fits.json': { ...own, person: { name: { firstName: 'Ada' } }, consents: { marketing: { email: { val: 'y' } } } },
    'lacks-attributes.json': own,
    'of-others.json': { segmentMembership: { ups: {} }, identityMap: { ecid: [{ id: '1' }] } },
    'wrapped.json': { body: own },
    'encoded-twice.json': JSON.stringify(own),
    'no-export.json': { hello: 'world' },
  };
  for (const [name, value] of Object.entries(exports)) await writeFile(join(folder, name), JSON.stringify(value));
  await writeFile(join(folder, 'empty.json'), '');
  await writeFile(join(folder, 'broken.json'), '{"segmentMembership": {\n  "ups": ]\n}\n');
  await mkdir(join(folder, 'folder.json'));
  const names = [...Object.keys(exports), 'empty.json', 'broken.json', 'folder.json', 'absent.json'];
  const sessions: string[] = [];
  for (const name of names)
    sessions.push(`$ activation check my.yaml --against ${name}\n${await checked(folder, '--against', name)}`);
  await expect(`${sessions.join('\n\n')}\n`).toMatchFileSnapshot(goldenFile('checked-exports.txt'));
});
