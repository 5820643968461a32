import { createHash } from 'node:crypto';
import { createHttpClient, type Delivery, type JsonValue, Secret } from '@activation-hub/destination-kit';
import { afterEach, expect, test } from 'vitest';
import { googleCustomerMatch } from './destination.ts';
import { type GoogleOptions, googleOptions, googleSettings } from './settings.ts';
import { standInServiceAccountKey, startGoogleCustomerMatchVendor } from './vendor.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const consent = { adUserData: 'granted', adPersonalization: 'denied' } as const;
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start() {
  const vendor = await startGoogleCustomerMatchVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const settings = googleSettings.parse({
    serviceAccountKey: new Secret(standInServiceAccountKey()),
    accountId: '1234567890',
    customerMatchOptions: 'accepted',
    baseUrl: vendor.origin,
    tokenUrl: `${vendor.origin}/token`,
  });
  const connectAgain = () => googleCustomerMatch.connect(settings, { http, now: Date.now, print: () => undefined });
  const told = () =>
    vendor.requests
      .filter(({ url }) => url.startsWith('/v1/audienceMembers:'))
      .map(({ body }) => JSON.parse(body) as { audienceMembers: unknown[] });
  return { vendor, connector: connectAgain(), connectAgain, told };
}

const options = (written: object): GoogleOptions => googleOptions.parse({ consent, ...written });
const delivery = (
  of: GoogleOptions,
  attributes: Readonly<Record<string, JsonValue>> = {},
): Delivery<GoogleOptions> => ({
  change: {
    id: 'change-1',
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1' },
    identity: { namespace: 'email', value: sha256('ann@example.com') },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes,
  },
  options: of,
});

test('a user list is created once by its name, with how long its members stay, and found from then on', async () => {
  const { vendor, connector } = await start();
  const of = options({ userList: 'Say "hi"', createUserList: true, membershipDays: 90 });
  expect(await connector.probe?.([of], never)).toEqual([]);
  expect(vendor.listId('Say "hi"')).toBeUndefined();
  await Promise.all([1, 2].map(() => connector.enter([delivery(of)], never)));
  const id = vendor.listId('Say "hi"') ?? '';
  expect(vendor.membershipDuration(id)).toBe('7776000s');
  expect(vendor.members(id)).toEqual([sha256('ann@example.com')]);
  expect(vendor.requests.filter(({ method, url }) => method === 'POST' && url.endsWith('/userLists'))).toHaveLength(1);
  expect(await connector.probe?.([options({ userList: 'Say "hi"', membershipDays: 90 })], never)).toEqual([]);
});

test('processes that make a user list at the same time tell the one that there is then', async () => {
  const { vendor, connector, connectAgain } = await start();
  const of = options({ userList: 'New', createUserList: true });
  const both = [connector, connectAgain()];
  vendor.meet(2, ({ method, url }) => method === 'POST' && url.endsWith('/userLists'));
  const told = await Promise.all(both.map((each) => each.enter([delivery(of)], never)));
  expect(vendor.requests.filter(({ method, url }) => method === 'POST' && url.endsWith('/userLists'))).toHaveLength(2);
  for (const verdicts of told) expect(verdicts).toMatchObject([{ status: 'accepted' }]);
  expect(vendor.members(vendor.listId('New') ?? '')).toEqual([sha256('ann@example.com')]);
});

test('a name that no user list has, or several, is set-up, and no change is sent', async () => {
  const { vendor, connector, told } = await start();
  for (const id of ['1', '2']) vendor.addUserList(id, { name: 'Twice' });
  for (const [userList, why] of [
    ['Nobody', 'there is none'],
    ['Twice', 'several have this name'],
  ] as const) {
    const of = options({ userList });
    await expect(connector.enter([delivery(of)], never)).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
    expect(await connector.probe?.([of], never)).toEqual([expect.stringContaining(why)]);
  }
  expect(told()).toEqual([]);
});

test('the probe says when members of a list lapse sooner than they are told again', async () => {
  const { vendor, connector } = await start();
  vendor.addUserList('30', { membershipDuration: '2592000s' });
  vendor.addUserList('540', { membershipDuration: '46656000s' });
  const problemsOf = async (written: object) => await connector.probe?.([options(written)], never);
  expect(await problemsOf({ userListId: '30' })).toEqual([
    'Failed to use the user list 30: its members lapse after 30 days and would be told again too late. Write membershipDays: 30 in the options, or let them stay in it for longer in Google Ads.',
  ]);
  expect(await problemsOf({ userListId: '30', membershipDays: 30 })).toEqual([]);
  expect(await problemsOf({ userListId: '540' })).toEqual([]);
  // Entries are sent all the same.
  expect(await connector.enter([delivery(options({ userListId: '30' }))], never)).toMatchObject([
    { status: 'accepted' },
  ]);
});

const byId = options({ userListId: '9876543210' });

test('lists of addresses and numbers are identifiers of one person, at most ten, the identity among them', async () => {
  const { connector, told } = await start();
  const emailAddress = ['b@example.com', 'ann@example.com', 'no address', 'c@example.com'];
  await connector.enter([delivery(byId, { emailAddress, phoneNumber: ['+47 22 12 34 56', '+47 22 99 99 99'] })], never);
  const many = Array.from({ length: 12 }, (_, number) => `x${number}@example.com`);
  await connector.enter([delivery(byId, { emailAddress: many })], never);
  const identifiers = told().map(({ audienceMembers: [member] }) => {
    const { userIdentifiers } = (member as { compositeData: { userData: { userIdentifiers: object[] } } }).compositeData
      .userData;
    return userIdentifiers.flatMap((each): unknown[] => Object.values(each));
  });
  expect(identifiers[0]).toEqual([
    ...['ann@example.com', 'b@example.com', 'c@example.com'].map(sha256),
    ...['+4722123456', '+4722999999'].map(sha256),
  ]);
  expect(identifiers[1]).toHaveLength(10);
  expect(identifiers[1]?.[0]).toBe(sha256('ann@example.com'));
});

test.each<[Readonly<Record<string, JsonValue>>, object | undefined]>([
  [{}, undefined],
  [{ adUserData: 'y' }, { adUserData: 'CONSENT_GRANTED', adPersonalization: 'CONSENT_DENIED' }],
  [
    { adUserData: 'n', adPersonalization: true },
    { adUserData: 'CONSENT_DENIED', adPersonalization: 'CONSENT_GRANTED' },
  ],
  [{ adUserData: 'p' }, { adUserData: 'CONSENT_DENIED', adPersonalization: 'CONSENT_DENIED' }],
])('the attributes %j say the consent of the person', async (attributes, expected) => {
  const { connector, told } = await start();
  await connector.enter([delivery(byId, attributes)], never);
  await connector.exit([delivery(byId, attributes)], never);
  const [entry, removal] = told().map(({ audienceMembers: [member] }) => (member as { consent?: object }).consent);
  expect(entry).toEqual(expected);
  expect(removal).toBeUndefined();
});

test('no more is asked in a day than a project may', () => {
  const { requestsPerSecond } = googleCustomerMatch.limits({} as never);
  expect(requestsPerSecond * 86_400).toBeLessThanOrEqual(100_000);
});

test('members lapse as the options say, of whatever namespace', () => {
  const days = (written: object) =>
    googleCustomerMatch.membershipDays?.({} as never, options({ userListId: '1', ...written }), 'email');
  expect([days({}), days({ membershipDays: 30 })]).toEqual([540, 30]);
});
