import { createHash } from 'node:crypto';
import { createTarget, deliver, systemClock } from '@activation-hub/delivery';
import { createHttpClient, type Delivery, type JsonValue, Secret, type Verdict } from '@activation-hub/destination-kit';
import { describeDestinationContract } from '@activation-hub/destination-kit/testing';
import { silentTelemetry } from '@activation-hub/telemetry';
import { afterEach, expect, test } from 'vitest';
import { googleCustomerMatch } from './destination.ts';
import { googleErrors } from './errors.ts';
import { googleSettings, type GoogleOptions, googleOptions } from './settings.ts';
import { standInServiceAccountKey, standInUserListId, startGoogleCustomerMatchVendor } from './vendor.ts';

const required = {
  serviceAccountKey: new Secret(standInServiceAccountKey()),
  accountId: '1234567890',
  customerMatchOptions: 'accepted',
} as const;
const written = {
  userListId: standInUserListId,
  consent: { adUserData: 'granted', adPersonalization: 'denied' },
} as const;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const hides = 'Google does not say whom it knows: a hash that matches nobody is taken';

describeDestinationContract(test, {
  definition: googleCustomerMatch,
  settings: ({ origin, timeoutMs }) => ({ ...required, baseUrl: origin, tokenUrl: `${origin}/token`, timeoutMs }),
  // By its name, for an id is not looked up.
  options: { userList: `List ${standInUserListId}`, consent: written.consent },
  startVendor: startGoogleCustomerMatchVendor,
  errors: googleErrors,
  person: (number) => ({
    identity: { namespace: 'email', value: sha256(`person-${number}@example.com`) },
    attributes: { givenName: `Forename${number}` },
  }),
  leftOut: {
    'version-ends': 'the Data Manager API has one version',
    'person-unknown': hides,
    'person-erased': hides,
    'quota-nearly-used': 'Google does not say in its answers how much of a quota is used',
    update: 'Google keeps hashes by which it finds a person, and no attributes to compare',
    'partial-answer': 'Google counts what failed and names no row, so that those of a part are all told again',
  },
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;
const nowMs = Date.UTC(2026, 10, 22, 12);

async function start(settings: object = {}) {
  const vendor = await startGoogleCustomerMatchVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const urls = { baseUrl: `${vendor.origin}/`, tokenUrl: `${vendor.origin}/token` };
  const parsed = googleSettings.parse({ ...required, ...urls, ...settings });
  const connector = googleCustomerMatch.connect(parsed, { http, now: () => nowMs, print: () => undefined });
  const tellings = () => vendor.requests.filter(({ url }) => url.startsWith('/v1/audienceMembers:'));
  return { vendor, connector, tellings };
}

const options: GoogleOptions = googleOptions.parse(written);
interface About {
  readonly namespace?: string;
  readonly value?: string;
  readonly attributes?: Readonly<Record<string, JsonValue>>;
  readonly previous?: Readonly<Record<string, JsonValue>>;
}
const delivery = (number: number, about: About = {}): Delivery<GoogleOptions> => ({
  change: {
    id: `change-${number}`,
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1' },
    identity: { namespace: about.namespace ?? 'email', value: about.value ?? sha256(`ann-${number}@example.com`) },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes: about.attributes ?? {},
    ...(about.previous !== undefined && { previousAttributes: about.previous }),
  },
  options,
});
const statuses = (verdicts: readonly { id: string; status: string }[]) =>
  Object.fromEntries(verdicts.map(({ id, status }) => [id, status]));
const receiptIn = (verdicts: readonly Verdict[]): string =>
  verdicts.flatMap((verdict) => (verdict.status === 'accepted' ? [verdict.receipt] : []))[0] ?? '';

test.each(['update', 'enter'] as const)(
  'an %s whose identifiers changed removes the earlier ones first, and asks for both',
  async (method) => {
    const { vendor, connector, tellings } = await start();
    const before = { phoneNumber: '+47 22 12 34 56', unmapped: 'x' };
    await connector.enter([delivery(1, { attributes: { phoneNumber: before.phoneNumber } })], never);
    const moved = delivery(1, { attributes: { phoneNumber: '+47 22 99 99 99' }, previous: before });
    const alike = delivery(2, { attributes: { phoneNumber: '+47 22 88 88 88' }, previous: {} });
    const verdicts = await connector[method]([moved, alike], never);
    expect(verdicts).toMatchObject([
      { id: 'change-1', status: 'accepted', receipt: 'request-2,request-3' },
      { id: 'change-2', status: 'accepted', receipt: 'request-3' },
    ]);
    const [, removal, addition] = tellings();
    expect(removal?.url).toBe('/v1/audienceMembers:remove');
    expect(JSON.parse(removal?.body ?? '')).toMatchObject({
      audienceMembers: [{ compositeData: { userData: { userIdentifiers: [{ phoneNumber: sha256('+4722123456') }] } } }],
    });
    expect(addition?.url).toBe('/v1/audienceMembers:ingest');
    expect(vendor.member(sha256('+4722123456'))).toBeUndefined();
    expect(vendor.member(sha256('+4722999999'))).toBeDefined();
    expect(vendor.member(sha256('ann-1@example.com'))).toBeDefined();
    const poll = async () => (await connector.poll?.('request-2,request-3', [moved], never)) ?? [];
    // First the removal is under way, then the entry.
    expect(await poll()).toMatchObject([{ status: 'accepted', receipt: 'request-2,request-3' }]);
    expect(await poll()).toMatchObject([{ status: 'accepted', receipt: 'request-2,request-3' }]);
    expect(await poll()).toEqual([{ id: 'change-1', status: 'delivered' }]);
  },
);

test('a removal of earlier identifiers that fails is tried again, at once or later', async () => {
  const { vendor, connector } = await start();
  const previous = { phoneNumber: '+47 22 12 34 56' };
  const moved = delivery(1, { attributes: {}, previous });
  vendor.failLater(sha256('+4722123456'), 'PROCESSING_ERROR_REASON_INVALID_FORMAT');
  const receipt = receiptIn(await connector.update([moved], never));
  expect(receipt).toBe('request-1,request-2');
  await connector.poll?.(receipt, [moved], never);
  const failed = [{ id: 'change-1', status: 'retry', doubt: 'answered' }];
  expect(await connector.poll?.(receipt, [moved], never)).toMatchObject(failed);
  vendor.refuse(sha256('+4722123456'));
  expect(await connector.update([moved], never)).toMatchObject(failed);
});

test('an entry is hashed identifiers with consent, options and encoding, accepted until Google is asked', async () => {
  const { connector, tellings } = await start({ loginAccountId: '1112223333' });
  const attributes = {
    emailAddress: 'A.nn+news@gmail.com',
    phoneNumber: '+47 22 12 34 56',
    givenName: 'Mr. Alex',
    familyName: 'Quinn, Jr., DDS',
    regionCode: 'us',
    postalCode: '94045',
  };
  const verdicts = await connector.enter([delivery(1, { attributes }), delivery(2)], never);
  expect(verdicts).toEqual(
    [1, 2].map((number) => ({
      id: `change-${number}`,
      status: 'accepted',
      receipt: 'request-1',
      askAtMs: nowMs + 1_800_000,
    })),
  );
  const [request] = tellings();
  expect(request).toMatchObject({ method: 'POST', url: '/v1/audienceMembers:ingest' });
  expect(request?.headers).toMatchObject({ authorization: 'Bearer ya29.1', 'content-type': 'application/json' });
  const member = (...userIdentifiers: object[]) => ({ compositeData: { userData: { userIdentifiers } } });
  expect(JSON.parse(request?.body ?? '')).toEqual({
    destinations: [
      {
        operatingAccount: { accountType: 'GOOGLE_ADS', accountId: '1234567890' },
        loginAccount: { accountType: 'GOOGLE_ADS', accountId: '1112223333' },
        productDestinationId: standInUserListId,
      },
    ],
    audienceMembers: [
      member(
        { emailAddress: sha256('ann-1@example.com') },
        { emailAddress: sha256('ann@gmail.com') },
        { phoneNumber: sha256('+4722123456') },
        {
          address: {
            givenName: sha256('alex'),
            familyName: sha256('quinn'),
            regionCode: 'US',
            postalCode: '94045',
          },
        },
      ),
      member({ emailAddress: sha256('ann-2@example.com') }),
    ],
    consent: { adUserData: 'CONSENT_GRANTED', adPersonalization: 'CONSENT_DENIED' },
    termsOfService: { customerMatchTermsOfServiceStatus: 'ACCEPTED' },
    encoding: 'HEX',
  });
});

test('an exit says neither consent nor options, which a removal does not know', async () => {
  const { connector, tellings } = await start();
  await connector.exit([delivery(1)], never);
  expect(tellings().map(({ url, body }) => [url, JSON.parse(body) as unknown])).toEqual([
    [
      '/v1/audienceMembers:remove',
      {
        destinations: [
          {
            operatingAccount: { accountType: 'GOOGLE_ADS', accountId: '1234567890' },
            productDestinationId: standInUserListId,
          },
        ],
        audienceMembers: [
          { compositeData: { userData: { userIdentifiers: [{ emailAddress: sha256('ann-1@example.com') }] } } },
        ],
        encoding: 'HEX',
      },
    ],
  ]);
});

test('an address that is not complete is left out, and so is an identifier that is the identity', async () => {
  const { connector, tellings } = await start();
  const attributes = { emailAddress: 'ann-1@example.com', givenName: 'Ann', familyName: 'Quinn', regionCode: 'US' };
  await connector.enter([delivery(1, { attributes })], never);
  expect(tellings()[0]?.body).toContain(`"userIdentifiers":[{"emailAddress":"${sha256('ann-1@example.com')}"}]`);
});

test('the service account signs in once, with an assertion of its own', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery(1)], never);
  await connector.enter([delivery(2)], never);
  const signIns = vendor.requests.filter(({ url }) => url === '/token');
  expect(signIns).toHaveLength(1);
  const form = new URLSearchParams(signIns[0]?.body);
  const [header, claims] = (form.get('assertion') ?? '')
    .split('.')
    .slice(0, 2)
    .map((part): unknown => JSON.parse(Buffer.from(part, 'base64url').toString()));
  expect(header).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'key-1' });
  expect(claims).toEqual({
    iss: 'activation@example.iam.gserviceaccount.com',
    scope: 'https://www.googleapis.com/auth/datamanager',
    aud: `${vendor.origin}/token`,
    iat: nowMs / 1_000,
    exp: nowMs / 1_000 + 3_600,
  });
});

test.each(['', '{}', '{"client_email":"a","private_key":"b"}', 'not-to-be-seen'])(
  'the secret %j is no key of a service account, and stops the start',
  (text) => {
    const settings = googleSettings.parse({ ...required, serviceAccountKey: new Secret(text) });
    const http = createHttpClient();
    cleanups.push(() => http.close());
    const connect = () => googleCustomerMatch.connect(settings, { http, now: Date.now, print: () => undefined });
    expect(connect).toThrow(expect.objectContaining({ class: 'set-up' }));
    expect(connect).toThrow(expect.not.objectContaining({ cause: expect.anything() as unknown }));
    expect(connect).toThrow(/serviceAccountKey: its secret is not the JSON key/);
  },
);

test('identities are known by the form in which Google matches them', () => {
  const settings = (more = {}) =>
    googleSettings.parse({ ...required, identifiers: { email: 'emailAddress', tel: 'phoneNumber' }, ...more });
  const form = (namespace: string, value: string, more = {}) =>
    googleCustomerMatch.identity?.({ namespace, value }, settings(more));
  const hash = sha256('ann@gmail.com');
  expect(form('email', ' A.nn+news@Gmail.com')).toEqual({ status: 'formed', value: hash });
  expect(form('email', hash.toUpperCase())).toEqual({ status: 'formed', value: hash });
  expect(form('tel', '22 12 34 56', { defaultCountry: 'NO' })).toEqual({
    status: 'formed',
    value: sha256('+4722123456'),
  });
  for (const [namespace, value] of [
    ['email', 'ann'],
    ['tel', '22 12 34 56'],
    ['ecid', '7'],
    ['constructor', 'x'],
  ] as const) {
    expect(form(namespace, value)).toMatchObject({ status: 'refused' });
  }
});

test('a namespace without an identifier costs its row, and an attribute that is none stops the route', async () => {
  const { connector, tellings } = await start();
  const told = await connector.enter([delivery(1), delivery(2, { namespace: 'ecid' })], never);
  expect(statuses(told)).toEqual({ 'change-1': 'accepted', 'change-2': 'rejected' });
  expect(statuses(await connector.enter([delivery(2, { namespace: 'ecid' })], never))).toEqual({
    'change-2': 'rejected',
  });
  const wrong = connector.enter([delivery(1, { attributes: { city: 'Oslo' } })], never);
  await expect(wrong).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
  await expect(wrong).rejects.toThrow(/attribute city.*emailAddress, phoneNumber/);
  expect(tellings()).toHaveLength(1);
});

test('Google is asked by the id of the request, until it knows', async () => {
  const { vendor, connector } = await start({ askAfterMs: 5_000 });
  const deliveries = [delivery(1), delivery(2)];
  const receipt = receiptIn(await connector.enter(deliveries, never));
  expect(await connector.poll?.(receipt, deliveries, never)).toMatchObject([
    { id: 'change-1', status: 'accepted', receipt, askAtMs: nowMs + 5_000 },
    { id: 'change-2', status: 'accepted', receipt, askAtMs: nowMs + 5_000 },
  ]);
  expect(statuses((await connector.poll?.(receipt, deliveries, never)) ?? [])).toEqual({
    'change-1': 'delivered',
    'change-2': 'delivered',
  });
  expect(vendor.requests.at(-1)).toMatchObject({
    method: 'GET',
    url: '/v1/requestStatus:retrieve?requestId=request-1',
  });
});

test('a question that fails leaves no doubt and no verdict, and a request that is forgotten is told anew', async () => {
  const { vendor, connector } = await start();
  const receipt = receiptIn(await connector.enter([delivery(1)], never));
  for (const [fault, expected] of [
    [
      { kind: 'status', status: 503 },
      { class: 'transient', doubt: undefined },
    ],
    [{ kind: 'reset' }, { class: 'transient', doubt: undefined }],
    [{ kind: 'malformed' }, { class: 'transient', doubt: undefined }],
    [
      { kind: 'status', status: 400 },
      { class: 'fatal', doubt: undefined },
    ],
    [
      { kind: 'status', status: 403 },
      { class: 'set-up', doubt: undefined },
    ],
  ] as const) {
    vendor.setReadFault(fault);
    await expect(connector.poll?.(receipt, [delivery(1)], never)).rejects.toMatchObject(expected);
  }
  vendor.setReadFault(undefined);
  vendor.forgetAccepted();
  expect(await connector.poll?.(receipt, [delivery(1)], never)).toMatchObject([{ status: 'retry', doubt: 'answered' }]);
});

test('what is found to fail later is told anew in halves, until the one at fault is alone', async () => {
  const { vendor, connector } = await start();
  vendor.failLater(sha256('ann-5@example.com'), 'PROCESSING_ERROR_REASON_INVALID_FORMAT');
  const clock = { ...systemClock, sleep: () => Promise.resolve() };
  const limits = { batchCount: 10_000, batchBytes: 1024 * 1024, requestsPerSecond: 1_000, concurrency: 4 };
  const of = { key: 'ads', connector, limits, batchBy: 'route', giveUpAfterMs: 1_000 } as const;
  const target = createTarget(of, clock);
  const options = { telemetry: silentTelemetry, clock, waitMaxMs: 0, signal: never };
  const ended = new Map<string, string>();
  let open = Array.from({ length: 8 }, (_, number) => delivery(number));
  let receipts = new Map<string, string>();
  for (let round = 0; open.length > 0 && round < 20; round += 1) {
    const results = await deliver(target, open, { ...options, receipts });
    receipts = new Map();
    for (const [id, result] of results) {
      if (result.status !== 'retry') ended.set(id, result.status === 'rejected' ? result.reason : result.status);
      else if (result.receipt !== undefined) receipts.set(id, result.receipt);
    }
    open = open.filter(({ change }) => !ended.has(change.id));
  }
  expect(Object.fromEntries(ended)).toEqual(
    Object.fromEntries(
      Array.from({ length: 8 }, (_, number) => [
        `change-${number}`,
        number === 5 ? 'PROCESSING_ERROR_REASON_INVALID_FORMAT' : 'delivered',
      ]),
    ),
  );
});

test('a user list that is missing, closed or of another kind is found by the probe, which changes nothing', async () => {
  const { vendor, connector, tellings } = await start({ loginAccountId: '1112223333' });
  vendor.addUserList('2', { membershipStatus: 'CLOSED' });
  vendor.addUserList('3', { readOnly: true });
  vendor.addUserList('4', { uploadKeyTypes: ['MOBILE_ID'] });
  const wrong = ['1', '2', '3', '4'].map((userListId) => ({ ...options, userListId }));
  const problems = (await connector.probe?.([...wrong, options], never)) ?? [];
  expect(problems).toHaveLength(4);
  for (const problem of problems) expect(problem).toMatch(/^Failed to use the user list \d: .*\. [A-Z].*\.$/);
  expect(tellings()).toEqual([]);
  expect(vendor.requests[1]).toMatchObject({
    url: '/v1/accountTypes/GOOGLE_ADS/accounts/1234567890/userLists/1',
    headers: { 'login-account': 'accountTypes/GOOGLE_ADS/accounts/1112223333' },
  });
  vendor.deleteUserList(standInUserListId);
  await expect(connector.enter([delivery(1)], never)).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
});

test.each([{}, { userListId: '9-8' }, { userListId: '9' }, { ...written, consent: { adUserData: 'granted' } }])(
  'the options %j are refused',
  (refused) => {
    expect(() => googleOptions.parse(refused)).toThrow();
  },
);

test('no file accepts the options by default', () => {
  expect(() => googleSettings.parse({ ...required, customerMatchOptions: undefined })).toThrow('customerMatchOptions');
});
