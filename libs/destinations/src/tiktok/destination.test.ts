import { createHash } from 'node:crypto';
import {
  createHttpClient,
  type Delivery,
  type HttpResponse,
  type JsonValue,
  Secret,
  vendorError,
  type Verdict,
} from '@activation-hub/destination-kit';
import { describeDestinationContract } from '@activation-hub/destination-kit/testing';
import { afterEach, expect, test } from 'vitest';
import { tiktok } from './destination.ts';
import { tiktokErrors } from './errors.ts';
import { tiktokAnswers } from './response.ts';
import { tiktokOptions, tiktokSettings } from './settings.ts';
import { startTiktokVendor } from './vendor.ts';

const accessToken = new Secret('token-not-to-be-seen');
const advertiserId = '7000000000000000000';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const hides = 'TikTok does not say whom it knows: a hash that matches nobody is taken';
const asWhole = 'TikTok judges a request as a whole and names no row: the batch is halved, as for a poisonous row';

describeDestinationContract(test, {
  definition: tiktok,
  settings: ({ origin, timeoutMs }) => ({ accessToken, advertiserId, baseUrl: origin, timeoutMs }),
  options: { list: 'Sports Fans' },
  startVendor: startTiktokVendor,
  errors: tiktokErrors,
  person: (number) => ({
    identity: { namespace: 'email', value: sha256(`person-${number}@example.com`) },
    attributes: {},
  }),
  leftOut: {
    'person-unknown': hides,
    'person-erased': hides,
    'bad-row': asWhole,
    'partial-answer': asWhole,
    'quota-nearly-used': 'TikTok says in no answer how much of a limit is left',
  },
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start(more: object = {}) {
  const vendor = await startTiktokVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const settings = tiktokSettings.parse({ accessToken, advertiserId, baseUrl: `${vendor.origin}/`, ...more });
  const connector = tiktok.connect(settings, { http, now: Date.now, print: () => undefined });
  const tellings = () => vendor.requests.filter(({ url }) => url.endsWith('/segment/mapping/'));
  return { vendor, connector, tellings };
}

interface About {
  readonly kind?: Delivery['change']['kind'];
  readonly attributes?: Readonly<Record<string, JsonValue>>;
  readonly previousAttributes?: Readonly<Record<string, JsonValue>>;
  readonly namespace?: string;
  readonly of?: object;
}

const delivery = (
  email: string,
  { kind = 'entered', namespace = 'email', attributes = {}, of, ...more }: About = {},
) => ({
  change: {
    id: `change-${email}`,
    kind,
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1', name: 'Sports fans' },
    identity: { namespace, value: sha256(email) },
    qualifiedAt: '2026-11-29T00:00:00.000Z',
    attributes,
    ...more,
  },
  options: tiktokOptions.parse(of ?? { list: 'Sports Fans' }),
});

const statuses = (verdicts: readonly Verdict[]) => verdicts.map(({ status }) => status);

test('a row has a place for each kind of id that any of the batch has', async () => {
  const { vendor, connector, tellings } = await start();
  const idfa = '5F3A2B18-9C4D-4E7F-B8E2-17D3A1E69B25';
  const batch = [
    delivery('ann@example.com', { attributes: { PHONE_SHA256: '+47 22 12 34 56', AAID_SHA256: 'n/a' } }),
    delivery('bob@example.com', { attributes: { IDFA_SHA256: idfa } }),
  ];
  expect(statuses(await connector.enter(batch, never))).toEqual(['delivered', 'delivered']);
  const at = (id: string) => ({ id: sha256(id), audience_ids: ['100000001'] });
  expect(JSON.parse(tellings()[0]?.body ?? '')).toEqual({
    advertiser_ids: [advertiserId],
    action: 'add',
    id_schema: ['EMAIL_SHA256', 'PHONE_SHA256', 'IDFA_SHA256'],
    batch_data: [
      [at('ann@example.com'), at('4722123456'), {}],
      [at('bob@example.com'), {}, at(idfa.toLowerCase())],
    ],
  });
  expect(vendor.members('100000001')).toHaveLength(4);
});

test('ids that are theirs no longer leave before the new ones enter', async () => {
  const { vendor, connector, tellings } = await start();
  const attributes = { PHONE_SHA256: '+47 22 99 99 99' };
  const previousAttributes = { PHONE_SHA256: '+47 22 12 34 56', EMAIL_SHA256: 'never-told@example.com' };
  await connector.enter([delivery('ann@example.com', { attributes: previousAttributes })], never);
  const moved = delivery('ann@example.com', { kind: 'updated', attributes, previousAttributes });
  const same = delivery('bob@example.com', { kind: 'updated', attributes, previousAttributes: attributes });
  await connector.update([moved, same], never);
  expect(vendor.members('Sports Fans')).toEqual(['ann@example.com', '4722999999', 'bob@example.com'].map(sha256));
  const [, removal, addition, ...others] = tellings().map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  expect(removal).toMatchObject({ action: 'delete', id_schema: ['PHONE_SHA256'] });
  expect(removal?.batch_data).toHaveLength(1);
  expect(addition).toMatchObject({ action: 'add' });
  expect(others).toEqual([]);
});

test('when the addition fails after the removal, TikTok has changed something', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('bob@example.com')], never);
  const previousAttributes = { PHONE_SHA256: '+47 22 12 34 56' };
  const removal = vendor.nextRequest().then(() => vendor.answerWithError?.('40100'));
  await expect(
    connector.update([delivery('ann@example.com', { kind: 'updated', previousAttributes })], never),
  ).rejects.toMatchObject({ class: 'throttled', doubt: 'answered' });
  await removal;
});

test('an audience that is deleted under way is looked up anew, and no change is rejected', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann@example.com')], never);
  vendor.deleteAudience('100000001');
  await expect(connector.enter([delivery('bob@example.com')], never)).rejects.toMatchObject({
    class: 'set-up',
    doubt: undefined,
  });
  vendor.addAudience('Sports Fans');
  expect(statuses(await connector.enter([delivery('bob@example.com')], never))).toEqual(['delivered']);
});

test('an audience is found on a later page and made where the options allow it; the probe says what cannot be used', async () => {
  const { vendor, connector } = await start();
  const of = { list: 'New', createList: true };
  expect(await connector.probe?.([tiktokOptions.parse(of)], never)).toEqual([]);
  await Promise.all(['a', 'b'].map((name) => connector.enter([delivery(`${name}@example.com`, { of })], never)));
  expect(vendor.members('New')).toHaveLength(2);
  vendor.addAudience('Old', { changedAtMs: 0 });
  vendor.addAudience('New');
  const wrong = [{ list: 'Old' }, { list: 'Nobody' }, { listId: '7' }, { list: 'New' }];
  const problems =
    (await connector.probe?.(
      [...wrong, { list: 'Sports Fans' }].map((each) => tiktokOptions.parse(each)),
      never,
    )) ?? [];
  expect(problems.map((problem) => /expired|find|oldest/.exec(problem)?.[0])).toEqual([
    'expired',
    'find',
    'find',
    'oldest',
  ]);
});

test('a namespace that the setting has lost rejects its own row alone', async () => {
  const { connector, tellings } = await start();
  const stranger = delivery('x', { namespace: 'ecid' });
  expect(statuses(await connector.exit([stranger, delivery('ann@example.com')], never))).toEqual([
    'rejected',
    'delivered',
  ]);
  expect(statuses(await connector.exit([stranger], never))).toEqual(['rejected']);
  expect(tellings()).toHaveLength(1);
});

const answer = (status: number, code?: number, headers = {}): HttpResponse => ({
  status,
  headers,
  body: code === undefined ? '<html>' : JSON.stringify({ code, message: 'about ann@example.com', data: {} }),
});

test.each<[HttpResponse, object]>([
  [answer(200, 40_100), { class: 'throttled', notBeforeMs: 301_000 }],
  [answer(429, undefined, { 'retry-after': '3' }), { class: 'throttled', notBeforeMs: 4_000 }],
  [answer(200, 40_105), { class: 'set-up', doubt: undefined }],
  [answer(200, 40_001), { class: 'set-up', doubt: undefined }],
  [answer(200, 40_002), { class: 'invalid', doubt: undefined }],
  [answer(200, 49_999), { class: 'invalid', doubt: undefined }],
  [answer(200, 20_001), { class: 'invalid', doubt: 'answered' }],
  [answer(200, 50_002), { class: 'transient', doubt: 'answered' }],
  [answer(200, 59_999), { class: 'transient', doubt: 'answered' }],
  [answer(404), { class: 'set-up' }],
  [answer(502), { class: 'transient', doubt: 'unanswered' }],
])('%j', (response, expected) => {
  const error = vendorError(tiktokAnswers, response, 1_000);
  expect(error).toMatchObject(expected);
  expect(error.message).not.toContain('ann@');
});

test('identities are known by the form in which TikTok matches them', () => {
  const identifiers = { email: 'EMAIL_SHA256', tel: 'PHONE_SHA256', gaid: 'AAID_SHA256' };
  const settings = (more = {}) => tiktokSettings.parse({ accessToken, advertiserId, identifiers, ...more });
  const form = (namespace: string, value: string, more = {}) => tiktok.identity?.({ namespace, value }, settings(more));
  expect(form('email', ' Ann@Example.com ')).toEqual({ status: 'formed', value: sha256('ann@example.com') });
  expect(form('email', sha256('x').toUpperCase())).toEqual({ status: 'formed', value: sha256('x') });
  expect(form('tel', '22 12 34 56', { defaultCountry: 'NO' })).toEqual({
    status: 'formed',
    value: sha256('4722123456'),
  });
  for (const [namespace, value] of [
    ['email', 'ann'],
    ['tel', '22 12 34 56'],
    ['gaid', '00000000-0000-0000-0000-000000000000'],
    ['gaid', 'a device'],
    ['ecid', '7'],
    ['constructor', 'x'],
  ] as const) {
    expect(form(namespace, value)).toMatchObject({ status: 'refused' });
  }
});

test.each([
  [{}, 'either list or listId'],
  [{ list: 'a', listId: '1' }, 'either list or listId'],
  [{ listId: '1', createList: true }, 'cannot be created'],
])('the options %j are refused', (written, sentence) => {
  expect(() => tiktokOptions.parse(written)).toThrow(sentence);
});
