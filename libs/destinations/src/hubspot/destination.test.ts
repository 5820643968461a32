import { afterEach, expect, test } from 'vitest';
import {
  createHttpClient,
  type Delivery,
  DestinationError,
  type HttpResponse,
  Secret,
} from '@activation-hub/destination-kit';
import { describeDestinationContract } from '@activation-hub/destination-kit/testing';
import { hubspot } from './destination.ts';
import { hubspotErrors } from './errors.ts';
import { hubspotError, readMissing, readWritten } from './response.ts';
import { hubspotSettings, hubspotOptions } from './settings.ts';
import { startHubspotVendor } from './vendor.ts';

const accessToken = new Secret('pat-eu1-not-to-be-seen');

describeDestinationContract(test, {
  definition: hubspot,
  settings: ({ origin, timeoutMs }) => ({ accessToken, baseUrl: origin, timeoutMs }),
  options: { list: 'Sports Fans' },
  startVendor: startHubspotVendor,
  errors: hubspotErrors,
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start(settings: object = {}) {
  const vendor = await startHubspotVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const connector = hubspot.connect(hubspotSettings.parse({ accessToken, baseUrl: vendor.origin, ...settings }), {
    http,
    now: Date.now,
    print: () => undefined,
  });
  return { vendor, connector };
}

const options = (written: object = { list: 'Sports Fans' }) => hubspotOptions.parse(written);
const delivery = (
  number: number,
  { namespace = 'email', value = `ann-${number}@example.com`, attributes = { firstname: 'Ann' }, of = options() } = {},
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
const statuses = (verdicts: readonly { id: string; status: string }[]) =>
  Object.fromEntries(verdicts.map(({ id, status }) => [id, status]));

test('an entry is an upsert and a membership, with every value as text', async () => {
  const { vendor, connector } = await start();
  const attributes = {
    score: 7,
    vip: true,
    interests: ['ski', 'golf'],
    phone: null,
    size: { eu: 43 },
    email: 'x@y.zz',
  };
  await connector.enter([delivery(1, { attributes: attributes as never })], never);
  const [find, upsert, add] = vendor.requests;
  expect(find).toMatchObject({ method: 'GET', url: '/crm/lists/2026-03/object-type-id/0-1/name/Sports%20Fans' });
  expect(upsert).toMatchObject({ method: 'POST', url: '/crm/objects/2026-03/contacts/batch/upsert' });
  expect(upsert?.headers).toMatchObject({ authorization: `Bearer ${accessToken.reveal()}` });
  expect(JSON.parse(upsert?.body ?? '')).toEqual({
    inputs: [
      {
        id: 'ann-1@example.com',
        idProperty: 'email',
        objectWriteTraceId: 'change-1',
        properties: { score: '7', vip: 'true', interests: 'ski;golf', phone: '', size: '{"eu":43}' },
      },
    ],
  });
  expect(add).toMatchObject({ method: 'PUT', url: '/crm/lists/2026-03/101/memberships/add', body: '["102"]' });
  expect(vendor.requests).toHaveLength(3);
});

test('the paths of v3 are those that HubSpot documented first', async () => {
  const { vendor, connector } = await start({ apiVersion: 'v3' });
  await connector.enter([delivery(1)], never);
  await connector.exit([delivery(1)], never);
  expect(vendor.requests.map(({ url }) => url)).toEqual([
    '/crm/v3/lists/object-type-id/0-1/name/Sports%20Fans',
    '/crm/v3/objects/contacts/batch/upsert',
    '/crm/v3/lists/101/memberships/add',
    '/crm/v3/objects/contacts/batch/read',
    '/crm/v3/lists/101/memberships/remove',
  ]);
});

test('an exit removes the membership, keeps the contact and creates none', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery(1)], never);
  expect(statuses(await connector.exit([delivery(1), delivery(2)], never))).toEqual({
    'change-1': 'delivered',
    'change-2': 'delivered',
  });
  expect(vendor.member('ann-1@example.com')).toBeUndefined();
  expect(vendor.hasContact('ann-1@example.com')).toBe(true);
  expect(vendor.hasContact('ann-2@example.com')).toBe(false);
});

test('a contact is found by any of its addresses', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery(1)], never);
  vendor.addAddress('ann-1@example.com', 'ann@other.example');
  const other = delivery(1, { value: 'ann@other.example' });
  expect(statuses(await connector.exit([other], never))).toEqual({ 'change-1': 'delivered' });
  expect(vendor.member('ann-1@example.com')).toBeUndefined();
});

test('an update looks for the contact, writes each record once, and brings no erased contact back', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery(1), delivery(2)], never);
  vendor.addAddress('ann-1@example.com', 'ann@other.example');
  vendor.forgetPerson?.('ann-2@example.com');
  vendor.forgetRequests();
  const attributes = { firstname: 'Anne' };
  const changes = [delivery(1), delivery(2), delivery(3, { value: 'ann@other.example', attributes })];
  expect(statuses(await connector.update(changes, never))).toEqual({
    'change-1': 'delivered',
    'change-2': 'not-found',
    'change-3': 'delivered',
  });
  expect(vendor.requests.map(({ url }) => url)).toEqual([
    '/crm/objects/2026-03/contacts/batch/read',
    '/crm/objects/2026-03/contacts/batch/update',
  ]);
  expect(JSON.parse(vendor.requests[1]?.body ?? '')).toEqual({
    inputs: [{ id: '102', objectWriteTraceId: 'change-3', properties: attributes }],
  });
  expect(vendor.hasContact('ann-2@example.com')).toBe(false);
});

test('each namespace has its own property, and one without a property is refused', async () => {
  const { vendor, connector } = await start({ identifiers: { email: 'email', crmid: 'customer_id' } });
  const changes = [delivery(1), delivery(2, { namespace: 'crmid', value: 'C-2' }), delivery(3, { namespace: 'ecid' })];
  expect(statuses(await connector.enter(changes, never))).toEqual({
    'change-1': 'delivered',
    'change-2': 'delivered',
    'change-3': 'rejected',
  });
  const upserts = vendor.requests.filter(({ url }) => url.endsWith('upsert'));
  expect(
    upserts.map(({ body }) => (JSON.parse(body) as { inputs: { idProperty: string }[] }).inputs[0]?.idProperty),
  ).toEqual(['email', 'customer_id']);
});

test('a change whose namespace the setting has lost leaves no doubt about the others', async () => {
  const { vendor, connector } = await start();
  vendor.setFault({ kind: 'status', status: 403 });
  const told = connector.enter([delivery(1, { namespace: 'ecid' }), delivery(2)], never);
  await expect(told).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
});

test('identities are known by the form in which HubSpot keeps them', () => {
  const settings = hubspotSettings.parse({ accessToken, identifiers: { email: 'email', crmid: 'customer_id' } });
  const form = (namespace: string, value: string) => hubspot.identity?.({ namespace, value }, settings);
  expect(form('email', ' Ann@Example.COM ')).toEqual({ status: 'formed', value: 'ann@example.com' });
  expect(form('crmid', ' C-2 ')).toEqual({ status: 'formed', value: 'C-2' });
  for (const [namespace, value] of [
    ['email', 'ann'],
    ['crmid', ' '],
    ['ecid', '7'],
    ['constructor', 'x'],
  ] as const) {
    expect(form(namespace, value)).toMatchObject({ status: 'refused' });
  }
});

test('the list is looked up once, and anew when it is gone', async () => {
  const { vendor, connector } = await start();
  const lookUps = () => vendor.requests.filter(({ method }) => method === 'GET').length;
  await connector.enter([delivery(1)], never);
  await connector.enter([delivery(2)], never);
  expect(lookUps()).toBe(1);
  vendor.deleteList('101');
  await expect(connector.enter([delivery(3)], never)).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
  vendor.addList({ name: 'sports fans', objectTypeId: '0-1', processingType: 'SNAPSHOT' });
  expect(statuses(await connector.enter([delivery(3)], never))).toEqual({ 'change-3': 'delivered' });
  expect(lookUps()).toBe(2);
});

test('a list is created once when the options allow it, however many ask at once', async () => {
  const { vendor, connector } = await start();
  const of = options({ list: 'New Fans', createList: true });
  await Promise.all([1, 2, 3].map((number) => connector.enter([delivery(number, { of })], never)));
  expect(vendor.lists).toEqual(['Sports Fans', 'New Fans']);
  expect(await connector.probe?.([of, options()], never)).toEqual([]);
});

test('a list that is missing, dynamic or of others is set-up, and no contact is written', async () => {
  const { vendor, connector } = await start();
  vendor.addList({ name: 'Computed', objectTypeId: '0-1', processingType: 'DYNAMIC' });
  vendor.addList({ name: 'Companies', objectTypeId: '0-2', processingType: 'MANUAL' });
  const wrong = [{ list: 'Nobody' }, { listId: '7' }, { list: 'Computed' }, { list: 'Companies' }].map(options);
  for (const of of wrong) {
    await expect(connector.enter([delivery(1, { of })], never)).rejects.toMatchObject({
      class: 'set-up',
      doubt: undefined,
    });
  }
  expect(vendor.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  const problems = await connector.probe?.([...wrong, options()], never);
  expect(problems).toHaveLength(4);
  for (const problem of problems ?? []) expect(problem).toMatch(/^Failed to .*\. [A-Z].*\.$/);
  expect(vendor.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
});

test('a list that was deleted is not used, although HubSpot still finds it by its id', async () => {
  const { vendor, connector } = await start();
  const listId = vendor.addList({
    name: 'Old',
    objectTypeId: '0-1',
    processingType: 'MANUAL',
    deletedAt: '2026-11-01T00:00:00Z',
  });
  const of = options({ listId });
  await expect(connector.enter([delivery(1, { of })], never)).rejects.toMatchObject({ class: 'set-up' });
  expect(await connector.probe?.([of], never)).toEqual([
    `Failed to find the HubSpot list with the id ${listId}. Create it, or let the options create it by name (createList: true).`,
  ]);
});

test('a look-up that fails leaves no doubt', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery(1)], never);
  vendor.setReadFault({ kind: 'status', status: 500 });
  await expect(connector.exit([delivery(1)], never)).rejects.toMatchObject({ class: 'transient', doubt: undefined });
  vendor.setReadFault({ kind: 'malformed' });
  await expect(connector.exit([delivery(1)], never)).rejects.toMatchObject({ class: 'transient', doubt: undefined });
  vendor.setReadFault(undefined);
  expect(statuses(await connector.exit([delivery(1)], never))).toEqual({ 'change-1': 'delivered' });
});

test('an error that names no contact asks for halves, and refuses the one that is left', async () => {
  const { vendor, connector } = await start();
  vendor.refuseWithoutName('ann-2@example.com');
  const batch = [delivery(1), delivery(2)];
  await expect(connector.enter(batch, never)).rejects.toMatchObject({ class: 'invalid', doubt: 'answered' });
  expect(await connector.enter(batch.slice(1), never)).toEqual([
    { id: 'change-2', status: 'rejected', reason: 'VALIDATION_ERROR' },
  ]);
  expect(statuses(await connector.enter(batch.slice(0, 1), never))).toEqual({ 'change-1': 'delivered' });
});

const answer = (status: number, body: unknown = {}, headers = {}): HttpResponse => ({
  status,
  headers,
  body: JSON.stringify(body),
});

test.each<[string, HttpResponse, Partial<DestinationError>]>([
  [
    'a property that is not there, as newer answers say it',
    answer(400, { category: 'VALIDATION_ERROR', errors: [{ code: 'PROPERTY_DOESNT_EXIST' }] }),
    { class: 'set-up', doubt: undefined },
  ],
  [
    'a property that is not there, as older answers say it',
    answer(400, { category: 'VALIDATION_ERROR', message: 'no: [{"isValid":false,"error":"PROPERTY_DOESNT_EXIST"}]' }),
    { class: 'set-up', doubt: undefined },
  ],
  ['a value that is not valid', answer(400, { category: 'VALIDATION_ERROR' }), { class: 'invalid' }],
  [
    'a batch with one contact in conflict',
    answer(409, { category: 'CONFLICT' }),
    { class: 'invalid', doubt: undefined },
  ],
  ['the burst limit', answer(429), { class: 'throttled', notBeforeMs: 11_000 }],
  [
    'the burst limit with its window',
    answer(429, {}, { 'x-hubspot-ratelimit-interval-milliseconds': '1000' }),
    { class: 'throttled', notBeforeMs: 2_000 },
  ],
  ['the daily limit', answer(429, { policyName: 'DAILY' }), { class: 'throttled', notBeforeMs: 3_601_000 }],
  [
    'a limit that says how long',
    answer(429, { policyName: 'DAILY' }, { 'retry-after': '5' }),
    { class: 'throttled', notBeforeMs: 6_000 },
  ],
  [
    'an account that is being moved',
    answer(477, {}, { 'retry-after': '9' }),
    { class: 'transient', doubt: 'answered', notBeforeMs: 10_000 },
  ],
  ['a connection that timed out on the way', answer(522), { class: 'transient', doubt: 'unanswered' }],
  ['a gateway that gave up', answer(524), { class: 'transient', doubt: 'unanswered' }],
  ['missing scopes', answer(403, { category: 'MISSING_SCOPES' }), { class: 'set-up', doubt: undefined }],
  ['a locked record', answer(423), { class: 'transient', notBeforeMs: 3_000 }],
  ['a certificate of HubSpot that is refused on the way', answer(526), { class: 'set-up', doubt: undefined }],
  ['a URL that is too long', answer(414), { class: 'invalid' }],
])('%s', (_what, response, expected) => {
  expect(hubspotError(response, 1_000)).toMatchObject(expected);
});

test('a contact is told apart by its address where HubSpot does not echo the trace id', () => {
  const rows = [1, 2].map((number) => ({ ...delivery(number), idProperty: 'email' }));
  const results = [
    { id: '2', properties: { email: 'Ann-2@example.com' } },
    { id: '1', properties: { email: 'ann-1@example.com' } },
  ];
  const contacts = readWritten(answer(200, { results }), rows, (_text, fallback) => fallback, 0);
  expect([...contacts.entries()]).toEqual([
    ['change-1', { recordId: '1' }],
    ['change-2', { recordId: '2' }],
  ]);
});

test('both spellings of the arrays of a membership are taken, and none of them names nobody', () => {
  expect([...readMissing(answer(200, { recordIdsAdded: ['1'], recordIdsMissing: ['2'] }), 0)]).toEqual(['2']);
  expect([...readMissing(answer(200, { recordsIdsAdded: [] }), 0)]).toEqual([]);
  expect([...readMissing(answer(200), 0)]).toEqual([]);
  expect(() => readMissing(answer(200, []), 0)).toThrow(expect.objectContaining({ doubt: 'answered' }));
});

test('a contact that vanished between upsert and membership is tried again', async () => {
  const { vendor, connector } = await start();
  vendor.deleteAfterUpsert('ann-1@example.com');
  const verdicts = await connector.enter([delivery(1), delivery(2)], never);
  expect(statuses(verdicts)).toEqual({ 'change-1': 'retry', 'change-2': 'delivered' });
});

test.each([
  [{}, 'either list or listId'],
  [{ list: 'a', listId: '1' }, 'either list or listId'],
  [{ listId: '1', createList: true }, 'cannot be created'],
])('the options %j are refused', (written, sentence) => {
  expect(() => options(written)).toThrow(sentence);
});
