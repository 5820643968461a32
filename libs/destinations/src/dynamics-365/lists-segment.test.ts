import { createHttpClient, type Delivery, Secret } from '@activation-hub/destination-kit';
import { afterEach, expect, test } from 'vitest';
import { dynamics365 } from './destination.ts';
import { dynamics365Settings, dynamics365Options, type Dynamics365Options } from './settings.ts';
import { type Dynamics365VendorOptions, startDynamics365Vendor } from './vendor.ts';

const guid = '6a5a2f1e-1111-4222-8333-944455566677';
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
  const written = {
    environmentUrl: vendor.origin,
    signInUrl: vendor.origin,
    tenantId: 'contoso.example',
    clientId: guid,
    clientSecret: new Secret('secret'),
    identifiers: { email: { column: 'emailaddress1', alternateKey: true } },
    ...settings,
  };
  const parsed = dynamics365Settings.parse(written);
  const connectAgain = () => dynamics365.connect(parsed, { http, now: Date.now, print: () => undefined });
  const asked = (path: string) => vendor.requests.filter(({ url }) => url.includes(path)).map(({ body }) => body);
  return { vendor, connector: connectAgain(), connectAgain, asked };
}

const options = (written: object): Dynamics365Options => dynamics365Options.parse(written);
const delivery = (value: string, of: Dynamics365Options): Delivery<Dynamics365Options> => ({
  change: {
    id: value,
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1' },
    identity: { namespace: 'email', value },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes: { firstname: 'Ann' },
  },
  options: of,
});
const statuses = (verdicts: readonly { id: string; status: string }[] = []) => verdicts.map(({ status }) => status);

test('who enters a segment is a static member of its group, and who leaves is none', async () => {
  const { vendor, connector, asked } = await start();
  const of = options({ segment: 'Sports Fans' });
  const batch = [delivery('a@example.com', of), delivery('b@example.com', of)];
  expect(statuses(await connector.enter(batch, never))).toEqual(['delivered', 'delivered']);
  const [added] = asked('msdynmkt_AddStaticMembers').map((body) => JSON.parse(body) as Record<string, unknown>);
  expect(added).toEqual({
    SegmentId: expect.stringMatching(/^[\da-f-]{36}$/) as string,
    GroupId: expect.stringMatching(/^[\da-f-]{36}$/) as string,
    EntityIds: vendor.records.map(({ contactid }) => contactid),
  });
  expect(vendor.members('Sports Fans', ['emailaddress1'])).toEqual([]);
  expect(vendor.segments.members('Sports Fans')).toHaveLength(2);
  expect(statuses(await connector.exit(batch.slice(0, 1), never))).toEqual(['delivered']);
  expect(asked('msdynmkt_RemoveStaticMembers')).toHaveLength(1);
  expect(vendor.segments.members('Sports Fans')).toEqual(vendor.records.slice(1).map(({ contactid }) => contactid));
});

test('a segment is created as a static one with a group of its own, published, and looked up once', async () => {
  const { vendor, connector, asked } = await start({ memberType: 'lead' }, { memberType: 'lead' });
  const of = options({ segment: "Fans' choice", createSegment: true });
  expect(await connector.probe?.([of], never)).toEqual([]);
  expect(vendor.segments.names).toEqual(['Sports Fans']);
  await Promise.all([1, 2].map((number) => connector.enter([delivery(`l${number}@example.com`, of)], never)));
  expect(vendor.segments.published).toEqual(['Sports Fans', "Fans' choice"]);
  const [definition] = asked('msdynmkt_segmentdefinitions?').map((body) => JSON.parse(body) as Record<string, string>);
  expect(JSON.parse(definition?.msdynmkt_staticlistmembers ?? '')).toMatchObject([
    { includeType: 'Include', name: 'Activation Hub', inputType: 'manualSelect' },
  ]);
  expect(vendor.segments.members("Fans' choice")).toHaveLength(2);
  // Another worker finds it, with its group.
  const again = dynamics365Options.parse({ segment: "Fans' choice" });
  expect(await connector.probe?.([again], never)).toEqual([]);
});

test('processes that make a segment at the same time tell the oldest, and so does every later one', async () => {
  const { vendor, connector, connectAgain } = await start();
  const of = options({ segment: 'New', createSegment: true });
  const both = [connector, connectAgain()];
  vendor.meet(2, ({ method, url }) => method === 'POST' && url.endsWith('/msdynmkt_segments'));
  const enter = async (each: typeof connector, place: number) => {
    expect(statuses(await each.enter([delivery(`${place}@example.com`, of)], never))).toEqual(['delivered']);
  };
  await Promise.all(both.map(enter));
  expect(vendor.segments.names.filter((name) => name === 'New')).toHaveLength(2);
  await enter(connectAgain(), 2);
  expect(vendor.segments.members('New')).toEqual(vendor.records.map(({ contactid }) => contactid));
  expect(await connector.probe?.([of, options({ segment: 'New' })], never)).toEqual([
    expect.stringContaining('the oldest is used'),
    expect.stringContaining('several segments have this name'),
  ]);
});

test('a segment that takes no static members of this type is set-up, no request for a person is sent, and the probe says why', async () => {
  const { vendor, connector, asked } = await start();
  vendor.segments.add('Leads', 'lead', [{}]);
  vendor.segments.add('Query', 'contact', []);
  vendor.segments.add('Without', 'contact', [{ includeType: 'Exclude' }]);
  vendor.segments.add('Several', 'contact', [{ name: 'A' }, { name: 'B' }]);
  for (const name of ['Twice', 'Twice']) vendor.segments.add(name, 'contact', [{}]);
  vendor.segments.add('Ours', 'contact', [{ name: 'A' }, { name: 'Activation Hub' }]);
  const named = ['Leads', 'Query', 'Without', 'Several', 'Twice', 'Nobody'];
  const wrong = [...named.map((segment) => options({ segment })), options({ segmentId: guid })];
  for (const of of wrong) {
    const told = connector.enter([delivery('a@example.com', of)], never);
    await expect(told).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
  }
  const problems = (await connector.probe?.([...wrong, options({ segment: 'Ours' })], never)) ?? [];
  expect(
    problems.map((problem) => /type lead|no group|several groups|several segments|find/.exec(problem)?.[0]),
  ).toEqual(['type lead', 'no group', 'no group', 'several groups', 'several segments', 'find', 'find']);
  expect(asked('StaticMembers')).toEqual([]);
});

test('a segment that is deleted under way is looked for anew', async () => {
  const { vendor, connector } = await start();
  const of = options({ segmentId: vendor.segments.add('Other', 'contact', [{}], guid) });
  await connector.enter([delivery('a@example.com', of)], never);
  vendor.segments.delete(guid);
  await expect(connector.enter([delivery('b@example.com', of)], never)).rejects.toMatchObject({ class: 'set-up' });
  vendor.segments.add('Other', 'contact', [{}], guid);
  expect(statuses(await connector.enter([delivery('b@example.com', of)], never))).toEqual(['delivered']);
});

test('a segment is found behind those of its name that were deleted', async () => {
  const { vendor, connectAgain } = await start();
  for (const name of ['Fans', 'Fans']) vendor.segments.delete(vendor.segments.add(name, 'contact', [{}]));
  const of = options({ segment: 'Fans', createSegment: true });
  for (const name of ['a', 'b']) {
    expect(statuses(await connectAgain().enter([delivery(`${name}@example.com`, of)], never))).toEqual(['delivered']);
  }
  expect(vendor.segments.names.filter((name) => name === 'Fans')).toHaveLength(1);
});

test('accounts are in no segment', async () => {
  const { connector } = await start({ memberType: 'account' }, { memberType: 'account' });
  const of = options({ segment: 'Sports Fans' });
  await expect(connector.enter([delivery('a@example.com', of)], never)).rejects.toMatchObject({ class: 'set-up' });
});

const fans = options({ list: 'Sports Fans' });

test.each(['ann+news@example.com', 'a/b', '50%', 'a#b', 'a&b', 'a?b', 'a:b', 'a\\b', '<a>', 'a*'])(
  'the key %s, which no URL can hold, is looked for, and its record is made once',
  async (value) => {
    const { vendor, connector } = await start();
    const keyed = { ...delivery(value, fans) };
    expect(statuses(await connector.update([keyed], never))).toEqual(['not-found']);
    expect(statuses(await connector.enter([keyed], never))).toEqual(['delivered']);
    expect(statuses(await connector.enter([keyed], never))).toEqual(['delivered']);
    expect(vendor.records.map(({ emailaddress1, firstname }) => [emailaddress1, firstname])).toEqual([[value, 'Ann']]);
    expect(vendor.members('Sports Fans', ['emailaddress1'])).toEqual([value]);
  },
);

test.each([
  ['contact', 0, 'delivered'],
  ['contact', 1, 'not-found'],
  ['account', 1, 'not-found'],
  ['lead', 0, 'delivered'],
  ['lead', 1, 'delivered'],
  ['lead', 2, 'not-found'],
] as const)('a %s of state %s, found by a column, is %s', async (memberType, statecode, status) => {
  const identifiers = { email: { column: 'emailaddress1' } };
  const { vendor, connector } = await start({ memberType, identifiers }, { memberType });
  vendor.addRecord({ emailaddress1: 'a@example.com', statecode });
  expect(statuses(await connector.enter([delivery('a@example.com', fans)], never))).toEqual([status]);
});
