import { afterEach, expect, test } from 'vitest';
import {
  type ChangeKind,
  createHttpClient,
  type Delivery,
  type HttpResponse,
  type JsonValue,
  Secret,
  type Verdict,
} from '@activation-hub/destination-kit';
import { describeDestinationContract } from '@activation-hub/destination-kit/testing';
import { braze } from './destination.ts';
import { brazeErrors } from './errors.ts';
import { brazeError, judgeTrackResponse } from './response.ts';
import { brazeSettings, type BrazeOptions, brazeOptions } from './settings.ts';
import { startBrazeVendor } from './vendor.ts';

const apiKey = new Secret('key-not-to-be-seen');
const groupId = '3f0a81ff-0000-4000-8000-000000000000';

const mutes = 'Braze answers before it looks for the person, and never says that it knows none';

describeDestinationContract(test, {
  definition: braze,
  settings: ({ origin, timeoutMs }) => ({ restUrl: origin, apiKey, timeoutMs }),
  options: { booleanAttribute: 'in_sports_fans' },
  startVendor: startBrazeVendor,
  errors: brazeErrors,
  leftOut: {
    'version-ends': 'the API of Braze has no versions',
    'person-unknown': mutes,
    'person-erased': mutes,
    'quota-nearly-used':
      'the limit of Braze is of seconds, and 429 says when it is over: there is no quota of a day (braze.com/docs/api/api_limits)',
    'failed-look-up': 'it looks nothing up: its one request tells',
    'refused-look-up': 'it looks nothing up: its one request tells',
    'partial-answer':
      'Braze names only the rows that it refuses, and documents that it has taken those that it does not name',
  },
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start(settings: object = {}) {
  const vendor = await startBrazeVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const parsed = brazeSettings.parse({ restUrl: `${vendor.origin}/`, apiKey, ...settings });
  const connector = braze.connect(parsed, { http, now: Date.now, print: () => undefined });
  const sent = () => vendor.requests.map(({ body }) => (JSON.parse(body) as { attributes: unknown[] }).attributes);
  return { vendor, connector, sent };
}

const options = (written: object): BrazeOptions => brazeOptions.parse(written);
const boolean = options({ booleanAttribute: 'in_sports_fans' });
interface About {
  readonly kind?: ChangeKind;
  readonly namespace?: string;
  readonly value?: string;
  readonly attributes?: Readonly<Record<string, JsonValue>>;
  readonly previous?: Readonly<Record<string, JsonValue>>;
  readonly isInDoubt?: true;
  readonly of?: BrazeOptions;
}
const delivery = (number: number, about: About = {}): Delivery<BrazeOptions> => ({
  change: {
    id: `change-${number}`,
    kind: about.kind ?? 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1' },
    identity: { namespace: about.namespace ?? 'email', value: about.value ?? `ann-${number}@example.com` },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes: about.attributes ?? {},
    ...(about.previous !== undefined && { previousAttributes: about.previous }),
    ...(about.isInDoubt && { isInDoubt: true }),
  },
  options: about.of ?? boolean,
});
const statuses = (verdicts: readonly Verdict[]) => Object.fromEntries(verdicts.map(({ id, status }) => [id, status]));

test('an entry says who it is, what is mapped, and that the person is a member', async () => {
  const { vendor, connector, sent } = await start();
  const attributes = { first_name: 'Ann', score: 7, old: null, email: 'x@example.com', _update_existing_only: true };
  await connector.enter([delivery(1, { attributes })], never);
  expect(vendor.requests[0]).toMatchObject({ method: 'POST', url: '/users/track' });
  expect(vendor.requests[0]?.headers).toMatchObject({ authorization: `Bearer ${apiKey.reveal()}` });
  expect(sent()).toEqual([
    [
      {
        email: 'ann-1@example.com',
        _update_existing_only: false,
        first_name: 'Ann',
        score: 7,
        old: null,
        in_sports_fans: true,
      },
    ],
  ]);
});

test.each<[object, JsonValue, JsonValue]>([
  [{ booleanAttribute: 'fan' }, { fan: true }, { fan: false }],
  [
    { arrayAttribute: 'audiences' },
    { audiences: { add: ['sports-fans'] } },
    { audiences: { remove: ['sports-fans'] } },
  ],
  [
    { subscriptionGroupId: groupId },
    { subscription_groups: [{ subscription_group_id: groupId, subscription_state: 'subscribed' }] },
    { subscription_groups: [{ subscription_group_id: groupId, subscription_state: 'unsubscribed' }] },
  ],
])(
  'with the options %j, an entry and an exit say so, and an update says nothing of it',
  async (written, entered, exited) => {
    const { connector, sent } = await start();
    const of = options(written);
    await connector.enter([delivery(1, { of })], never);
    await connector.update([delivery(1, { of, kind: 'updated', attributes: { score: 8 } })], never);
    await connector.exit([delivery(1, { of, kind: 'exited' })], never);
    const who = { email: 'ann-1@example.com' };
    expect(sent()).toEqual([
      [{ ...who, _update_existing_only: false, ...(entered as object) }],
      [{ ...who, _update_existing_only: true, score: 8 }],
      [{ ...who, _update_existing_only: true, ...(exited as object) }],
    ]);
  },
);

test.each<[string, object, object]>([
  ['external_id', { crmid: 'external_id' }, { email: 'new@example.com', phone: '+4722123456' }],
  ['braze_id', { crmid: 'braze_id' }, { email: 'new@example.com', phone: '+4722123456' }],
  ['an alias', { crmid: { aliasLabel: 'crm' } }, { email: 'new@example.com', phone: '+4722123456' }],
  ['email', { crmid: 'email' }, { phone: '+4722123456' }],
  ['phone', { crmid: 'phone' }, {}],
])(
  'beside %s, an address and a number are fields of the profile unless they would say whose it is',
  async (_what, identifiers, fields) => {
    const { vendor, connector } = await start({ identifiers });
    const attributes = { email: 'new@example.com', phone: '+4722123456' };
    await connector.enter([delivery(1, { namespace: 'crmid', value: '+4700000000', attributes })], never);
    expect(vendor.profile('+4700000000')).toEqual({ in_sports_fans: true, ...fields });
  },
);

test('an update sends what changed, nothing when nothing did, and everything when Braze may have something else', async () => {
  const { connector, sent } = await start();
  const attributes = { first_name: 'Ann', score: 7, tags: ['a'] };
  const about = { kind: 'updated', attributes, previous: { ...attributes, score: 6 } } as const;
  const same = { ...about, previous: attributes };
  expect(statuses(await connector.update([delivery(1, about), delivery(2, same)], never))).toEqual({
    'change-1': 'delivered',
    'change-2': 'delivered',
  });
  expect(statuses(await connector.update([delivery(2, same)], never))).toEqual({ 'change-2': 'delivered' });
  await connector.update([delivery(1, { ...about, isInDoubt: true })], never);
  await connector.enter([delivery(1, { ...about, kind: 'entered' })], never);
  const who = { email: 'ann-1@example.com' };
  expect(sent()).toEqual([
    [{ ...who, _update_existing_only: true, score: 7 }],
    [{ ...who, _update_existing_only: true, ...attributes }],
    [{ ...who, _update_existing_only: false, ...attributes, in_sports_fans: true }],
  ]);
});

test.each(['https://dashboard-01.braze.eu', 'https://dashboard.braze.com', 'https://app.braze.com'])(
  '%s is the dashboard, and no REST endpoint',
  (restUrl) => {
    expect(() => brazeSettings.parse({ restUrl, apiKey })).toThrow('address of the dashboard');
  },
);

test('audiences of one array do not disturb each other', async () => {
  const { vendor, connector } = await start();
  const of = options({ arrayAttribute: 'audiences' });
  const other = delivery(2, { value: 'ann-1@example.com', of });
  const ofOther = { ...other, change: { ...other.change, audience: { ...other.change.audience, key: 'golfers' } } };
  await connector.enter([delivery(1, { of }), ofOther], never);
  expect(vendor.profile('ann-1@example.com')).toEqual({ audiences: ['sports-fans', 'golfers'] });
  await connector.exit([delivery(1, { of, kind: 'exited' })], never);
  expect(vendor.profile('ann-1@example.com')).toEqual({ audiences: ['golfers'] });
});

test('no profile is created by an update or an exit, nor by an entry where that is not wanted', async () => {
  const { vendor, connector } = await start({ createProfiles: false });
  for (const [method, kind] of [
    ['enter', 'entered'],
    ['update', 'updated'],
    ['exit', 'exited'],
  ] as const) {
    expect(statuses(await connector[method]([delivery(1, { kind })], never))).toEqual({ 'change-1': 'delivered' });
  }
  expect(vendor.profile('ann-1@example.com')).toBeUndefined();
});

test('each namespace has its identifier, and one without is refused', async () => {
  const identifiers = { crmid: 'external_id', tel: 'phone', loyalty: { aliasLabel: 'loyalty' }, braze: 'braze_id' };
  const { connector, sent } = await start({ identifiers });
  const changes = [
    delivery(1, { namespace: 'crmid', value: 'C-1' }),
    delivery(2, { namespace: 'ecid' }),
    delivery(3, { namespace: 'tel', value: '+4722123456' }),
    delivery(4, { namespace: 'loyalty', value: 'L-4' }),
    delivery(5, { namespace: 'braze', value: 'b-5' }),
  ];
  expect(statuses(await connector.enter(changes, never))).toMatchObject({
    'change-2': 'rejected',
    'change-5': 'delivered',
  });
  expect(sent()).toMatchObject([
    [
      { external_id: 'C-1' },
      { phone: '+4722123456' },
      { user_alias: { alias_name: 'L-4', alias_label: 'loyalty' } },
      { braze_id: 'b-5' },
    ],
  ]);
  expect(statuses(await connector.enter(changes.slice(1, 2), never))).toEqual({ 'change-2': 'rejected' });
  expect(sent()).toHaveLength(1);
});

test('identities are known by the form in which Braze keeps them', () => {
  const identifiers = { email: 'email', tel: 'phone', crmid: 'external_id' };
  const form = (namespace: string, value: string, more = {}) =>
    braze.identity?.(
      { namespace, value },
      brazeSettings.parse({ restUrl: 'https://rest.fra-01.braze.eu', apiKey, identifiers, ...more }),
    );
  expect(form('email', ' Ann@Example.COM ')).toEqual({ status: 'formed', value: 'ann@example.com' });
  expect(form('tel', '+47 22 12 34 56')).toEqual({ status: 'formed', value: '+4722123456' });
  expect(form('tel', '22 12 34 56', { defaultCountry: 'NO' })).toEqual({ status: 'formed', value: '+4722123456' });
  expect(form('crmid', ' C-1 ')).toEqual({ status: 'formed', value: 'C-1' });
  for (const [namespace, value] of [
    ['email', 'ann'],
    ['tel', '22 12 34 56'],
    ['crmid', ''],
    ['ecid', '1'],
    ['constructor', '1'],
  ] as const) {
    expect(form(namespace, value)).toMatchObject({ status: 'refused' });
  }
});

test('what is queued during maintenance is delivered', async () => {
  const { vendor, connector } = await start();
  vendor.beginMaintenance();
  expect(statuses(await connector.enter([delivery(1)], never))).toEqual({ 'change-1': 'delivered' });
});

test('an error that names no row asks for halves, and refuses the one that is left', async () => {
  const { vendor, connector } = await start();
  vendor.nameNoRows();
  vendor.refuse('ann-2@example.com');
  const batch = [delivery(1), delivery(2)];
  await expect(connector.enter(batch, never)).rejects.toMatchObject({ class: 'invalid', doubt: 'answered' });
  expect(statuses(await connector.enter(batch.slice(0, 1), never))).toEqual({ 'change-1': 'delivered' });
  expect(await connector.enter(batch.slice(1), never)).toEqual([
    { id: 'change-2', status: 'rejected', reason: 'Braze refuses this person' },
  ]);
});

test('the probe finds a key that works, tells nothing, and throws for one that does not', async () => {
  const { vendor, connector } = await start();
  expect(await connector.probe?.([boolean], never)).toEqual([]);
  expect(vendor.requests.map(({ body }) => body)).toEqual(['{"attributes":[]}']);
  vendor.setFault({ kind: 'status', status: 401 });
  await expect(connector.probe?.([boolean], never)).rejects.toMatchObject({ class: 'set-up' });
});

const answer = (status: number, body: unknown = {}, headers = {}): HttpResponse => ({
  status,
  headers,
  body: JSON.stringify(body),
});

test.each<[string, HttpResponse, object]>([
  ['a limit with its end', answer(429, {}, { 'x-ratelimit-reset': '1700000005' }), { notBeforeMs: 1_700_000_005_000 }],
  [
    'a limit whose end has passed',
    answer(429, {}, { 'x-ratelimit-reset': '1600000005' }),
    { notBeforeMs: 1_700_000_000_000 },
  ],
  ['a limit that ends in a while', answer(429, {}, { 'x-ratelimit-reset': '5' }), { notBeforeMs: 1_700_000_005_000 }],
  [
    'a limit of the newer plans',
    answer(429, {}, { 'x-ratelimit-retry-after': '7' }),
    { notBeforeMs: 1_700_000_007_000 },
  ],
  [
    'a limit that says how long',
    answer(429, {}, { 'retry-after': '2', 'x-ratelimit-reset': '1700000005' }),
    { notBeforeMs: 1_700_000_002_000 },
  ],
  ['a limit that says nothing', answer(429), { notBeforeMs: undefined }],
])('%s is waited for', (_what, response, expected) => {
  expect(brazeError(response, 1_700_000_000_000)).toMatchObject({ class: 'throttled', ...expected });
});

test.each<[string, HttpResponse, object]>([
  ['too many at once', answer(400, { message: 'Max Input Length Exceeded' }), { class: 'invalid' }],
  ['a campaign that is not there', answer(400, { message: 'Invalid Campaign ID' }), { class: 'set-up' }],
  ['a message that nobody documents', answer(400, { message: 'ann@example.com' }), { class: 'invalid' }],
  ['an error of the server of any kind', answer(501), { class: 'transient', doubt: 'answered' }],
  ['a gateway that gave up', answer(504), { class: 'transient', doubt: 'unanswered' }],
])('%s is judged by the message, then by the status', (_what, response, expected) => {
  const error = brazeError(response, 0);
  expect(error).toMatchObject(expected);
  expect(error.message).not.toContain('ann@');
});

test.each<[string, unknown, object]>([
  ['a place outside of the request', { message: 'success', errors: [{ index: 2 }] }, { class: 'invalid' }],
  [
    'a place in another array',
    { message: 'success', errors: [{ input_array: 'events', index: 0 }] },
    { class: 'invalid' },
  ],
  ['a message that says neither', { message: 'failed' }, { class: 'transient', doubt: 'answered' }],
])('%s is no success', (_what, body, expected) => {
  const guard = (_text: unknown, fallback: string) => fallback;
  expect(() => judgeTrackResponse(answer(201, body), ['a', 'b'], guard, 0)).toThrow(expect.objectContaining(expected));
});

const refusedWith = (...types: (string | undefined)[]) =>
  answer(201, {
    message: 'success',
    errors: types.flatMap((type, index) => (type === undefined ? [] : [{ type, input_array: 'attributes', index }])),
  });
const judge = (response: HttpResponse) =>
  judgeTrackResponse(response, ['a', 'b'], (text) => String(text), 0).map(({ status }) => status);

test('a subscription group that is not there is of the options, and no change is rejected', () => {
  const group = 'BAD_SUBSCRIPTION_GROUP_ID';
  expect(() => judge(refusedWith(group, group))).toThrow(
    expect.objectContaining({ class: 'set-up', doubt: undefined }),
  );
  // Among the rows of another route they wait alone.
  expect(judge(refusedWith(undefined, group))).toEqual(['delivered', 'retry']);
  expect(judge(refusedWith('EMAIL_BAD_FORMAT', group))).toEqual(['rejected', 'retry']);
  expect(judge(refusedWith('EXTERNAL_USER_ID_TOO_LARGE', 'BLACKLISTED_EXTERNAL_USER_ID'))).toEqual([
    'rejected',
    'rejected',
  ]);
});

test.each([{}, { booleanAttribute: 'a', arrayAttribute: 'b' }])('the options %j are refused', (written) => {
  expect(() => options(written)).toThrow('exactly one of');
});
