import { afterEach, expect, test } from 'vitest';
import { createHttpClient, type Delivery, Secret, type Verdict } from '@activation-hub/destination-kit';
import { describeDestinationContract } from '@activation-hub/destination-kit/testing';
import { salesforce } from './destination.ts';
import { salesforceErrors } from './errors.ts';
import { longId, personObjects } from './request.ts';
import { salesforceSettings, salesforceOptions } from './settings.ts';
import { startLocalSalesforceVendor, startSalesforceVendor } from './vendor.ts';

const clientSecret = new Secret('9f83a2c4d1e0b7');
const identifiers = { email: 'Activation_Email__c' };
const settingsFor = (origin: string, more: object = {}) => ({
  myDomainUrl: origin,
  clientId: '3MVG9example',
  clientSecret,
  identifiers,
  ...more,
});

const ways = [
  ['by deletion', 'contact', {}],
  ['by status', 'contact', { status: 'Sent', exitStatus: 'Left' }],
  ['of person accounts', 'person-account', {}],
  ['of person accounts by status', 'person-account', { status: 'Sent', exitStatus: 'Left' }],
] as const;
for (const [way, personType, more] of ways) {
  describeDestinationContract((name, run) => test(`${way}, it ${name}`, run), {
    definition: salesforce,
    settings: ({ origin, timeoutMs }) => settingsFor(origin, { timeoutMs, personType }),
    options: { campaign: 'Sports Fans', createCampaign: true, ...more },
    startVendor: () => startSalesforceVendor({ person: personObjects[personType] }),
    errors: salesforceErrors,
    leftOut: {
      'version-ends': 'Salesforce has named no end of any version that the connector can use (api_rest_eol.htm)',
      'partial-answer':
        'the rows of an answer have no key but their promised order: when one is missing, all are tried again',
    },
  });
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start(more: object = {}) {
  const vendor = await startSalesforceVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const settings = salesforceSettings.parse(settingsFor(vendor.origin, more));
  return { vendor, connector: salesforce.connect(settings, { http, now: Date.now, print: () => undefined }) };
}

const options = (written: object = { campaign: 'Sports Fans' }) => salesforceOptions.parse(written);
const email = (number: number) => `o'hara-${number}@example.com`;
const delivery = (
  number: number,
  { namespace = 'email', value = email(number), attributes = {}, of = options() } = {},
): Delivery<ReturnType<typeof options>> => ({
  change: {
    id: `change-${number}`,
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1' },
    identity: { namespace, value },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes,
  },
  options: of,
});
const outcomes = (verdicts: readonly Verdict[]) =>
  Object.fromEntries(verdicts.map((verdict) => [verdict.id, 'reason' in verdict ? verdict.reason : verdict.status]));

test('an entry is an upsert and a membership; an exit is a search in a body and a deletion', async () => {
  const { vendor, connector } = await start();
  const attributes = {
    FirstName: 'Ann',
    Interests__c: ['ski', 'golf'],
    Phone: null,
    id: 'x',
    activation_email__c: 'y',
  };
  const of = options({ campaign: 'Sports Fans', status: 'Sent' });
  await connector.enter([delivery(1, { attributes, of })], never);
  await connector.exit([delivery(1, { of })], never);
  expect(
    vendor.requests.map(({ method, url, body }) => ({
      method,
      url,
      body: url.endsWith('token') ? body : parsed(body),
    })),
  ).toMatchInlineSnapshot(`
    [
      {
        "body": "grant_type=client_credentials&client_id=3MVG9example&client_secret=9f83a2c4d1e0b7",
        "method": "POST",
        "url": "/services/oauth2/token",
      },
      {
        "body": {
          "allOrNone": false,
          "compositeRequest": [
            {
              "method": "GET",
              "referenceId": "query0",
              "url": "/services/data/v64.0/query?q=SELECT%20Id%20FROM%20Campaign%20WHERE%20Name%20%3D%20'Sports%20Fans'%20ORDER%20BY%20CreatedDate%2C%20Id%20LIMIT%202",
            },
          ],
        },
        "method": "POST",
        "url": "/services/data/v64.0/composite",
      },
      {
        "body": {
          "allOrNone": false,
          "compositeRequest": [
            {
              "method": "GET",
              "referenceId": "query0",
              "url": "/services/data/v64.0/query?q=SELECT%20Label%20FROM%20CampaignMemberStatus%20WHERE%20CampaignId%20%3D%20'7015g0000000001AAA'",
            },
          ],
        },
        "method": "POST",
        "url": "/services/data/v64.0/composite",
      },
      {
        "body": {
          "allOrNone": false,
          "records": [
            {
              "Activation_Email__c": "o'hara-1@example.com",
              "FirstName": "Ann",
              "Interests__c": "ski;golf",
              "Phone": null,
              "attributes": {
                "type": "Contact",
              },
            },
          ],
        },
        "method": "PATCH",
        "url": "/services/data/v64.0/composite/sobjects/Contact/Activation_Email__c",
      },
      {
        "body": {
          "allOrNone": false,
          "records": [
            {
              "CampaignId": "7015g0000000001AAA",
              "ContactId": "0035g0000000004AAA",
              "Status": "Sent",
              "attributes": {
                "type": "CampaignMember",
              },
            },
          ],
        },
        "method": "POST",
        "url": "/services/data/v64.0/composite/sobjects",
      },
      {
        "body": {
          "allOrNone": false,
          "compositeRequest": [
            {
              "method": "GET",
              "referenceId": "query0",
              "url": "/services/data/v64.0/query?q=SELECT%20Id%2C%20Contact.Activation_Email__c%20FROM%20CampaignMember%20WHERE%20CampaignId%20%3D%20'7015g0000000001AAA'%20AND%20Contact.Activation_Email__c%20IN%20('o%5C'hara-1%40example.com')",
            },
          ],
        },
        "method": "POST",
        "url": "/services/data/v64.0/composite",
      },
      {
        "body": "",
        "method": "DELETE",
        "url": "/services/data/v64.0/composite/sobjects?ids=00v5g0000000005AAA&allOrNone=false",
      },
    ]
  `);
  expect(vendor.contacts).toHaveLength(1);
});

function parsed(body: string): unknown {
  return body === '' ? '' : JSON.parse(body);
}

test('an exit of a person who never entered creates no record', async () => {
  const { vendor, connector } = await start();
  expect(outcomes(await connector.exit([delivery(7)], never))).toEqual({ 'change-7': 'delivered' });
  expect(vendor.contacts).toEqual([]);
});

test('a person known by the record id is written by it, and never created', async () => {
  const { vendor, connector } = await start({ identifiers: { crmid: 'Id', email: 'External_Id__c' } });
  const id = vendor.addPerson({ FirstName: 'Ann' });
  const known = (value: string, attributes = {}) => delivery(1, { namespace: 'crmid', value, attributes });
  expect(outcomes(await connector.enter([known(id), delivery(2)], never))).toEqual({
    'change-1': 'delivered',
    'change-2': 'delivered',
  });
  await connector.update([known(id, { FirstName: 'Anne' })], never);
  expect(vendor.member(id)).toEqual({ FirstName: 'Anne' });
  expect(outcomes(await connector.exit([known(id), delivery(2)], never))).toEqual({
    'change-1': 'delivered',
    'change-2': 'delivered',
  });
  expect(vendor.member(id)).toBeUndefined();
  expect(vendor.member(email(2))).toBeUndefined();
  const nobody = '003000000000001AAA';
  expect(outcomes(await connector.enter([known(nobody)], never))).toEqual({
    'change-1': 'INVALID_CROSS_REFERENCE_KEY',
  });
  expect(outcomes(await connector.update([known(nobody, { FirstName: 'X' })], never))).toEqual({
    'change-1': 'NOT_FOUND',
  });
});

test('identities are known by the form in which Salesforce keeps them', () => {
  const settings = salesforceSettings.parse(
    settingsFor('https://x.my.salesforce.com', { identifiers: { email: 'E__c', crmid: 'Id', loyaltyid: 'L__c' } }),
  );
  const form = (namespace: string, value: string) => salesforce.identity?.({ namespace, value }, settings);
  expect(form('email', ' Ann@Example.COM ')).toEqual({ status: 'formed', value: 'ann@example.com' });
  expect(form('loyaltyid', ' L-2 ')).toEqual({ status: 'formed', value: 'L-2' });
  expect(form('crmid', '0035g00000aBcDe')).toEqual({ status: 'formed', value: longId('0035g00000aBcDe') });
  for (const [namespace, value] of [
    ['email', 'ann'],
    ['crmid', '00Q5g00000aBcDe'],
    ['loyaltyid', 'x'.repeat(256)],
    ['ecid', '7'],
    ['constructor', 'x'],
  ] as const) {
    expect(form(namespace, value)).toMatchObject({ status: 'refused' });
  }
});

test.each([
  ['001A0000006Vm9u', '001A0000006Vm9uIAC'],
  ['0017F00000Xuo3g', '0017F00000Xuo3gQAB'],
  ['001A0000006Vm9uIAC', '001A0000006Vm9uIAC'],
])('the long id of %s is %s', (short, long) => {
  expect(longId(short)).toBe(long);
});

test('a namespace that the setting has lost rejects its own row alone', async () => {
  const { connector } = await start();
  const both = [delivery(1, { namespace: 'ecid' }), delivery(2)];
  const reason = 'no identifier is set for this namespace';
  for (const way of ['enter', 'update', 'exit'] as const) {
    const verdicts = await connector[way](both, never);
    expect(verdicts.find(({ id }) => id === 'change-1')).toEqual({ id: 'change-1', status: 'rejected', reason });
    expect(verdicts.find(({ id }) => id === 'change-2')).toMatchObject({ status: 'delivered' });
  }
});

test('who left with a status comes back with the other, and a status that a user set stays', async () => {
  const { vendor, connector } = await start();
  const of = options({ campaign: 'Sports Fans', createCampaign: true, status: 'In audience', exitStatus: 'Left' });
  const batch = [1, 2, 3].map((number) => delivery(number, { of }));
  await connector.enter(batch, never);
  await connector.exit(batch.slice(0, 2), never);
  expect([1, 2, 3].map((number) => vendor.statusOf(email(number)))).toEqual(['Left', 'Left', 'In audience']);
  vendor.setStatus(email(3), 'Responded');
  expect(outcomes(await connector.enter([...batch.slice(0, 1), ...batch.slice(2)], never))).toEqual({
    'change-1': 'delivered',
    'change-3': 'delivered',
  });
  expect([1, 2, 3].map((number) => vendor.statusOf(email(number)))).toEqual(['In audience', 'Left', 'Responded']);
});

test('a lock is tried again, alone', async () => {
  const { vendor, connector } = await start();
  vendor.failWith(email(2), 'UNABLE_TO_LOCK_ROW');
  const verdicts = await connector.enter([delivery(1), delivery(2)], never);
  expect(verdicts).toContainEqual({ id: 'change-2', status: 'retry', reason: 'UNABLE_TO_LOCK_ROW' });
  expect(outcomes(verdicts)['change-1']).toBe('delivered');
  vendor.failWith(email(2), undefined);
  expect(outcomes(await connector.enter([delivery(2)], never))).toEqual({ 'change-2': 'delivered' });
});

test('the campaign is looked up once, and anew when it is gone', async () => {
  const { vendor, connector } = await start();
  const of = options({ campaign: 'Ski Fans' });
  const first = vendor.addCampaign('ski fans');
  const lookUps = () => vendor.requests.filter(({ body }) => body.includes('FROM%20Campaign%20')).length;
  await connector.enter([delivery(1, { of })], never);
  await connector.enter([delivery(2, { of })], never);
  expect(lookUps()).toBe(1);
  vendor.deleteCampaign(first);
  await expect(connector.enter([delivery(3, { of })], never)).rejects.toMatchObject({
    class: 'set-up',
    doubt: undefined,
  });
  vendor.addCampaign('Ski Fans');
  expect(outcomes(await connector.enter([delivery(3, { of })], never))).toEqual({ 'change-3': 'delivered' });
  vendor.deleteCampaign(
    vendor.requests.flatMap(({ body }) => /"CampaignId":"(\w+)"/.exec(body)?.[1] ?? []).at(-1) ?? '',
  );
  vendor.addCampaign('Ski Fans');
  expect(outcomes(await connector.enter([delivery(4, { of })], never))).toEqual({
    'change-4': 'the campaign was made anew',
  });
});

test('a campaign and its statuses are created once when the options allow it, however many ask at once', async () => {
  const { vendor, connector } = await start();
  const of = (status: string) => options({ campaign: 'New Fans', createCampaign: true, status });
  await Promise.all(
    ['A', 'B', 'A'].map((status, index) => connector.enter([delivery(index, { of: of(status) })], never)),
  );
  expect(vendor.campaigns).toEqual(['Sports Fans', 'New Fans']);
  const [id = ''] = vendor.requests.flatMap(({ body }) => /"CampaignId":"(\w+)","ContactId"/.exec(body)?.[1] ?? []);
  expect(vendor.statusesOf(id).toSorted()).toEqual(['A', 'B']);
  expect(await connector.probe?.([of('A'), options()], never)).toEqual([]);
});

test('a campaign or a status that is missing, or a name of several, is set-up, and no change is sent', async () => {
  const { vendor, connector } = await start();
  vendor.addCampaign('Twice');
  vendor.addCampaign('Twice');
  const wrong = [
    { campaign: 'Nobody' },
    { campaignId: '7015g0000000000AAA' },
    { campaign: 'Twice' },
    { campaign: 'Sports Fans', status: 'Unknown' },
  ].map(options);
  for (const of of wrong) {
    await expect(connector.enter([delivery(1, { of })], never)).rejects.toMatchObject({
      class: 'set-up',
      doubt: undefined,
    });
  }
  const problems = await connector.probe?.([...wrong, options()], never);
  expect(problems).toHaveLength(4);
  for (const problem of problems ?? []) expect(problem).toMatch(/^Failed to .*\. [A-Z].*\.$/);
  expect(vendor.requests.filter(({ url }) => url.includes('sobjects/') && !url.endsWith('describe'))).toEqual([]);
  expect(vendor.contacts).toEqual([]);
});

test('a probe finds fields that are not there or no external ids', async () => {
  const { connector } = await start({ identifiers: { email: 'Email', crmid: 'Id', loyaltyid: 'No_Such__c' } });
  expect(await connector.probe?.([], never)).toEqual([
    'Failed to use the field Email: it is not an external id of Contact. Mark it as External ID and unique.',
    'Failed to use the field No_Such__c: Contact has none of this name, or the run-as user must not see it. Correct identifiers, or its permissions.',
  ]);
});

test('a token that is refused is renewed once', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery(1)], never);
  vendor.revokeTokens();
  expect(outcomes(await connector.enter([delivery(2)], never))).toEqual({ 'change-2': 'delivered' });
  expect(vendor.requests.filter(({ url }) => url.endsWith('/token'))).toHaveLength(2);
});

test('many persons with long identities leave in one call', async () => {
  const { vendor, connector } = await start({ identifiers: { loyaltyid: 'External_Id__c' } });
  const batch = Array.from({ length: 200 }, (_, index) =>
    delivery(index, { namespace: 'loyaltyid', value: `${'ø'.repeat(60)}'\\-${index}` }),
  );
  await connector.enter(batch, never);
  expect(vendor.member(batch[17]?.change.identity.value ?? '')).toEqual({});
  expect(new Set(Object.values(outcomes(await connector.exit(batch, never))))).toEqual(new Set(['delivered']));
  expect(batch.filter(({ change }) => vendor.member(change.identity.value) !== undefined)).toEqual([]);
});

test('leads are members too, and a stand-in of a whole run knows whom it is told', async () => {
  const { connector, local } = await startLocal({ personType: 'lead', identifiers: { crmid: 'Id', email: 'E__c' } });
  const of = options({ campaign: 'Sports Fans', status: 'In', exitStatus: 'Out' });
  const lead = '00Q5g0000000001AAA';
  const batch = [delivery(1, { namespace: 'crmid', value: lead, of }), delivery(2, { of }), delivery(3, { of })];
  expect(new Set(Object.values(outcomes(await connector.enter(batch, never))))).toEqual(new Set(['delivered']));
  await connector.exit(batch.slice(2), never);
  expect((await local.members({ audience: 'sports-fans', options: of })).toSorted()).toEqual([lead, email(2)]);
  expect(await connector.probe?.([of], never)).toEqual([]);
});

async function startLocal(more: object) {
  const settings = { ...settingsFor('https://contoso.my.salesforce.com', more), clientSecret: { secret: 'x' } };
  const routes = [{ audience: 'sports-fans', options: { campaign: 'Sports Fans', status: 'In', exitStatus: 'Out' } }];
  const local = await startLocalSalesforceVendor({ settings, routes });
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => local.close(),
  );
  const found = salesforceSettings.parse({ ...settings, ...local.settings, clientSecret });
  return { local, connector: salesforce.connect(found, { http, now: Date.now, print: () => undefined }) };
}

test.each([
  [{}, 'either campaign or campaignId'],
  [{ campaign: 'a', campaignId: '7015g0000000001AAA' }, 'either campaign or campaignId'],
  [{ campaignId: '7015g0000000001AAA', createCampaign: true }, 'cannot be created'],
  [{ campaignId: '0035g0000000001AAA' }, 'id of a campaign'],
  [{ campaign: 'a', exitStatus: 'Left' }, 'status of who enters'],
  [{ campaign: 'a', status: 'left', exitStatus: 'Left' }, 'must differ'],
])('the options %j are refused', (written, sentence) => {
  expect(() => options(written)).toThrow(sentence);
});
