import { createHash } from 'node:crypto';
import {
  createHttpClient,
  createReasonGuard,
  type Delivery,
  type HttpResponse,
  type JsonValue,
  Secret,
  vendorError,
  type Verdict,
} from '@activation-hub/destination-kit';
import { describeDestinationContract } from '@activation-hub/destination-kit/testing';
import { afterEach, expect, test } from 'vitest';
import { linkedin } from './destination.ts';
import { linkedinErrors } from './errors.ts';
import { judgeUsers, linkedinAnswers } from './response.ts';
import { linkedinOptions, linkedinSettings } from './settings.ts';
import { startLinkedinVendor } from './vendor.ts';

const credentials = {
  clientId: 'client-id',
  clientSecret: new Secret('secret-not-to-be-seen'),
  refreshToken: new Secret('token-not-to-be-seen'),
  adAccountId: '512345678',
  sourcePlatform: 'CONTOSO',
};
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const hides = 'LinkedIn does not say whom it knows: a hash that matches nobody is taken';

describeDestinationContract(test, {
  definition: linkedin,
  settings: ({ origin, timeoutMs }) => ({
    ...credentials,
    baseUrl: origin,
    tokenUrl: `${origin}/oauth/v2/accessToken`,
    timeoutMs,
  }),
  options: { list: 'Sports Fans' },
  startVendor: startLinkedinVendor,
  errors: linkedinErrors,
  person: (number) => ({
    identity: { namespace: 'email', value: sha256(`person-${number}@example.com`) },
    attributes: { firstName: `Forename${number}` },
  }),
  leftOut: {
    'person-unknown': hides,
    'person-erased': hides,
    update: 'LinkedIn keeps hashes by which it finds a person, and no attributes to compare',
    'partial-answer':
      'LinkedIn answers by position, and an answer with fewer results says of nobody what became of them',
    'quota-nearly-used': 'LinkedIn says in no answer how much of a limit is left',
  },
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start(now: () => number = Date.now) {
  const vendor = await startLinkedinVendor(now);
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const identifiers = { email: 'SHA256_EMAIL', gaid: 'GOOGLE_AID' };
  const urls = { baseUrl: `${vendor.origin}/`, tokenUrl: `${vendor.origin}/oauth/v2/accessToken` };
  const settings = linkedinSettings.parse({ ...credentials, ...urls, identifiers });
  const connector = linkedin.connect(settings, { http, now, print: () => undefined });
  const tellings = () => vendor.requests.filter(({ url }) => url.endsWith('/users'));
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
  options: linkedinOptions.parse(of ?? { list: 'Sports Fans' }),
});

const statuses = (verdicts: readonly Verdict[]) => verdicts.map(({ status }) => status);
const oldDevice = '38400000-8cf0-11bd-b23e-10b96e40000d';
const newDevice = '49511111-9df1-22ce-a34f-21ca7f51111e';

test('a person is told by all ids, with what helps to find them; what is too long is left out', async () => {
  const { connector, tellings } = await start();
  const attributes = {
    GOOGLE_AID: oldDevice,
    firstName: 'Ann',
    lastName: 'x'.repeat(36),
    country: 'Norway',
    title: null,
  };
  await connector.enter([delivery('ann@example.com', { attributes })], never);
  expect(JSON.parse(tellings()[0]?.body ?? '')).toEqual({
    elements: [
      {
        action: 'ADD',
        userIds: [
          { idType: 'SHA256_EMAIL', idValue: sha256('ann@example.com') },
          { idType: 'GOOGLE_AID', idValue: oldDevice },
        ],
        firstName: 'Ann',
        country: 'NO',
      },
    ],
  });
});

test('ids that are theirs no longer leave before, and a change is delivered when both were taken', async () => {
  const { vendor, connector, tellings } = await start();
  const [before, after] = [{ GOOGLE_AID: oldDevice }, { GOOGLE_AID: newDevice }];
  await connector.enter([delivery('ann@example.com', { attributes: before })], never);
  const moved = delivery('ann@example.com', { kind: 'updated', attributes: after, previousAttributes: before });
  expect(statuses(await connector.update([moved, delivery('bob@example.com', { kind: 'updated' })], never))).toEqual([
    'delivered',
    'delivered',
  ]);
  expect(vendor.members('Sports Fans')).toEqual([sha256('ann@example.com'), newDevice, sha256('bob@example.com')]);
  expect((JSON.parse(tellings()[1]?.body ?? '') as { elements: unknown[] }).elements).toHaveLength(3);
  vendor.refuse(newDevice);
  const back = delivery('ann@example.com', { kind: 'updated', attributes: before, previousAttributes: after });
  expect(statuses(await connector.update([back], never))).toEqual(['rejected']);
});

test('an id that one person had and another has now is in the segment, whichever change comes first in the batch', async () => {
  const { vendor, connector } = await start();
  const [before, after] = [{ GOOGLE_AID: oldDevice }, { GOOGLE_AID: newDevice }];
  const bob = delivery('bob@example.com', { kind: 'updated', attributes: before });
  const ann = delivery('ann@example.com', { kind: 'updated', attributes: after, previousAttributes: before });
  vendor.refuse(newDevice);
  const verdicts = await connector.update([bob, ann], never);
  expect(verdicts.find(({ status }) => status === 'rejected')?.id).toBe(ann.change.id);
  expect(statuses(verdicts)).toContain('delivered');
  expect(vendor.members('Sports Fans')).toContain(oldDevice);
});

test.each([
  [401, { class: 'set-up', doubt: 'answered' }],
  [403, { class: 'set-up', doubt: 'answered' }],
  [426, { class: 'set-up', doubt: 'answered' }],
  [429, { class: 'throttled', doubt: 'answered', notBeforeMs: 61_000 }],
])('%i of every element is of the account, and of one element of its row', (status, expected) => {
  const elements = ['ann', 'bob'].map((id) => ({ id, told: { action: 'ADD' as const, userIds: [] } }));
  const judge = (...said: number[]) => {
    const told = { elements: said.map((each) => ({ status: each })) };
    return judgeUsers(told, elements, createReasonGuard([], []), 1_000);
  };
  expect(() => judge(status, status)).toThrow(expect.objectContaining(expected));
  expect(statuses(judge(201, status))).toEqual(['delivered', 'retry']);
});

test('a segment that is made takes members after five seconds, and is made once', async () => {
  let nowMs = 1_000;
  const { vendor, connector, tellings } = await start(() => nowMs);
  const of = { list: 'New', createList: true };
  const enter = () => connector.enter([delivery('ann@example.com', { of })], never);
  expect(await connector.probe?.([linkedinOptions.parse(of)], never)).toEqual([]);
  await expect(enter()).rejects.toMatchObject({ class: 'throttled', notBeforeMs: 6_000, doubt: undefined });
  expect(tellings()).toEqual([]);
  vendor.deleteSegment('10802');
  nowMs = 5_999;
  await expect(enter()).rejects.toMatchObject({ class: 'throttled', notBeforeMs: 6_000 });
  vendor.addSegment('New', { id: '10802' });
  nowMs = 6_000;
  expect(statuses(await enter())).toEqual(['delivered']);
  expect(vendor.requests.filter(({ method, url }) => `${method} ${url}` === 'POST /rest/dmpSegments')).toHaveLength(1);
});

test('a segment that was made here and is deleted is made anew: at once where it was listed, else after ten minutes', async () => {
  let nowMs = 0;
  const { vendor, connector } = await start(() => nowMs);
  const of = { list: 'New', createList: true };
  const enter = () => connector.enter([delivery('ann@example.com', { of })], never);
  await expect(enter()).rejects.toMatchObject({ class: 'throttled' });
  vendor.deleteSegment('10802');
  nowMs = 599_999;
  // LinkedIn may not list it yet: it is told, and is not there.
  await expect(enter()).rejects.toMatchObject({ class: 'transient' });
  nowMs = 600_000;
  await expect(enter()).rejects.toMatchObject({ class: 'throttled', notBeforeMs: 605_000 });
  nowMs = 605_000;
  expect(statuses(await enter())).toEqual(['delivered']);
  vendor.deleteSegment('10803');
  await expect(enter()).rejects.toMatchObject({ class: 'throttled', notBeforeMs: 610_000 });
  expect(vendor.hasSegment('10804')).toBe(true);
});

test('a segment is found on every page, and none is made while LinkedIn does not list them all', async () => {
  const { vendor, connector } = await start();
  vendor.addSegment('Others');
  vendor.addSegment('Further');
  vendor.listInPagesOf(1);
  const of = { list: 'Sports Fans', createList: true };
  expect(statuses(await connector.enter([delivery('ann@example.com', { of })], never))).toEqual(['delivered']);
  expect(vendor.members('10801')).toEqual([sha256('ann@example.com')]);
  vendor.listInPagesOf(0);
  const made = connector.enter([delivery('ann@example.com', { of: { ...of, list: 'New' } })], never);
  await expect(made).rejects.toMatchObject({
    class: 'set-up',
    message: expect.stringContaining('Failed to look for the LinkedIn segment: there are more than 20 pages') as string,
  });
});

test('a segment that is deleted under way is looked up anew, and no change is rejected', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann@example.com')], never);
  vendor.deleteSegment('10801');
  await expect(connector.enter([delivery('bob@example.com')], never)).rejects.toMatchObject({
    class: 'set-up',
    doubt: 'answered',
  });
  vendor.addSegment('Sports Fans');
  expect(statuses(await connector.enter([delivery('bob@example.com')], never))).toEqual(['delivered']);
});

test('an outage of LinkedIn says nothing of a segment, and looks for none', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann@example.com')], never);
  const reads = () => vendor.requests.filter(({ method }) => method === 'GET').length;
  const before = reads();
  vendor.setFault({ kind: 'status', status: 503 });
  await expect(connector.enter([delivery('bob@example.com')], never)).rejects.toMatchObject({ class: 'transient' });
  expect(reads()).toBe(before);
});

test('a refresh token that has ended is asked with once for a batch', async () => {
  let nowMs = 0;
  const { vendor } = await start(() => nowMs);
  const asked: string[] = [];
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(() => http.close());
  const settings = linkedinSettings.parse({
    ...credentials,
    baseUrl: vendor.origin,
    tokenUrl: `${vendor.origin}/oauth/v2/accessToken`,
  });
  let hasEnded = false;
  const send: typeof http.send = async (request, signal) => {
    if (!request.url.includes('accessToken')) return http.send(request, signal);
    asked.push(request.url);
    return hasEnded ? { status: 400, headers: {}, body: '{"error":"invalid_grant"}' } : http.send(request, signal);
  };
  const own = linkedin.connect(settings, {
    http: { ...http, check: () => undefined, send },
    now: () => nowMs,
    print: () => undefined,
  });
  await own.enter([delivery('ann@example.com')], never);
  // An access token lives 60 days.
  nowMs = 61 * 86_400_000;
  hasEnded = true;
  asked.length = 0;
  await expect(own.enter([delivery('bob@example.com')], never)).rejects.toMatchObject({ class: 'set-up' });
  expect(asked).toHaveLength(1);
});

test('a segment that is neither edited nor used for 90 days expires, and one that is told again does not', async () => {
  let nowMs = 0;
  const { vendor, connector } = await start(() => nowMs);
  const enter = () => connector.enter([delivery('ann@example.com')], never);
  await enter();
  for (const day of [45, 90, 135]) {
    nowMs = day * 86_400_000;
    expect(statuses(await enter())).toEqual(['delivered']);
  }
  nowMs = 225 * 86_400_000;
  expect(vendor.members('Sports Fans')).toEqual([]);
  expect(await connector.probe?.([linkedinOptions.parse({ list: 'Sports Fans' })], never)).toEqual([
    'Failed to use the LinkedIn segment "Sports Fans": it has expired. Delete it, and make a new one.',
  ]);
  expect(
    linkedin.membershipDays?.(
      linkedinSettings.parse({ ...credentials }),
      linkedinOptions.parse({ listId: '1' }),
      'email',
    ),
  ).toBe(90);
});

test('the probe says which segments cannot be used', async () => {
  const { vendor, connector } = await start();
  vendor.addSegment('Companies', { type: 'COMPANY' });
  vendor.addSegment('Sports Fans');
  const wrong = [
    { list: 'Companies' },
    { list: 'Nobody' },
    { listId: '7' },
    { list: 'Sports Fans' },
    { listId: '10801' },
  ];
  const problems =
    (await connector.probe?.(
      wrong.map((each) => linkedinOptions.parse(each)),
      never,
    )) ?? [];
  expect(problems.map((problem) => /users|find|oldest/.exec(problem)?.[0])).toEqual([
    'users',
    'find',
    'find',
    'oldest',
  ]);
  vendor.setReadFault({ kind: 'status', status: 404 });
  await expect(connector.probe?.([linkedinOptions.parse({ listId: '7' })], never)).rejects.toMatchObject({
    class: 'set-up',
  });
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

const answer = (status: number, body: unknown = {}, headers = {}): HttpResponse => ({
  status,
  headers,
  body: JSON.stringify(body),
});

test.each<[number, string]>([
  [201, 'delivered'],
  [400, 'rejected'],
  [500, 'retry'],
])('an element that is answered %i is %s', (status, expected) => {
  const element = { id: 'change-1', told: { action: 'ADD' as const, userIds: [] } };
  const told = { elements: [{ status }] };
  expect(statuses(judgeUsers(told, [element], createReasonGuard([], []), 0))).toEqual([expected]);
});

test.each<[HttpResponse, object]>([
  [answer(429), { class: 'throttled', notBeforeMs: 61_000 }],
  [answer(429, {}, { 'retry-after': '3' }), { class: 'throttled', notBeforeMs: 4_000 }],
  [answer(401), { class: 'set-up', doubt: undefined }],
  [answer(403), { class: 'set-up' }],
  [answer(404), { class: 'transient', doubt: 'answered' }],
  [answer(426), { class: 'set-up' }],
  [answer(400), { class: 'invalid', doubt: undefined }],
  [answer(500), { class: 'transient', doubt: 'answered' }],
  [answer(504), { class: 'transient', doubt: 'unanswered' }],
])('%j', (response, expected) => {
  expect(vendorError(linkedinAnswers, response, 1_000)).toMatchObject(expected);
});

test('identities are known by the form in which LinkedIn matches them', () => {
  const identifiers = { email: 'SHA256_EMAIL', idfa: 'APPLE_IDFA' };
  const settings = linkedinSettings.parse({ ...credentials, identifiers });
  const form = (namespace: string, value: string) => linkedin.identity?.({ namespace, value }, settings);
  expect(form('email', ' Ann@Example.com ')).toEqual({ status: 'formed', value: sha256('ann@example.com') });
  expect(form('email', sha256('x').toUpperCase())).toEqual({ status: 'formed', value: sha256('x') });
  expect(form('idfa', oldDevice)).toEqual({ status: 'formed', value: oldDevice });
  for (const [namespace, value] of [
    ['email', 'ann'],
    ['idfa', '00000000-0000-0000-0000-000000000000'],
    ['ecid', '7'],
    ['constructor', 'x'],
  ] as const) {
    expect(form(namespace, value)).toMatchObject({ status: 'refused' });
  }
});
