import { readFileSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runActivation } from '../../testing/run-activation.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';

const irregular = join(import.meta.dirname, '../../../../libs/audience-events/fixtures/irregular');
const id = '9d161bbb-c785-474a-965b-7d7bc2adf879';

interface Checked {
  readonly problems: readonly { readonly path: string; readonly line: number; readonly message: string }[];
  readonly warnings: Checked['problems'];
}

async function folderWith(text: string, ...exports: readonly string[]): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'own.yaml'), text);
  for (const name of exports) await copyFile(join(irregular, name), join(folder, name));
  return folder;
}

async function check(folder: string, ...words: readonly string[]): Promise<Checked & { readonly code: number | null }> {
  const { code, output } = await runActivation(['check', 'own.yaml', '--json', ...words], { folder });
  const { files } = JSON.parse(output) as { readonly files: readonly [Checked] };
  return { ...files[0], code };
}

test('check --against says which audiences, namespaces and paths no export has', async () => {
  const folder = await folderWith(
    `version: 1
destinations: { log: { type: log } }
audiences:
  fans:
    id: ${id.toUpperCase()}
    consent: consents.marketing.email.val
    activate:
      - destination: log
        identity: [crmid, email]
        attributes: { crm: _tenant-x.crm-id, none: _tenant-x.none, points: _tenant-x.loyalty.points }
  readers:
    id: 0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02
    consent: consents.marketing.sms.val
    activate: [{ destination: log, identity: [phone, loyaltyid] }]
`,
    'tenant-fields.json',
    'audience-in-upper-case.json',
  );
  const { code, problems, warnings } = await check(folder, '--against', 'tenant-fields.json');
  expect([code, problems]).toEqual([0, []]);
  expect(warnings.map(({ line, path }) => `${line} ${path}`)).toEqual([
    '10 audiences.fans.activate[0].attributes.points',
    '12 audiences.readers.id',
    '13 audiences.readers.consent',
    '14 audiences.readers.activate[0].identity',
  ]);
  expect(warnings[0]?.message).toBe(
    'audiences.fans.activate[0].attributes.points _tenant-x.loyalty.points is in no export of tenant-fields.json. It would be left out. Map it in AEP, or correct the path.',
  );

  const text = await runActivation(['check', 'own.yaml', '--against', 'audience-in-upper-case.json'], { folder });
  expect(text.output).toContain('audiences.fans.id');
  expect(text.output).not.toContain('audiences.readers.id');
  expect(text.code).toBe(0);

  const bodies = ['tenant-fields.json', 'audience-in-upper-case.json'].map((name) =>
    readFileSync(join(irregular, name), 'utf8'),
  );
  await writeFile(join(folder, 'both.json'), `[${bodies.join()}]`);
  const both = await check(folder, '--against', 'both.json');
  expect(both.warnings.map(({ path }) => path)).not.toContain('audiences.readers.id');
  expect(both.warnings).toHaveLength(3);

  await writeFile(join(folder, 'empty.json'), '');
  const nothing = await runActivation(['check', 'own.yaml', '--against', 'empty.json'], { folder });
  expect([nothing.code, nothing.errors]).toEqual([
    2,
    expect.stringContaining('Failed to find an export in empty.json'),
  ]);
});

test.each([
  ['wrapped.json', 'inside another object'],
  ['encoded-twice.json', 'holds JSON'],
])('check --against %s says what it looks like', async (name, words) => {
  const folder = await folderWith('version: 1\ndestinations: {}\naudiences: {}\n', name);
  const { code, errors } = await runActivation(['check', 'own.yaml', '--against', name], { folder });
  expect([code, errors]).toEqual([2, expect.stringContaining(words)]);
});

test('a URL that only local runs may call is warned about, as the HTTP client would refuse it', async () => {
  const webhook = (url: string): string => `{ type: webhook, settings: { url: '${url}' } }`;
  const folder = await folderWith(`version: 1
destinations:
  plain: ${webhook('http://localhost:3000/x')}
  private: ${webhook('https://10.0.0.5/x')}
  fine: ${webhook('https://crm.example.com/hooks')}
  telling: ${webhook('https://crm.example.com/hooks?token=hush-hush')}
audiences:
  fans:
    id: ${id}
    activate: [${['plain', 'private', 'fine', 'telling'].map((key) => `{ destination: ${key}, identity: email }`).join(', ')}]
`);
  const { code, problems, warnings } = await check(folder);
  expect([code, problems]).toEqual([0, []]);
  expect(warnings.map(({ line, message }) => `${line} ${message}`)).toEqual([
    expect.stringMatching(/^3 destinations\.plain\.settings\.url works in local runs only: it is not https/),
    expect.stringMatching(/^4 destinations\.private\.settings\.url works in local runs only: its address is private/),
    expect.stringMatching(/^6 destinations\.telling\.settings\.url looks like a secret/),
  ]);
  expect(JSON.stringify(warnings)).not.toContain('hush');
});

test('a URL that the HTTP client refuses stops the check', async () => {
  const folder = await folderWith(`version: 1
destinations: { crm: { type: webhook, settings: { url: 'http://crm.example.com/x' } } }
audiences: { fans: { id: ${id}, activate: [{ destination: crm, identity: email }] } }
`);
  const { code, problems } = await check(folder);
  expect(code).toBe(2);
  expect(problems.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^destinations\.crm\.settings\.url cannot be called: it is not https/),
  ]);
});

const secretKey = '{ secret: key }';
const meta = `{ type: meta-custom-audiences, settings: { accessToken: ${secretKey}, adAccountId: '1' } }`;
const google = `{ type: google-customer-match, settings: { serviceAccountKey: ${secretKey}, accountId: '1', customerMatchOptions: accepted } }`;
const braze = `{ type: braze, settings: { restUrl: 'https://rest.fra-01.braze.eu', apiKey: ${secretKey} } }`;
const dashboard = `{ type: braze, settings: { restUrl: 'https://dashboard-01.braze.eu', apiKey: ${secretKey} } }`;
const hubspot = `{ type: hubspot, settings: { accessToken: ${secretKey} } }`;
const granted = '{ adUserData: granted, adPersonalization: granted }';

test.each([
  [
    'an attribute of another name',
    meta,
    'identity: email, attributes: { firstName: a.b }, options: { audience: A }',
    'firstName cannot be told',
  ],
  [
    'a key of another kind of audience',
    meta,
    'identity: email, attributes: { LOOKALIKE_VALUE: a.b }, options: { audience: A }',
    'Only a value-based audience takes it',
  ],
  [
    'an attribute that Google has no use for',
    google,
    `identity: email, attributes: { city: a.b }, options: { userListId: '1', consent: ${granted} }`,
    'It takes emailAddress, phoneNumber',
  ],
  [
    'a membership over an identifier',
    braze,
    'identity: email, options: { booleanAttribute: email }',
    'This is a field of the profile itself',
  ],
  [
    'an attribute that the membership overwrites',
    braze,
    'identity: email, attributes: { fan: a.b }, options: { booleanAttribute: fan }',
    'The option of the route writes the membership there',
  ],
  [
    'a dashboard in place of an API',
    dashboard,
    'identity: email, options: { booleanAttribute: fan }',
    'This is the address of the dashboard',
  ],
  [
    'an identity that HubSpot cannot find',
    hubspot,
    'identity: crmid, options: { list: A }',
    '"crmid" names nobody there: with these settings the destination knows a person by email',
  ],
  [
    'one of several identities',
    hubspot,
    'identity: [email, ECID], options: { list: A }',
    'identity[1] "ECID" names nobody there',
  ],
])('a mapping that cannot work stops the check: %s', async (_what, destination, route, sentence) => {
  const folder = await folderWith(`version: 1
destinations: { d: ${destination} }
audiences: { fans: { id: ${id}, activate: [{ destination: d, ${route} }] } }
`);
  const { code, problems } = await check(folder);
  expect(code).toBe(2);
  expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining(sentence)]);
});

test('a mapping that stops the check stops inspect too', async () => {
  const folder = await folderWith(`version: 1
destinations: { d: ${hubspot} }
audiences: { fans: { id: ${id}, activate: [{ destination: d, identity: crmid, options: { list: A } }] } }
`);
  const { code, errors } = await runActivation(['inspect', 'absent.json', '-a', 'own.yaml'], { folder });
  expect([code, errors]).toEqual([2, expect.stringContaining('"crmid" names nobody there')]);
});

test('a version of an API that has ended is warned about', async () => {
  const old = meta.replace("adAccountId: '1'", "adAccountId: '1', apiVersion: v22.0");
  const folder = await folderWith(`version: 1
destinations: { ads: ${old} }
audiences: { fans: { id: ${id}, activate: [{ destination: ads, identity: email, options: { audience: A } }] } }
`);
  const { code, warnings } = await check(folder);
  expect(code).toBe(0);
  expect(warnings.map(({ message }) => message)).toEqual([
    'destinations.ads: The version v22.0 of the API ended on 2026-02-19. Write apiVersion: v27.0, once you have read what it changes.',
  ]);
});

test('a problem does not hide what is warned about', async () => {
  const folder = await folderWith(`version: 1
destinations: { log: { type: log } }
audiences: { fans: { id: ${id}, activate: [{ destination: log, identity: e-mail, mode: lve }] } }
`);
  const { code, problems, warnings } = await check(folder);
  expect(code).toBe(2);
  expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining('Did you mean live?')]);
  expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining('Did you mean email?')]);
});
