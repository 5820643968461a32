import {
  createHttpClient,
  type Delivery,
  type HttpResponse,
  type JsonValue,
  refusalOfAttribute,
  Secret,
  vendorError,
  type Verdict,
} from '@activation-hub/destination-kit';
import { describeDestinationContract } from '@activation-hub/destination-kit/testing';
import { afterEach, expect, test } from 'vitest';
import { salesforceMarketingCloud } from './destination.ts';
import { marketingCloudErrors } from './errors.ts';
import { marketingCloudAnswers, readKeys } from './response.ts';
import { marketingCloudOptions, marketingCloudSettings } from './settings.ts';
import { startLocalSalesforceMarketingCloudVendor, startSalesforceMarketingCloudVendor } from './vendor.ts';

const credentials = { clientId: 'client-id', clientSecret: new Secret('secret-not-to-be-seen'), accountId: '7281698' };

describeDestinationContract(test, {
  definition: salesforceMarketingCloud,
  settings: ({ origin, timeoutMs }) => ({ ...credentials, authUrl: origin, soapUrl: origin, timeoutMs }),
  options: { dataExtension: 'sports-fans' },
  startVendor: startSalesforceMarketingCloudVendor,
  errors: marketingCloudErrors,
  person: (number) => ({
    identity: { namespace: 'email', value: `person-${number}@example.com` },
    attributes: { FirstName: `Forename${number}` },
  }),
  leftOut: {
    'version-ends': 'its API has no versions',
    'quota-nearly-used': 'Marketing Cloud says in no answer how much of a limit is left',
  },
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start() {
  const vendor = await startSalesforceMarketingCloudVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const settings = marketingCloudSettings.parse({
    ...credentials,
    authUrl: `${vendor.origin}/`,
    soapUrl: `${vendor.origin}/Service.asmx`,
  });
  const connector = salesforceMarketingCloud.connect(settings, { http, now: Date.now, print: () => undefined });
  const actions = () => vendor.requests.map(({ url, headers }) => headers.soapaction ?? url);
  return { vendor, connector, actions };
}

const options = (of: object = {}) => marketingCloudOptions.parse({ dataExtension: 'sports-fans', ...of });

interface About {
  readonly kind?: Delivery['change']['kind'];
  readonly attributes?: Readonly<Record<string, JsonValue>>;
}

const delivery = (value: string, { kind = 'entered', attributes = {} }: About = {}) => ({
  change: {
    id: `change-${value}`,
    kind,
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1', name: 'Sports fans' },
    identity: { namespace: 'email', value },
    qualifiedAt: '2026-11-29T00:00:00.000Z',
    attributes,
  },
  options: options(),
});

const statuses = (verdicts: readonly Verdict[]) => verdicts.map(({ status }) => status);

test('only an entry makes a row, and who has no row has left', async () => {
  const { vendor, connector, actions } = await start();
  await connector.enter([delivery('ann@example.com')], never);
  const kinds = (kind: 'updated' | 'exited') =>
    ['ann@example.com', 'bob@example.com'].map((who) => delivery(who, { kind }));
  expect(statuses(await connector.update(kinds('updated'), never))).toEqual(['delivered', 'not-found']);
  expect(vendor.members('sports-fans')).toEqual(['ann@example.com']);
  expect(statuses(await connector.exit(kinds('exited'), never))).toEqual(['delivered', 'delivered']);
  expect(vendor.members('sports-fans')).toEqual([]);
  expect(actions().slice(2)).toEqual(['Update', 'Update', 'Retrieve', 'Delete', 'Retrieve']);
});

test('where a look after the rows were told fails, it is in doubt whether they were taken', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann@example.com')], never);
  vendor.setReadFault({ kind: 'status', status: 429 });
  const exits = ['ann@example.com', 'bob@example.com'].map((who) => delivery(who, { kind: 'exited' }));
  const fault = { class: 'throttled', doubt: 'answered' };
  await expect(connector.exit(exits, never)).rejects.toMatchObject(fault);
  await expect(connector.exit(exits.slice(1), never)).rejects.toMatchObject(fault);
});

test('a row that is there, and is refused, is not taken for one that has left', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann@example.com')], never);
  vendor.refuse('ann@example.com');
  const exits = [
    delivery('Ann@example.com'.toLowerCase(), { kind: 'exited' }),
    delivery('bob@example.com', { kind: 'exited' }),
  ];
  expect(statuses(await connector.exit(exits, never))).toEqual(['rejected', 'delivered']);
});

test('the addresses of the stand-in of a local run are different, so that a dry run can show those of the file', async () => {
  const vendor = await startLocalSalesforceMarketingCloudVendor({ settings: {}, routes: [] });
  cleanups.push(() => vendor.close());
  expect(new Set(Object.values(vendor.settings)).size).toBe(2);
});

test('texts are written as XML holds them, and what it cannot hold is left out', async () => {
  const { vendor, connector } = await start();
  const attributes = {
    FirstName: `<Ann> & "Bob"\r\n\u0000\ud800'`,
    Tags: ['a', { b: 1 }],
    Age: 7,
    Left: null,
    Is: false,
    Empty: '',
  };
  const value = `key & <1>`;
  expect(statuses(await connector.enter([delivery(value, { attributes })], never))).toEqual(['delivered']);
  expect(await vendor.member(value)).toEqual({
    FirstName: `<Ann> & "Bob"\r\n\ufffd'`,
    Tags: '["a",{"b":1}]',
    Age: '7',
    Is: 'false',
    Empty: '',
  });
  expect(statuses(await connector.exit([delivery(value, { kind: 'exited' })], never))).toEqual(['delivered']);
  expect(vendor.members('sports-fans')).toEqual([]);
});

test('the key is a column too where there is no other', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann@example.com'), delivery('bob@example.com', { attributes: { Age: 7 } })], never);
  const properties = (vendor.requests.at(-1)?.body ?? '').match(/<Properties>.*?<\/Properties>/g);
  expect(properties).toEqual([
    '<Properties><Property><Name>SubscriberKey</Name><Value>ann@example.com</Value></Property></Properties>',
    '<Properties><Property><Name>Age</Name><Value>7</Value></Property></Properties>',
  ]);
});

test('a token that is no longer good is got anew, once', async () => {
  const { vendor, connector, actions } = await start();
  await connector.enter([delivery('ann@example.com')], never);
  vendor.endTokens();
  vendor.forgetRequests();
  expect(statuses(await connector.enter([delivery('bob@example.com')], never))).toEqual(['delivered']);
  expect(actions()).toEqual(['Update', '/v2/token', 'Update']);
  for (const { headers } of vendor.requests) expect(headers.authorization).toBeUndefined();
});

test('a data extension that is deleted under way is of no row, and one that comes back is used', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann@example.com')], never);
  vendor.deleteDataExtension('sports-fans');
  await expect(connector.enter([delivery('bob@example.com')], never)).rejects.toMatchObject({ class: 'set-up' });
  await expect(connector.exit([delivery('bob@example.com', { kind: 'exited' })], never)).rejects.toMatchObject({
    class: 'set-up',
  });
  vendor.addDataExtension('sports-fans', ['SubscriberKey']);
  expect(statuses(await connector.enter([delivery('bob@example.com')], never))).toEqual(['delivered']);
});

test('the probe says which data extensions cannot be used', async () => {
  const { vendor, connector } = await start();
  vendor.addDataExtension('two keys', ['SubscriberKey', 'Country']);
  vendor.addDataExtension('by mail', ['EmailAddress']);
  const routes = [
    options(),
    options({ dataExtension: 'by mail', keyColumn: 'emailaddress' }),
    options({ dataExtension: 'nobody' }),
    options({ dataExtension: 'two keys' }),
    options({ dataExtension: 'by mail' }),
  ];
  expect(await connector.probe?.(routes, never)).toEqual([
    'Failed to use the data extension with the external key "nobody": there is none. Create it, and let its primary key be keyColumn.',
    'Failed to use the data extension with the external key "two keys": its primary key is not SubscriberKey alone. Name its one primary key in keyColumn.',
    'Failed to use the data extension with the external key "by mail": its primary key is not SubscriberKey alone. Name its one primary key in keyColumn.',
  ]);
});

test('the primary key is no attribute, in whatever case it is written', () => {
  const settings = marketingCloudSettings.parse({
    ...credentials,
    authUrl: 'https://a.example',
    soapUrl: 'https://b.example',
  });
  const takes = salesforceMarketingCloud.takes?.(settings, options());
  const refusals = ['SubscriberKey', 'subscriberkey', 'FirstName'].map(
    (name) => takes && refusalOfAttribute(takes, name),
  );
  const why = 'It is the primary key: the identity says it.';
  expect(refusals).toEqual([why, why, undefined]);
});

const answer = (status: number, body: string, headers = {}): HttpResponse => ({ status, headers, body });
const faultOf = (kind: string) => `<soap:Fault><faultcode xmlns:q0="x">q0:${kind}</faultcode></soap:Fault>`;

test.each<[HttpResponse, object]>([
  [answer(500, faultOf('Security')), { class: 'set-up', doubt: undefined }],
  [answer(500, faultOf('Client')), { class: 'set-up' }],
  [answer(500, faultOf('Server')), { class: 'transient', doubt: 'answered' }],
  [answer(429, '', { 'retry-after': '3' }), { class: 'throttled', notBeforeMs: 4_000 }],
  [answer(503, ''), { class: 'transient' }],
])('%j', (response, expected) => {
  expect(vendorError(marketingCloudAnswers, response, 1_000)).toMatchObject(expected);
});

test('what is found is read whatever entities it is written with', () => {
  const found =
    '<RetrieveResponseMsg><OverallStatus>OK</OverallStatus><Results><Value>A&#38;&#x3c;&apos;</Value></Results></RetrieveResponseMsg>';
  expect(readKeys(answer(200, found))).toEqual(new Set([`a&<'`]));
});

test.each([
  ['email', ' Ann@Example.com ', { status: 'formed', value: 'ann@example.com' }],
  ['email', 'ann', { status: 'refused' }],
  ['crmid', ' C-1 ', { status: 'formed', value: 'C-1' }],
  ['crmid', ' ', { status: 'refused' }],
  ['crmid', 'x'.repeat(255), { status: 'refused' }],
  ['crmid', 'a\u0007', { status: 'refused' }],
  ['crmid', 'a\ufffe', { status: 'refused' }],
  ['email', 'ann\uffff@example.com', { status: 'refused' }],
])('%s %j is known as %j', (namespace, value, expected) => {
  const settings = marketingCloudSettings.parse({
    ...credentials,
    authUrl: 'https://auth.example',
    soapUrl: 'https://soap.example',
  });
  expect(salesforceMarketingCloud.identity?.({ namespace, value }, settings)).toMatchObject(expected);
});
