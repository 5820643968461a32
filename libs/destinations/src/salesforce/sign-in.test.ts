import { generateKeyPairSync } from 'node:crypto';
import { createHttpClient, type Delivery, Secret } from '@activation-hub/destination-kit';
import { afterEach, expect, test } from 'vitest';
import { salesforce } from './destination.ts';
import { salesforceOptions, salesforceSettings, type SalesforceOptions } from './settings.ts';
import { startSalesforceVendor } from './vendor.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;
const clientSecret = new Secret('secret-of-the-app');

async function start(more: object = { clientSecret }) {
  const vendor = await startSalesforceVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  const clock = { nowMs: Date.UTC(2026, 10, 29) };
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const settings = salesforceSettings.parse({
    myDomainUrl: vendor.origin,
    clientId: '3MVG9example',
    identifiers: { email: 'Activation_Email__c' },
    ...more,
  });
  const connector = salesforce.connect(settings, { http, now: () => clock.nowMs, print: () => undefined });
  return { vendor, connector, clock };
}

const options = salesforceOptions.parse({ campaign: 'Sports Fans' });
const delivery = (number: number): Delivery<SalesforceOptions> => ({
  change: {
    id: `change-${number}`,
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1' },
    identity: { namespace: 'email', value: `ann-${number}@example.com` },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes: { LastName: 'Quinn' },
  },
  options,
});

test('an app signs in for a user by an assertion of its own', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const { vendor, connector } = await start({
    jwtBearer: { username: 'hub@contoso.com', privateKey: new Secret(pem) },
  });
  expect(await connector.enter([delivery(1)], never)).toMatchObject([{ status: 'delivered' }]);
  const form = new URLSearchParams(vendor.requests[0]?.body);
  expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
  const claims: unknown = JSON.parse(Buffer.from(form.get('assertion')?.split('.')[1] ?? '', 'base64url').toString());
  expect(claims).toEqual({
    iss: '3MVG9example',
    sub: 'hub@contoso.com',
    aud: 'https://login.salesforce.com',
    exp: Date.UTC(2026, 10, 29) / 1_000 + 180,
  });
});

test('one way to sign in is named, and a key that is none stops the start', async () => {
  await expect(start({})).rejects.toThrow('Write either clientSecret or jwtBearer.');
  const jwtBearer = { username: 'hub@contoso.com', privateKey: new Secret('no key') };
  await expect(start({ clientSecret, jwtBearer })).rejects.toThrow('Write either clientSecret or jwtBearer.');
  await expect(start({ jwtBearer })).rejects.toMatchObject({ class: 'set-up' });
});

test('at its share of the quota nothing is sent, and after a while one request finds out', async () => {
  const { vendor, connector, clock } = await start({ clientSecret, quotaShare: 0.8 });
  vendor.setUsage(79_999, 100_000);
  await connector.enter([delivery(1)], never);
  vendor.setUsage(80_000, 100_000);
  await expect(connector.enter([delivery(2)], never)).rejects.toMatchObject({ class: 'throttled', doubt: undefined });
  vendor.forgetRequests();
  const held = connector.enter([delivery(2)], never);
  await expect(held).rejects.toMatchObject({ class: 'throttled', notBeforeMs: clock.nowMs + 900_000 });
  await expect(held).rejects.toThrow('80 % of the API requests of the Salesforce org in 24 hours are used');
  expect(vendor.requests).toEqual([]);
  vendor.setUsage(70_000, 100_000);
  clock.nowMs += 900_000;
  expect(await connector.enter([delivery(2)], never)).toMatchObject([{ status: 'delivered' }]);
});

test.each([
  ['obey', undefined],
  ['save', 'allowSave=true'],
])('duplicate rules that only warn: %s', async (duplicateRules, header) => {
  const { vendor, connector } = await start({ clientSecret, duplicateRules });
  await connector.enter([delivery(1)], never);
  await connector.update([delivery(1)], never);
  const writes = vendor.requests.filter(({ method, url }) => method === 'PATCH' && url.includes('composite/sobjects'));
  expect(writes.map(({ headers }) => headers['sforce-duplicate-rule-header'])).toEqual([header, header]);
});

test('a whole request that says that the member is there already is fine', async () => {
  const { vendor, connector } = await start();
  vendor.answerMembersWith({ status: 400, body: JSON.stringify([{ errorCode: 'DUPLICATE_VALUE', message: 'no' }]) });
  expect(await connector.enter([delivery(1)], never)).toMatchObject([{ status: 'delivered' }]);
  await expect(connector.enter([delivery(1), delivery(2)], never)).rejects.toMatchObject({ class: 'invalid' });
});
