import {
  createHttpClient,
  type Delivery,
  type JsonValue,
  Secret,
  takesIdentity,
  refusalOfAttribute,
} from '@activation-hub/destination-kit';
import { afterEach, expect, test } from 'vitest';
import { googleCustomerMatch } from './destination.ts';
import { type GoogleOptions, googleOptions, googleSettings } from './settings.ts';
import { standInServiceAccountKey, standInUserListId, startGoogleCustomerMatchVendor } from './vendor.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;
const settingsFor = (origin: string) =>
  googleSettings.parse({
    serviceAccountKey: new Secret(standInServiceAccountKey()),
    accountId: '1234567890',
    customerMatchOptions: 'accepted',
    identifiers: { email: 'emailAddress', idfa: 'mobileId' },
    baseUrl: origin,
    tokenUrl: `${origin}/token`,
  });
const consent = { adUserData: 'granted', adPersonalization: 'granted' } as const;
const options = (written: object): GoogleOptions => googleOptions.parse({ consent, ...written });

async function start() {
  const vendor = await startGoogleCustomerMatchVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const connector = googleCustomerMatch.connect(settingsFor(vendor.origin), {
    http,
    now: Date.now,
    print: () => undefined,
  });
  const bodies = (path: string) =>
    vendor.requests
      .filter(({ method, url }) => method === 'POST' && url.includes(path))
      .map(({ body }) => JSON.parse(body) as Readonly<Record<string, unknown>>);
  return { vendor, connector, bodies };
}

const idfa = 'EA7583CD-A667-48BC-B806-42ECB2B48606';
const other = 'cdda802e-fb9c-47ad-9866-0794d394c912';
const delivery = (
  of: GoogleOptions,
  attributes: Readonly<Record<string, JsonValue>> = {},
  [namespace, value]: readonly [string, string] = ['idfa', idfa],
): Delivery<GoogleOptions> => ({
  change: {
    id: 'change-1',
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1' },
    identity: { namespace, value },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes,
  },
  options: of,
});

test('a list of mobile ids is made with its app, and is told ids that are not hashed', async () => {
  const { vendor, connector, bodies } = await start();
  const mobileApp = { system: 'ios', appId: '476943146' };
  const of = options({ userList: 'App Fans', createUserList: true, holds: 'mobile-ids', mobileApp });
  await connector.enter([delivery(of, { mobileId: [other, '00000000-0000-0000-0000-000000000000'] })], never);
  expect(bodies('/userLists')).toMatchObject([
    {
      displayName: 'App Fans',
      ingestedUserListInfo: {
        uploadKeyTypes: ['MOBILE_ID'],
        mobileIdInfo: { keySpace: 'IOS', appId: '476943146', dataSourceType: 'DATA_SOURCE_TYPE_FIRST_PARTY' },
      },
    },
  ]);
  const [entry] = bodies(':ingest');
  expect(entry?.audienceMembers).toEqual([{ mobileData: { mobileIds: [idfa, other] } }]);
  expect(entry).not.toHaveProperty('encoding');
  expect(vendor.members(vendor.listId('App Fans') ?? '')).toEqual([idfa, other]);
  await connector.exit([delivery(of, { mobileId: other })], never);
  expect(vendor.members(vendor.listId('App Fans') ?? '')).toEqual([]);
  expect(await connector.probe?.([of], never)).toEqual([]);
});

test('a list takes one kind of data: another stops the route, and an identity of another is refused', async () => {
  const { connector, bodies } = await start();
  const wrong = options({ userListId: standInUserListId, holds: 'mobile-ids' });
  expect(await connector.probe?.([wrong], never)).toEqual([expect.stringContaining('it does not take mobile ids')]);
  await expect(connector.enter([delivery(wrong)], never)).rejects.toMatchObject({ class: 'set-up' });
  const contacts = options({ userListId: standInUserListId });
  expect(await connector.enter([delivery(contacts)], never)).toMatchObject([
    { status: 'rejected', reason: 'the user list is of contact-data' },
  ]);
  expect(bodies(':ingest')).toHaveLength(1);
});

test('what is mapped to a list of another kind stops the check', () => {
  const takes = (holds: GoogleOptions['holds']) =>
    googleCustomerMatch.takes?.(settingsFor('https://example.com'), options({ userListId: '1', holds })) ?? {
      identities: {},
      attributes: {},
    };
  expect(['email', 'idfa'].map((each) => takesIdentity(takes('contact-data'), each))).toEqual([true, false]);
  expect(['email', 'idfa'].map((each) => takesIdentity(takes('mobile-ids'), each))).toEqual([false, true]);
  expect(refusalOfAttribute(takes('contact-data'), 'mobileId')).toContain('holds: mobile-ids');
  expect(refusalOfAttribute(takes('mobile-ids'), 'emailAddress')).toContain('no contact data');
  expect(refusalOfAttribute(takes('mobile-ids'), 'adUserData')).toBeUndefined();
});

test.each([
  [{ userList: 'a', createUserList: true, holds: 'mobile-ids' }],
  [{ userList: 'a', holds: 'mobile-ids', mobileApp: { system: 'ios', appId: '1' } }],
  [{ userList: 'a', createUserList: true, mobileApp: { system: 'ios', appId: '1' } }],
])('the options %j are refused', (written) => {
  expect(() => options(written)).toThrow('mobileApp');
});
