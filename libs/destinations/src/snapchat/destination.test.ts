import { createHash } from 'node:crypto';
import {
  createHttpClient,
  type Delivery,
  type HttpResponse,
  Secret,
  vendorError,
  type Verdict,
} from '@activation-hub/destination-kit';
import { describeDestinationContract } from '@activation-hub/destination-kit/testing';
import { afterEach, expect, test } from 'vitest';
import { snapchat } from './destination.ts';
import { snapchatErrors } from './errors.ts';
import { snapchatAnswers } from './response.ts';
import { snapchatOptions, snapchatSettings } from './settings.ts';
import { startSnapchatVendor } from './vendor.ts';

const credentials = {
  clientId: 'app-1',
  clientSecret: new Secret('secret-not-to-be-seen'),
  refreshToken: new Secret('token-not-to-be-seen'),
  adAccountId: '8adc3db7-8148-4fbf-999c-8d2266369d74',
};
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const mutes = 'Snapchat matches identifiers later, and says of none whether it found a person';
const asOne = 'Snapchat takes the identifiers of a request as one, and names none of them';

describeDestinationContract(test, {
  definition: snapchat,
  settings: ({ origin, timeoutMs }) => ({ ...credentials, baseUrl: `${origin}/v1`, signInUrl: origin, timeoutMs }),
  options: { list: 'Sports Fans' },
  person: (number) => ({
    identity: { namespace: 'email', value: sha256(`person-${number}@example.com`) },
    attributes: {},
  }),
  startVendor: startSnapchatVendor,
  errors: snapchatErrors,
  leftOut: {
    'version-ends': 'the address of the API has its version, the first and only one',
    'person-unknown': mutes,
    'person-erased': mutes,
    'quota-nearly-used': 'Snapchat says in no answer how much of a limit is left',
    'bad-row': asOne,
    'partial-answer': asOne,
  },
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start(more: object = {}, now?: () => number) {
  const vendor = await startSnapchatVendor(now);
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const of = { ...credentials, baseUrl: `${vendor.origin}/v1/`, signInUrl: vendor.origin, ...more };
  const settings = snapchatSettings.parse(of);
  const connectAgain = () => snapchat.connect(settings, { http, now: Date.now, print: () => undefined });
  return { vendor, connector: connectAgain(), connectAgain };
}

const options = (of: object) => snapchatOptions.parse(of);
const delivery = (
  who: string,
  namespace = 'email',
  of: object = { list: 'Sports Fans' },
): Delivery<ReturnType<typeof options>> => ({
  change: {
    id: `change-${who}`,
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1', name: 'Sports fans' },
    identity: { namespace, value: sha256(who) },
    qualifiedAt: '2026-11-29T00:00:00.000Z',
    attributes: {},
  },
  options: options(of),
});
const statuses = (verdicts: readonly Verdict[]) => verdicts.map(({ status }) => status);
const identifiers = { email: 'EMAIL', phone: 'PHONE' };

test.each([
  [{ email: 'EMAIL', emails: 'EMAIL' }, 5],
  [identifiers, 2.5],
  [{ ...identifiers, gaid: 'MAID' }, 5 / 3],
])('of the identifiers %j, as many batches begin in a second as make five requests', (of, expected) => {
  const settings = snapchatSettings.parse({
    ...credentials,
    clientSecret: { secret: 'a' },
    refreshToken: { secret: 'b' },
    identifiers: of,
  });
  expect(snapchat.limits(settings).requestsPerSecond).toBe(expected);
});

test('each kind of identifiers is told in a request of its own', async () => {
  const { vendor, connector } = await start({ identifiers });
  const both = [delivery('ann'), delivery('4722123456', 'phone')];
  expect(statuses(await connector.enter(both, never))).toEqual(['delivered', 'delivered']);
  expect(vendor.members('Sports Fans')).toEqual([sha256('ann'), sha256('4722123456')]);
  vendor.setFault({ kind: 'answer', naming: 'PHONE_SHA256', answer: () => ({ status: 403 }) });
  await expect(connector.enter(both, never)).rejects.toMatchObject({ class: 'set-up', doubt: 'answered' });
});

test('a request with an identifier at fault is told in halves, whichever way Snapchat says so', async () => {
  const { vendor, connector } = await start();
  vendor.refuse(sha256('ann'));
  const both = [delivery('ann'), delivery('bob')];
  await expect(connector.enter(both, never)).rejects.toMatchObject({ class: 'invalid', doubt: undefined });
  vendor.answerInParts();
  await expect(connector.enter(both, never)).rejects.toMatchObject({ class: 'invalid', doubt: 'answered' });
  expect(statuses(await connector.enter(both.slice(1), never))).toEqual(['delivered']);
});

test('a list that is deleted under way and made anew by hand takes the same batch', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann')], never);
  const [id = ''] = vendor.requests.flatMap(({ url }) => /segments\/(\d+)/.exec(url)?.[1] ?? []);
  vendor.setFault({ kind: 'answer', answer: ({ url }) => ({ status: url.includes(id) ? 400 : 500 }) });
  vendor.deleteList(id);
  vendor.addList('Sports Fans', { id: '99' });
  // The list that there is now is told: what it answers is what counts.
  await expect(connector.enter([delivery('bob')], never)).rejects.toMatchObject({
    class: 'transient',
    doubt: 'answered',
  });
  vendor.setFault(undefined);
  expect(statuses(await connector.enter([delivery('bob')], never))).toEqual(['delivered']);
  expect(vendor.members('99')).toEqual([sha256('bob')]);
});

test('a part whose state is not documented is told in halves, and a row that is alone is tried again', async () => {
  const { vendor, connector } = await start({ identifiers });
  const body = JSON.stringify({ request_status: 'SUCCESS', users: [{ sub_request_status: 'PENDING' }] });
  vendor.setFault({ kind: 'answer', answer: () => ({ status: 200, body }) });
  const both = [delivery('ann'), delivery('4722123456', 'phone')];
  await expect(connector.enter(both, never)).rejects.toMatchObject({ class: 'invalid', doubt: 'answered' });
  const alone = connector.enter(both.slice(1), never);
  await expect(alone).rejects.toMatchObject({ class: 'transient', doubt: 'answered' });
});

test('an answer of 200 that says nothing of the members is no success', async () => {
  const { vendor, connector } = await start();
  const body = JSON.stringify({ request_status: 'SUCCESS', users: [] });
  vendor.setFault({ kind: 'answer', answer: () => ({ status: 200, body }) });
  await expect(connector.enter([delivery('ann')], never)).rejects.toMatchObject({
    class: 'transient',
    doubt: 'answered',
  });
});

test('a list that is deleted under way is a fault of the set-up, and no change is rejected', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann')], never);
  const [id = ''] = vendor.requests.flatMap(({ url }) => /segments\/(\d+)/.exec(url)?.[1] ?? []);
  vendor.deleteList(id);
  await expect(connector.enter([delivery('bob')], never)).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
  vendor.setFault({ kind: 'status', status: 400 });
  await expect(connector.enter([delivery('bob')], never)).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
  vendor.setFault(undefined);
  vendor.addList('Sports Fans', { id: '99' });
  expect(statuses(await connector.enter([delivery('bob')], never))).toEqual(['delivered']);
});

test('a person who is to be forgotten leaves all customer lists of the ad account', async () => {
  const { vendor, connector } = await start({ identifiers });
  for (const list of ['Second', 'Third']) vendor.addList(list);
  vendor.addList('Pixel', { id: '77', source: 'PIXEL' });
  for (const list of ['Sports Fans', 'Second', 'Third'])
    await connector.enter([delivery('ann@example.com', 'email', { list }), delivery('bob', 'email', { list })], never);
  vendor.forgetRequests();
  await connector.forget?.(
    [
      { namespace: 'email', value: ' Ann@Example.com ' },
      { namespace: 'phone', value: 'none' },
      { namespace: 'ecid', value: '7' },
    ],
    never,
  );
  for (const list of ['Sports Fans', 'Second', 'Third']) expect(vendor.members(list)).toEqual([sha256('bob')]);
  expect(vendor.requests.filter(({ url }) => url.includes('/77/'))).toEqual([]);
  vendor.forgetRequests();
  await connector.forget?.([{ namespace: 'ecid', value: '7' }], never);
  expect(vendor.requests).toEqual([]);
});

test('a list is made where the options allow it, and keeps members for as long as they say', async () => {
  let nowMs = 0;
  const { vendor, connector } = await start({}, () => nowMs);
  const of = { list: 'New', createList: true, membershipDays: 30 };
  expect(await connector.probe?.([options(of)], never)).toEqual([]);
  const settings = snapchatSettings.parse({
    ...credentials,
    clientSecret: { secret: 'a' },
    refreshToken: { secret: 'b' },
  });
  expect(snapchat.membershipDays?.(settings, options(of), 'email')).toBe(30);
  expect(snapchat.membershipDays?.(settings, options({ list: 'New' }), 'email')).toBeUndefined();
  await connector.enter([delivery('ann', 'email', of), delivery('bob', 'email', of)], never);
  expect(vendor.days('New')).toBe(30);
  nowMs = 20 * 86_400_000;
  await connector.update([delivery('ann', 'email', of)], never);
  nowMs = 31 * 86_400_000;
  expect(vendor.members('New')).toEqual([sha256('ann')]);
});

test('processes that make a list at the same time tell one of them', async () => {
  const { vendor, connector, connectAgain } = await start();
  const of = { list: 'New', createList: true };
  const both = [connector, connectAgain()];
  await Promise.all(both.map((each, place) => each.enter([delivery(`person-${place}`, 'email', of)], never)));
  expect(vendor.members('New')).toHaveLength(2);
});

test('an ad account that is not there, and a list that is not made, are faults of the set-up', async () => {
  const { vendor, connector } = await start();
  const of = options({ list: 'New', createList: true });
  await connector.probe?.([of], never);
  vendor.setReadFault({ kind: 'status', status: 404 });
  await expect(connector.probe?.([of], never)).rejects.toThrow('adAccountId');
  vendor.setReadFault(undefined);
  vendor.makeNoLists();
  const created = connector.enter([delivery('ann', 'email', { list: 'New', createList: true })], never);
  await expect(created).rejects.toThrow('Failed to create');
});

test('lists are looked for on every page, by id with one request, and the probe says what cannot be used', async () => {
  const { vendor, connector } = await start();
  vendor.addList('Pixel', { id: '10', source: 'PIXEL' });
  vendor.addList('Short', { id: '13', days: 30 });
  vendor.addList('Twice', { id: '11' });
  vendor.addList('Twice', { id: '12' });
  const wrong = [
    { list: 'Pixel' },
    { list: 'Nobody' },
    { listId: '7' },
    { list: 'Twice' },
    { list: 'Short' },
    { list: 'Short', membershipDays: 30 },
    { listId: '12' },
  ];
  const problems = (await connector.probe?.(wrong.map(options), never)) ?? [];
  expect(problems.map((problem) => /no customer list|find|oldest|membershipDays: 30/.exec(problem)?.[0])).toEqual([
    'no customer list',
    'find',
    'find',
    'oldest',
    'membershipDays: 30',
  ]);
});

test('a refresh token that is not taken is a fault of the set-up that says so', async () => {
  const { vendor, connector } = await start();
  vendor.setReadFault({ kind: 'status', status: 400 });
  await expect(connector.probe?.([options({ list: 'Sports Fans' })], never)).rejects.toThrow(
    'store a new refresh token',
  );
});

const answer = (status: number, headers = {}): HttpResponse => ({
  status,
  headers,
  body: JSON.stringify({ request_status: 'ERROR', debug_message: 'about ann@example.com' }),
});

test.each([
  [answer(429), { class: 'throttled', notBeforeMs: 6_000 }],
  [answer(429, { 'retry-after': '3' }), { class: 'throttled', notBeforeMs: 4_000 }],
  [answer(401), { class: 'set-up', doubt: undefined }],
  [answer(418), { class: 'set-up', doubt: undefined }],
  [answer(400), { class: 'invalid', doubt: undefined }],
  [answer(503), { class: 'transient', doubt: 'answered' }],
  [answer(504), { class: 'transient', doubt: 'unanswered' }],
])('%j', (response, expected) => {
  const error = vendorError(snapchatAnswers, response, 1_000);
  expect(error).toMatchObject(expected);
  expect(error.message).not.toContain('ann@');
});

test('identities are known by their hashes', () => {
  const settings = snapchatSettings.parse({
    ...credentials,
    clientSecret: { secret: 'a' },
    refreshToken: { secret: 'b' },
    identifiers: { ...identifiers, gaid: 'MAID' },
    defaultCountry: 'NO',
  });
  const form = (namespace: string, value: string) => snapchat.identity?.({ namespace, value }, settings);
  expect(form('email', ' Ann@Example.COM ')).toEqual({ status: 'formed', value: sha256('ann@example.com') });
  expect(form('phone', '22 12 34 56')).toEqual({ status: 'formed', value: sha256('4722123456') });
  for (const [namespace, value] of [
    ['email', 'ann'],
    ['phone', '7'],
    ['gaid', '7'],
    ['ecid', '7'],
    ['constructor', '7'],
  ] as const) {
    expect(form(namespace, value)).toMatchObject({ status: 'refused' });
  }
});
