import { afterEach, expect, test } from 'vitest';
import { createHttpClient, type Delivery, type JsonValue, Secret, type Verdict } from '@activation-hub/destination-kit';
import { describeDestinationContract } from '@activation-hub/destination-kit/testing';
import { dynamics365 } from './destination.ts';
import { dynamics365Errors } from './errors.ts';
import { dynamics365Settings, dynamics365Options } from './settings.ts';
import { type Dynamics365VendorOptions, startDynamics365Vendor } from './vendor.ts';

const clientSecret = new Secret('client-secret-not-to-be-seen');
const guid = '6a5a2f1e-1111-4222-8333-944455566677';
const byKey = { email: { column: 'emailaddress1', alternateKey: true } };
const settingsFor = (origin: string, more: object = {}) => ({
  environmentUrl: origin,
  signInUrl: origin,
  tenantId: 'contoso.example',
  clientId: guid,
  clientSecret,
  identifiers: byKey,
  ...more,
});

const ways = [
  ['by auto', 'contact', {}, { list: 'Sports Fans' }],
  ['by list-member', 'contact', { removalStrategy: 'list-member' }, { list: 'Sports Fans' }],
  ['by association', 'account', { removalStrategy: 'association' }, { list: 'Sports Fans' }],
  ['of leads', 'lead', {}, { list: 'Sports Fans' }],
  ['in a segment of contacts', 'contact', {}, { segment: 'Sports Fans' }],
  ['in a segment of leads', 'lead', {}, { segment: 'Sports Fans' }],
] as const;
for (const [way, memberType, more, target] of ways) {
  describeDestinationContract((name, run) => test(`${way}, it ${name}`, run), {
    definition: dynamics365,
    settings: ({ origin, timeoutMs }) => settingsFor(origin, { timeoutMs, memberType, ...more }),
    options: target,
    startVendor: () => startDynamics365Vendor({ memberType }),
    errors: dynamics365Errors,
    leftOut: {
      'version-ends': 'Microsoft has named no end of v9.2 of the Web API',
      'quota-nearly-used':
        'Microsoft advises against pacing by what its headers say is left (learn.microsoft.com/…/api-limits)',
      'partial-answer':
        'answers in a $batch have no ids, only their promised order: when one is missing, all are tried again',
    },
  });
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start(settings: object = {}, options: Dynamics365VendorOptions = {}) {
  const vendor = await startDynamics365Vendor(options);
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const parsed = dynamics365Settings.parse(settingsFor(vendor.origin, settings));
  const connectAgain = () => dynamics365.connect(parsed, { http, now: Date.now, print: () => undefined });
  const writes = () => vendor.requests.filter(({ body }) => /\r\n(POST|PATCH|DELETE) /.test(body));
  return { vendor, connector: connectAgain(), connectAgain, writes };
}

const options = (written: object = { list: 'Sports Fans' }) => dynamics365Options.parse(written);
const email = (number: number) => `o'brien-${number}@example.com`;
interface About {
  readonly namespace?: string;
  readonly value?: string;
  readonly attributes?: Readonly<Record<string, JsonValue>>;
  readonly of?: ReturnType<typeof options>;
}
const delivery = (number: number, about: About = {}): Delivery<ReturnType<typeof options>> => ({
  change: {
    id: `change-${number}`,
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1' },
    identity: { namespace: about.namespace ?? 'email', value: about.value ?? email(number) },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes: about.attributes ?? { firstname: 'Zoë', emailaddress1: 'other@example.com', creditlimit: 7 },
  },
  options: about.of ?? options(),
});
const statuses = (verdicts: readonly Verdict[]) => Object.fromEntries(verdicts.map(({ id, status }) => [id, status]));

test('an entry is an upsert by the alternate key and a membership, in the body of a batch', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery(1)], never);
  const [signIn, find, upsert, add, ...more] = vendor.requests;
  expect(more).toEqual([]);
  expect(signIn?.url).toBe('/contoso.example/oauth2/v2.0/token');
  expect(new URLSearchParams(signIn?.body).get('scope')).toBe(`${vendor.origin}/.default`);
  expect(decodeURIComponent(find?.url ?? '')).toContain("&$filter=listname eq 'Sports Fans'&$top=2");
  expect(upsert).toMatchObject({ method: 'POST', url: '/api/data/v9.2/$batch' });
  expect(upsert?.headers).toMatchObject({
    authorization: 'Bearer token-1',
    prefer: 'odata.continue-on-error',
    'odata-version': '4.0',
  });
  const boundary = /boundary="(.+)"/.exec(upsert?.headers['content-type'] ?? '')?.[1] ?? '';
  expect(upsert?.body.split('\r\n')).toEqual([
    `--${boundary}`,
    'Content-Type: application/http',
    'Content-Transfer-Encoding: binary',
    '',
    "PATCH /api/data/v9.2/contacts(emailaddress1='o''brien-1%40example.com')?$select=contactid HTTP/1.1",
    'Accept: application/json',
    'prefer: return=representation',
    'Content-Type: application/json',
    '',
    '{"firstname":"Zoë","creditlimit":7}',
    `--${boundary}--`,
    '',
  ]);
  const contactId = vendor.records[0]?.contactid as string;
  expect(add?.body).toMatch(/POST \/api\/data\/v9\.2\/lists\(\S+\)\/Microsoft\.Dynamics\.CRM\.AddMemberList HTTP/);
  expect(add?.body).toContain(`{"EntityId":"${contactId}"}`);
});

test('a person is found by a column that is no key, and is not created', async () => {
  const { vendor, connector } = await start({ identifiers: { email: { column: 'emailaddress1' } } });
  vendor.addRecord({ emailaddress1: email(1) });
  for (const number of [3, 3]) vendor.addRecord({ emailaddress1: email(number) });
  const verdicts = await connector.enter([delivery(1), delivery(2), delivery(3)], never);
  expect(statuses(verdicts)).toEqual({ 'change-1': 'delivered', 'change-2': 'not-found', 'change-3': 'rejected' });
  expect(verdicts.flatMap((verdict) => ('reason' in verdict ? verdict.reason : [])).sort()).toEqual([
    'more than one contact has this identity',
    'no contact has this identity',
  ]);
  expect(vendor.member(email(1))).toEqual({ firstname: 'Zoë', creditlimit: 7 });
  expect(vendor.records).toHaveLength(3);
});

test('a record that was merged into another is not the person, and an exit takes out every record that has the identity', async () => {
  const identifiers = { email: { column: 'emailaddress1' } };
  for (const removalStrategy of ['action', 'list-member'] as const) {
    const { vendor, connector } = await start({ identifiers, removalStrategy });
    const merged = vendor.addRecord({ emailaddress1: email(1), statecode: 1 });
    vendor.addRecord({ emailaddress1: email(1) });
    const change = delivery(1, { attributes: {} });
    expect(statuses(await connector.enter([change], never))).toEqual({ 'change-1': 'delivered' });
    // The other was a member before it was merged.
    vendor.addMember('Sports Fans', merged);
    expect(vendor.members('Sports Fans', ['contactid'])).toHaveLength(2);
    expect(statuses(await connector.exit([change], never))).toEqual({ 'change-1': 'delivered' });
    expect(vendor.members('Sports Fans', ['contactid'])).toEqual([]);
  }
});

test('a person is known by the id of the record, which is written only when there is something to write', async () => {
  const { vendor, connector, writes } = await start({ identifiers: { crmid: { column: 'contactid' } } });
  const there = vendor.addRecord({ emailaddress1: email(1) });
  const known = delivery(1, { namespace: 'crmid', value: there, attributes: {} });
  const unknown = delivery(2, { namespace: 'crmid', value: guid, attributes: {} });
  expect(statuses(await connector.enter([known, unknown], never))).toEqual({
    'change-1': 'delivered',
    'change-2': 'not-found',
  });
  expect(vendor.member(email(1))).toEqual({});
  expect(writes()).toHaveLength(1);
  expect(statuses(await connector.exit([known, unknown], never))).toEqual({
    'change-1': 'delivered',
    'change-2': 'delivered',
  });
});

test('neither an update nor an exit creates a record, nor an entry where that is not wanted', async () => {
  const { vendor, connector } = await start();
  expect(statuses(await connector.update([delivery(1)], never))).toEqual({ 'change-1': 'not-found' });
  expect(statuses(await connector.exit([delivery(1)], never))).toEqual({ 'change-1': 'delivered' });
  const other = await start({ createRecords: false });
  expect(statuses(await other.connector.enter([delivery(1)], never))).toEqual({ 'change-1': 'not-found' });
  expect([...vendor.records, ...other.vendor.records]).toEqual([]);
});

test.each([
  ['EntityId', '{"EntityId":"'],
  ['ListMember', '{"ListMember":{"listmemberid":"'],
  [null, 'DELETE /api/data/v9.2/listmembers('],
] as const)('where the environment removes by %s, so does an exit', async (removalParameter, written) => {
  const { vendor, connector, writes } = await start({}, { removalParameter });
  await connector.enter([delivery(1), delivery(2)], never);
  vendor.forgetRequests();
  expect(statuses(await connector.exit([delivery(1), delivery(2)], never))).toEqual({
    'change-1': 'delivered',
    'change-2': 'delivered',
  });
  expect(vendor.member(email(1))).toBeUndefined();
  expect(writes()[0]?.body).toContain(written);
  await connector.exit([delivery(1)], never);
  expect(vendor.requests.filter(({ url }) => url.endsWith('$metadata'))).toHaveLength(1);
});

test('an action that the environment does not have is set-up, and no member counts as taken out', async () => {
  const { vendor, connector } = await start({ removalStrategy: 'action' }, { removalParameter: null });
  await connector.enter([delivery(1), delivery(2)], never);
  await expect(connector.exit([delivery(1), delivery(2)], never)).rejects.toMatchObject({ class: 'set-up' });
  expect(vendor.member(email(1))).toBeDefined();
});

test('a token that is refused is renewed, and the batch is told once more', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery(1)], never);
  vendor.revokeTokens();
  expect(statuses(await connector.enter([delivery(2)], never))).toEqual({ 'change-2': 'delivered' });
  expect(vendor.requests.filter(({ url }) => url.endsWith('/token'))).toHaveLength(2);
});

test('service protection of some parts makes those wait, and of all the whole application', async () => {
  const { vendor, connector } = await start();
  vendor.throttle(email(1));
  const startedAtMs = Date.now();
  const verdicts = await connector.enter([delivery(1), delivery(2)], never);
  expect(statuses(verdicts)).toEqual({ 'change-1': 'retry', 'change-2': 'delivered' });
  const [first] = verdicts.filter(({ id }) => id === 'change-1');
  expect(first).toMatchObject({ reason: 'service protection, 0x80072322' });
  expect(first?.status === 'retry' && (first.notBeforeMs ?? 0) >= startedAtMs + 30_000).toBe(true);
  expect(first).not.toHaveProperty('doubt');
  await expect(connector.enter([delivery(1)], never)).rejects.toMatchObject({ class: 'throttled', doubt: undefined });
  vendor.throttle(undefined);
  expect(statuses(await connector.enter([delivery(1)], never))).toEqual({ 'change-1': 'delivered' });
});

test('when an answer is missing, all are tried again', async () => {
  const { vendor, connector } = await start();
  vendor.omit(email(1));
  await expect(connector.enter([delivery(1), delivery(2)], never)).rejects.toMatchObject({
    class: 'transient',
    doubt: 'answered',
  });
});

test('a list that is deleted under way is set-up, and one that is made anew is used', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery(1)], never);
  const of = options({ list: 'Other', createList: true });
  await Promise.all([connector.enter([delivery(2, { of })], never), connector.enter([delivery(3, { of })], never)]);
  expect(vendor.lists).toEqual(['Sports Fans', 'Other']);
  const listIds = vendor.requests.flatMap(({ body }) => /lists\((\S+)\)/.exec(body)?.[1] ?? []);
  for (const listId of new Set(listIds)) vendor.deleteList(listId);
  await expect(connector.enter([delivery(1)], never)).rejects.toMatchObject({ class: 'set-up' });
  expect(statuses(await connector.enter([delivery(2, { of })], never))).toEqual({ 'change-2': 'retry' });
  expect(statuses(await connector.enter([delivery(2, { of })], never))).toEqual({ 'change-2': 'delivered' });
});

test('processes that make a list at the same time tell the oldest, and so does every later one', async () => {
  const { vendor, connector, connectAgain } = await start();
  const of = options({ list: 'New', createList: true });
  const both = [connector, connectAgain()];
  vendor.meet(2, ({ method, url }) => method === 'POST' && url.endsWith('/lists'));
  const enter = async (each: typeof connector, place: number) => {
    expect(statuses(await each.enter([delivery(place, { of })], never))).toEqual({ [`change-${place}`]: 'delivered' });
  };
  await Promise.all(both.map(enter));
  expect(vendor.lists.filter((name) => name === 'New')).toHaveLength(2);
  await enter(connectAgain(), 2);
  expect(vendor.members('New', ['emailaddress1'])).toEqual([0, 1, 2].map(email));
  expect(await connector.probe?.([of, options({ list: 'New' })], never)).toEqual([
    expect.stringContaining('the oldest is used'),
    expect.stringContaining('several lists have this name'),
  ]);
});

test('a list that takes no members of this type is set-up, no request for a person is sent, and the probe says why', async () => {
  const { vendor, connector, writes } = await start();
  vendor.addList({ listname: 'Dynamic', type: true });
  vendor.addList({ listname: 'Locked', lockstatus: true });
  vendor.addList({ listname: 'Leads', createdfromcode: 4 });
  const inactive = vendor.addList({ statecode: 1 });
  for (const listname of ["Twice's", "Twice's"]) vendor.addList({ listname });
  const written = ['Dynamic', 'Locked', 'Leads', "Twice's", 'Nobody'].map((list) => options({ list }));
  const wrong = [...written, options({ listId: inactive }), options({ listId: guid })];
  for (const of of wrong) {
    await expect(connector.enter([delivery(1, { of })], never)).rejects.toMatchObject({
      class: 'set-up',
      doubt: undefined,
    });
  }
  const problems =
    (await connector.probe?.([...wrong, options(), options({ list: 'New', createList: true })], never)) ?? [];
  expect(problems.map((problem) => /dynamic|locked|type contact|several|find|inactive/.exec(problem)?.[0])).toEqual([
    'dynamic',
    'locked',
    'type contact',
    'several',
    'find',
    'inactive',
    'find',
  ]);
  expect(writes()).toEqual([]);
  expect(vendor.lists).not.toContain('New');
});

test.each([
  ['contact', 2, 'contacts', 'statecode eq 0'],
  ['lead', 4, 'leads', 'statecode ne 2'],
  ['account', 1, 'accounts', 'statecode eq 0'],
] as const)(
  'a list of the type %s is made as one, and holds records of that table',
  async (memberType, code, set, current) => {
    const identifiers = { email: { column: 'emailaddress1', alternateKey: true }, crmid: { column: 'new_customerid' } };
    const { vendor, connector } = await start({ memberType, identifiers }, { memberType });
    const of = options({ list: 'New', createList: true });
    expect(statuses(await connector.enter([delivery(1, { of })], never))).toEqual({ 'change-1': 'delivered' });
    await connector.enter([delivery(2, { of, namespace: 'crmid', value: 'C-2' })], never);
    const made = vendor.requests.find(({ method, url }) => method === 'POST' && url.includes('/lists?'));
    // The values of `createdfromcode` of the table `list`
    // (learn.microsoft.com/dynamics365/sales/developer/entities/list).
    expect(JSON.parse(made?.body ?? '')).toEqual({ listname: 'New', createdfromcode: code, type: false });
    const told = vendor.requests.map(({ body }) => body.replaceAll('%20', ' ')).join('\n');
    expect(told).toContain(`PATCH /api/data/v9.2/${set}(emailaddress1=`);
    expect(told).toContain(`${set}?$select=${memberType}id&$filter=new_customerid eq 'C-2' and ${current}&`);
    expect(vendor.member(email(1))).toBeDefined();
  },
);

test('the probe says when a column is no active alternate key', async () => {
  const { connector } = await start({}, { alternateKeys: ['new_customerid'] });
  expect(await connector.probe?.([options()], never)).toEqual([
    'Failed to use the column emailaddress1: it is not an active alternate key of contact. Add the key, or set alternateKey to false.',
  ]);
});

test('a look-up that fails leaves no doubt', async () => {
  const { vendor, connector } = await start();
  for (const kind of ['reset', 'malformed'] as const) {
    vendor.setReadFault({ kind });
    await expect(connector.exit([delivery(1)], never)).rejects.toMatchObject({ class: 'transient', doubt: undefined });
  }
  vendor.setReadFault(undefined);
  await connector.enter([delivery(1)], never);
  vendor.setReadFault({ kind: 'status', status: 503 });
  await expect(connector.exit([delivery(1)], never)).rejects.toMatchObject({ class: 'transient', doubt: undefined });
});

test('identities are known by the form in which Dataverse keeps them', () => {
  const identifiers = {
    email: { column: 'emailaddress1' },
    crmid: { column: 'contactid' },
    loyalty: { column: 'new_no' },
  };
  const settings = dynamics365Settings.parse(settingsFor('https://contoso.crm4.dynamics.com', { identifiers }));
  const form = (namespace: string, value: string) => dynamics365.identity?.({ namespace, value }, settings);
  expect(form('email', ' Ann@Example.COM ')).toEqual({ status: 'formed', value: 'ann@example.com' });
  expect(form('crmid', guid.toUpperCase())).toEqual({ status: 'formed', value: guid });
  expect(form('loyalty', ' A-7 ')).toEqual({ status: 'formed', value: 'A-7' });
  for (const [namespace, value] of [
    ['email', 'ann'],
    ['crmid', 'A-7'],
    ['loyalty', ''],
    ['ecid', '7'],
    ['constructor', '7'],
  ] as const) {
    expect(form(namespace, value)).toMatchObject({ status: 'refused' });
  }
});

test.each([
  [{}, 'exactly one of list'],
  [{ list: 'a', listId: guid }, 'exactly one of list'],
  [{ listId: guid, createList: true }, 'Only a list by its name'],
  [{ list: 'a', segment: 'b' }, 'exactly one of list'],
  [{ segmentId: guid, createSegment: true }, 'Only a segment by its name'],
])('the options %j are refused', (written, sentence) => {
  expect(() => options(written)).toThrow(sentence);
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
