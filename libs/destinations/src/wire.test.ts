import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Change,
  type ChangeKind,
  createHttpClient,
  type DestinationDefinition,
  type HttpRequest,
  Secret,
} from '@activation-hub/destination-kit';
import { startVendorServer, type VendorRequest, type VendorServer } from '@activation-hub/destination-kit/testing';
import { expect, test } from 'vitest';
import { blobArchive } from './blob-archive/destination.ts';
import { braze } from './braze/destination.ts';
import { startBrazeVendor } from './braze/vendor.ts';
import { customerIo } from './customer-io/destination.ts';
import { startCustomerIoVendor } from './customer-io/vendor.ts';
import { dynamics365 } from './dynamics-365/destination.ts';
import { startDynamics365Vendor } from './dynamics-365/vendor.ts';
import { eventHubs } from './event-hubs/destination.ts';
import { googleCustomerMatch } from './google-customer-match/destination.ts';
import {
  standInServiceAccountKey,
  standInUserListId,
  startGoogleCustomerMatchVendor,
} from './google-customer-match/vendor.ts';
import { hubspot } from './hubspot/destination.ts';
import { startHubspotVendor } from './hubspot/vendor.ts';
import { iterable } from './iterable/destination.ts';
import { startIterableVendor } from './iterable/vendor.ts';
import { linkedin } from './linkedin/destination.ts';
import { startLinkedinVendor } from './linkedin/vendor.ts';
import { marketo } from './marketo/destination.ts';
import { startMarketoVendor } from './marketo/vendor.ts';
import { metaCustomAudiences } from './meta-custom-audiences/destination.ts';
import { startMetaCustomAudiencesVendor } from './meta-custom-audiences/vendor.ts';
import { pinterest } from './pinterest/destination.ts';
import { startPinterestVendor } from './pinterest/vendor.ts';
import { destinationTypes } from './registry.ts';
import { salesforce } from './salesforce/destination.ts';
import { personObjects } from './salesforce/request.ts';
import { startSalesforceVendor } from './salesforce/vendor.ts';
import { salesforceMarketingCloud } from './salesforce-marketing-cloud/destination.ts';
import { startSalesforceMarketingCloudVendor } from './salesforce-marketing-cloud/vendor.ts';
import { snapchat } from './snapchat/destination.ts';
import { startSnapchatVendor } from './snapchat/vendor.ts';
import { tiktok } from './tiktok/destination.ts';
import { startTiktokVendor } from './tiktok/vendor.ts';
import { webhook } from './webhook/destination.ts';
import { startWebhookVendor } from './webhook/vendor.ts';

/** How a connector is set up here, and what its route maps. */
interface Subject {
  readonly definition: DestinationDefinition;
  readonly start?: () => Promise<VendorServer>;
  readonly settings: (origin: string) => object;
  readonly options: object;
  /** Of the person, and those that the update changes. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly changed: Readonly<Record<string, string>>;
  /** The name of a second identity of the person. */
  readonly second: string;
}

const guid = '00000000-0000-4000-8000-000000000000';
const secret = new Secret('the-secret');
const hubName = 'audience-changes';
const dynamics365Settings: Subject['settings'] = (origin) => ({
  environmentUrl: origin,
  signInUrl: origin,
  tenantId: guid,
  clientId: guid,
  clientSecret: secret,
  identifiers: { email: { column: 'emailaddress1', alternateKey: true }, crmid: { column: 'new_customerid' } },
});

const subjects: Readonly<Record<string, Subject>> = {
  'blob-archive': {
    definition: blobArchive,
    start: () => startVendorServer(() => ({ status: 201 })),
    settings: (origin) => ({
      containerUrl: `${origin}/audience-archive`,
      accountKey: new Secret(Buffer.alloc(32).toString('base64')),
    }),
    options: {},
    attributes: { firstname: 'Ann', city: 'Oslo' },
    changed: { city: 'Bergen' },
    second: 'crmid',
  },
  braze: {
    definition: braze,
    start: startBrazeVendor,
    settings: (origin) => ({ restUrl: origin, apiKey: secret, identifiers: { email: 'email', crmid: 'external_id' } }),
    options: { booleanAttribute: 'in_sports_fans' },
    attributes: { first_name: 'Ann', home_city: 'Oslo' },
    changed: { home_city: 'Bergen' },
    second: 'crmid',
  },
  'customer-io': {
    definition: customerIo,
    start: startCustomerIoVendor,
    settings: (origin) => ({
      siteId: 'site-1',
      apiKey: secret,
      baseUrl: origin,
      identifiers: { email: 'email', crmid: 'id' },
    }),
    options: { booleanAttribute: 'in_sports_fans' },
    attributes: { first_name: 'Ann', city: 'Oslo' },
    changed: { city: 'Bergen' },
    second: 'crmid',
  },
  'dynamics-365': {
    definition: dynamics365,
    start: startDynamics365Vendor,
    settings: dynamics365Settings,
    options: { list: 'Sports Fans' },
    attributes: { firstname: 'Ann', address1_city: 'Oslo' },
    changed: { address1_city: 'Bergen' },
    second: 'crmid',
  },
  'dynamics-365 segment': {
    definition: dynamics365,
    start: startDynamics365Vendor,
    settings: dynamics365Settings,
    options: { segment: 'Fans', createSegment: true },
    attributes: { firstname: 'Ann', address1_city: 'Oslo' },
    changed: { address1_city: 'Bergen' },
    second: 'crmid',
  },
  'google-customer-match': {
    definition: googleCustomerMatch,
    start: startGoogleCustomerMatchVendor,
    settings: (origin) => ({
      serviceAccountKey: new Secret(standInServiceAccountKey()),
      accountId: '1234567890',
      customerMatchOptions: 'accepted',
      identifiers: { email: 'emailAddress', tel: 'phoneNumber' },
      baseUrl: origin,
      tokenUrl: `${origin}/token`,
    }),
    options: { userListId: standInUserListId, consent: { adUserData: 'granted', adPersonalization: 'granted' } },
    attributes: { phoneNumber: '+47 22 12 34 56' },
    changed: { phoneNumber: '+47 22 99 99 99' },
    second: 'tel',
  },
  hubspot: {
    definition: hubspot,
    start: startHubspotVendor,
    settings: (origin) => ({
      accessToken: secret,
      baseUrl: origin,
      identifiers: { email: 'email', crmid: 'customer_id' },
    }),
    options: { list: 'Sports Fans' },
    attributes: { firstname: 'Ann', city: 'Oslo' },
    changed: { city: 'Bergen' },
    second: 'crmid',
  },
  iterable: {
    definition: iterable,
    start: startIterableVendor,
    settings: (origin) => ({ apiKey: secret, baseUrl: origin, identifiers: { email: 'email', crmid: 'userId' } }),
    options: { list: 'Sports Fans' },
    attributes: { firstName: 'Ann', city: 'Oslo' },
    changed: { city: 'Bergen' },
    second: 'crmid',
  },
  linkedin: {
    definition: linkedin,
    start: startLinkedinVendor,
    settings: (origin) => ({
      clientId: 'client-id',
      clientSecret: secret,
      refreshToken: secret,
      adAccountId: '512345678',
      sourcePlatform: 'CONTOSO',
      identifiers: { email: 'SHA256_EMAIL', gaid: 'GOOGLE_AID' },
      baseUrl: origin,
      tokenUrl: `${origin}/oauth/v2/accessToken`,
    }),
    options: { list: 'Sports Fans' },
    attributes: { firstName: 'Ann', GOOGLE_AID: '38400000-8cf0-11bd-b23e-10b96e40000d' },
    changed: { GOOGLE_AID: '49511111-9df1-22ce-a34f-21ca7f51111e' },
    second: 'gaid',
  },
  marketo: {
    definition: marketo,
    start: startMarketoVendor,
    settings: (origin) => ({
      clientId: 'service-1',
      clientSecret: secret,
      baseUrl: origin,
      identifiers: { email: 'email', crmid: 'customerNumber' },
    }),
    options: { list: 'Sports Fans' },
    attributes: { firstName: 'Ann', city: 'Oslo' },
    changed: { city: 'Bergen' },
    second: 'crmid',
  },
  'meta-custom-audiences': {
    definition: metaCustomAudiences,
    start: startMetaCustomAudiencesVendor,
    settings: (origin) => ({
      accessToken: secret,
      appSecret: secret,
      adAccountId: '1234567890',
      identifiers: { email: 'EMAIL', crmid: 'EXTERN_ID' },
      baseUrl: origin,
    }),
    options: { audience: 'Sports Fans' },
    attributes: { FN: 'Ann', PHONE: '+47 22 12 34 56' },
    changed: { PHONE: '+47 22 99 99 99' },
    second: 'crmid',
  },
  pinterest: {
    definition: pinterest,
    start: startPinterestVendor,
    settings: (origin) => ({
      clientId: '1500123',
      clientSecret: secret,
      refreshToken: secret,
      adAccountId: '549755885175',
      identifiers: { email: 'EMAIL', gaid: 'MAID' },
      baseUrl: `${origin}/v5`,
    }),
    options: { list: 'Sports Fans' },
    attributes: {},
    changed: {},
    second: 'gaid',
  },
  salesforce: {
    definition: salesforce,
    start: startSalesforceVendor,
    settings: (origin) => ({
      myDomainUrl: origin,
      clientId: 'consumer-key',
      clientSecret: secret,
      identifiers: { email: 'Activation_Email__c', crmid: 'External_Id__c' },
    }),
    options: { campaign: 'Sports Fans' },
    attributes: { LastName: 'Quinn', MailingCity: 'Oslo' },
    changed: { MailingCity: 'Bergen' },
    second: 'crmid',
  },
  'salesforce person-account': {
    definition: salesforce,
    start: () => startSalesforceVendor({ person: personObjects['person-account'] }),
    settings: (origin) => ({
      myDomainUrl: origin,
      clientId: 'consumer-key',
      clientSecret: secret,
      personType: 'person-account',
      identifiers: { email: 'Activation_Email__c', crmid: 'External_Id__c' },
    }),
    options: { campaign: 'Sports Fans' },
    attributes: { LastName: 'Quinn', PersonMailingCity: 'Oslo' },
    changed: { PersonMailingCity: 'Bergen' },
    second: 'crmid',
  },
  'salesforce-marketing-cloud': {
    definition: salesforceMarketingCloud,
    start: startSalesforceMarketingCloudVendor,
    settings: (origin) => ({
      clientId: 'client-id',
      clientSecret: secret,
      accountId: '7281698',
      authUrl: origin,
      soapUrl: origin,
    }),
    options: { dataExtension: 'sports-fans' },
    attributes: { FirstName: 'Ann', City: 'Oslo' },
    changed: { City: 'Bergen' },
    second: 'crmid',
  },
  tiktok: {
    definition: tiktok,
    start: startTiktokVendor,
    settings: (origin) => ({
      accessToken: secret,
      advertiserId: '1234567890',
      identifiers: { email: 'EMAIL_SHA256', tel: 'PHONE_SHA256' },
      baseUrl: origin,
    }),
    options: { list: 'Sports Fans' },
    attributes: { PHONE_SHA256: '+47 22 12 34 56' },
    changed: { PHONE_SHA256: '+47 22 99 99 99' },
    second: 'tel',
  },
  snapchat: {
    definition: snapchat,
    start: startSnapchatVendor,
    settings: (origin) => ({
      clientId: 'app-1',
      clientSecret: secret,
      refreshToken: secret,
      adAccountId: guid,
      identifiers: { email: 'EMAIL', tel: 'PHONE' },
      baseUrl: `${origin}/v1`,
      signInUrl: origin,
    }),
    options: { list: 'Sports Fans' },
    attributes: {},
    changed: {},
    second: 'tel',
  },
  webhook: {
    definition: webhook,
    start: startWebhookVendor,
    settings: (origin) => ({
      url: `${origin}/hooks`,
      signingSecret: new Secret(`whsec_${Buffer.alloc(24, 'x').toString('base64')}`),
    }),
    options: {},
    attributes: { firstname: 'Ann', city: 'Oslo' },
    changed: { city: 'Bergen' },
    second: 'crmid',
  },
  'event-hubs': {
    definition: eventHubs,
    settings: () => ({
      eventHub: hubName,
      connectionString: new Secret(
        `Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=${Buffer.alloc(32).toString('base64')};EntityPath=${hubName}`,
      ),
    }),
    options: {},
    attributes: { firstname: 'Ann', city: 'Oslo' },
    changed: { city: 'Bergen' },
    second: 'crmid',
  },
};

const nowMs = Date.UTC(2026, 10, 29);
const hostile = '\'"\\<&>{{id}}%2e\n=€\u202e';

/**
 * What a person of AEP means for the destination: one who enters, with two identities, changes, and
 * leaves; and one whose values are hostile.
 */
function story({ attributes, changed, second }: Subject): readonly (readonly [title: string, Change])[] {
  const change = (
    id: string,
    kind: ChangeKind,
    namespace: string,
    value: string,
    more: Partial<Change> = {},
  ): Change => ({
    id,
    kind,
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1', name: 'Sports fans' },
    identity: { namespace, value },
    qualifiedAt: '2026-11-29T00:00:00.000Z',
    attributes,
    ...more,
  });
  const email = 'ann@example.com';
  const now = { ...attributes, ...changed };
  const odd = Object.fromEntries(Object.keys(attributes).map((name) => [name, hostile]));
  const values: Readonly<Record<string, string>> = {
    tel: '+47 22 12 34 56',
    gaid: '49511111-9df1-22ce-a34f-21ca7f51111e',
  };
  const secondValue = values[second] ?? 'C-1';
  return [
    ['enters', change('change-1', 'entered', 'email', email)],
    ['changes', change('change-2', 'updated', 'email', email, { attributes: now, previousAttributes: attributes })],
    ['leaves', change('change-3', 'exited', 'email', email, { attributes: now })],
    ['enters by a second identity', change('change-4', 'entered', second, secondValue)],
    [
      'enters with hostile values',
      change('change-5', 'entered', 'email', "o'ann+%2f@example.com", { attributes: odd }),
    ],
  ];
}

test.each(Object.entries(subjects))('%s sends what its folder shows', async (type, subject) => {
  const { definition } = subject;
  const vendor = await subject.start?.();
  const http = createHttpClient({ allowPrivateAddresses: true });
  const recorded: HttpRequest[] = [];
  const settings = definition.settings.parse(subject.settings(vendor?.origin ?? ''));
  const options = definition.options.parse(subject.options);
  const record = vendor === undefined ? { record: (request: HttpRequest) => void recorded.push(request) } : {};
  const connector = definition.connect(settings, { http, now: () => nowMs, print: () => undefined, ...record });
  const lines: string[] = [];
  const methods = { entered: 'enter', updated: 'update', exited: 'exit' } as const;
  try {
    for (const [title, change] of story(subject)) {
      vendor?.forgetRequests();
      recorded.length = 0;
      const { namespace, value } = change.identity;
      const form = definition.identity?.({ namespace, value }, settings) ?? { status: 'formed', value };
      if (form.status === 'refused') throw new Error(`Failed to form the identity: ${form.reason}.`);
      const told = { ...change, identity: { namespace, value: form.value } };
      const verdicts = await connector[methods[change.kind]]([{ change: told, options }], new AbortController().signal);
      lines.push(`# A person ${title}`, '');
      for (const request of vendor?.requests ?? recorded) lines.push(...written(request), '');
      lines.push(`→ ${verdicts.map(({ status }) => status).join(', ')}`, '');
    }
  } finally {
    await connector.close?.();
    await vendor?.close();
    await http.close();
  }
  await expect(stable(lines.join('\n'), vendor?.origin)).toMatchFileSnapshot(fileOf(type));
});

/**
 * In the folder of the connector; what stands after its name tells several stories of one connector
 * apart.
 */
function fileOf(name: string): string {
  const [type = '', ...more] = name.split(' ');
  return join(import.meta.dirname, type, `${['wire', ...more].join('-')}.txt`);
}

test('every connector that calls a third party shows what it sends', () => {
  const shown = new Set(Object.keys(subjects).map((name) => name.split(' ')[0]));
  expect([...shown, 'log'].sort()).toEqual([...destinationTypes].sort());
});

test('no other file shows what a connector sends', () => {
  const shown = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /[/\\]wire[^/\\]*\.txt$/.test(path),
  );
  expect(shown.map((path) => join(import.meta.dirname, path)).sort()).toEqual(Object.keys(subjects).map(fileOf).sort());
});

/** Headers that HTTP itself writes. */
const ofHttp = new Set(['host', 'connection', 'content-length', 'accept-encoding']);

function written({
  method,
  url,
  headers,
  body = '',
}: Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body'> | VendorRequest): readonly string[] {
  const shown = Object.entries(headers).filter(([name]) => !ofHttp.has(name));
  return [
    `${method} ${url}`,
    ...shown.map(([name, value]) => `${name}: ${value}`).sort(),
    ...readable(headers['content-type'] ?? '', body),
  ];
}

/** JSON with indents, forms field by field, XML element by element, anything else as it is. */
function readable(contentType: string, body: string): readonly string[] {
  if (body === '') return [];
  if (contentType.includes('form-urlencoded'))
    return [...new URLSearchParams(body)].map(([name, value]) => `  ${name} = ${value}`);
  if (contentType.includes('xml'))
    return body
      .replaceAll(/></g, '>\n<')
      .split('\n')
      .map((line) => `  ${line}`);
  try {
    return JSON.stringify(JSON.parse(body), undefined, 2)
      .split('\n')
      .map((line) => `  ${line}`);
  } catch {
    return body.split(/\r?\n/).map((line) => `  ${line}`);
  }
}

/**
 * Without what differs from run to run: ports, ids that a stand-in gives, and what is signed with a
 * key made for the run.
 */
function stable(text: string, origin: string | undefined): string {
  const ids = new Map<string, string>();
  return text
    .replaceAll(origin ?? '\u0000', 'https://vendor.example')
    .replaceAll(/[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}/g, (id) => {
      if (id === guid) return id;
      ids.set(id, ids.get(id) ?? `id-${ids.size + 1}`);
      return ids.get(id) ?? id;
    })
    .replaceAll(/batch_[\da-f]{32}/g, 'batch_0')
    .replaceAll(/assertion = \S+/g, 'assertion = (signed)')
    .replaceAll(/"session_id":\d+/g, '"session_id":0')
    .replaceAll(/ +$/gm, '');
}
