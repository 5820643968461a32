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
import { pinterest } from './destination.ts';
import { pinterestErrors } from './errors.ts';
import { changedSchema, pinterestAnswers, requireTaken } from './response.ts';
import { pinterestOptions, pinterestSettings } from './settings.ts';
import { startPinterestVendor } from './vendor.ts';

const credentials = {
  clientId: '1500123',
  clientSecret: new Secret('secret-not-to-be-seen'),
  refreshToken: new Secret('token-not-to-be-seen'),
  adAccountId: '549755885175',
};
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const mutes = 'Pinterest matches records later, and says of none whether it found a person';
const asOne = 'Pinterest takes the records of a request as one list, and names none of them';

describeDestinationContract(test, {
  definition: pinterest,
  settings: ({ origin, timeoutMs }) => ({ ...credentials, baseUrl: origin, timeoutMs }),
  options: { list: 'Sports Fans' },
  person: (number) => ({
    identity: { namespace: 'email', value: sha256(`person-${number}@example.com`) },
    attributes: {},
  }),
  startVendor: startPinterestVendor,
  errors: pinterestErrors,
  leftOut: {
    'version-ends': 'the address of the API has its version, of which Pinterest names no end',
    'person-unknown': mutes,
    'person-erased': mutes,
    'quota-nearly-used': 'the limits of Pinterest are of a minute, which the pace keeps',
    'bad-row': asOne,
    'partial-answer': asOne,
  },
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start(more: object = {}, now = Date.now) {
  const vendor = await startPinterestVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const settings = pinterestSettings.parse({ ...credentials, baseUrl: `${vendor.origin}/v5/`, ...more });
  const connectAgain = () => pinterest.connect(settings, { http, now, print: () => undefined });
  return { vendor, connector: connectAgain(), connectAgain };
}

const options = (of: object) => pinterestOptions.parse(of);
const delivery = (who: string, kind: Delivery['change']['kind'] = 'entered', of: object = { list: 'Sports Fans' }) => ({
  change: {
    id: `change-${who}`,
    kind,
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1', name: 'Sports fans' },
    identity: { namespace: 'email', value: sha256(who) },
    qualifiedAt: '2026-11-29T00:00:00.000Z',
    attributes: {},
  },
  options: options(of),
});
const statuses = (verdicts: readonly Verdict[]) => verdicts.map(({ status }) => status);

test('a list with a record at fault is told in halves, whichever way Pinterest says so', async () => {
  const { vendor, connector } = await start();
  vendor.refuse(sha256('ann'));
  const both = [delivery('ann'), delivery('bob')];
  await expect(connector.enter(both, never)).rejects.toMatchObject({ class: 'invalid', doubt: undefined });
  vendor.answerByExceptions();
  await expect(connector.enter(both, never)).rejects.toMatchObject({ class: 'invalid', doubt: 'answered' });
  expect(statuses(await connector.enter(both.slice(1), never))).toEqual(['delivered']);
  expect(vendor.members('Sports Fans')).toEqual([sha256('bob')]);
});

test('a list that is deleted under way and made anew by hand takes the same batch', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann')], never);
  const [id = ''] = vendor.requests.flatMap(({ url }) => /customer_lists\/(\d+)/.exec(url)?.[1] ?? []);
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

test.each<[unknown, object]>([
  [{ message: 'malformed' }, { class: 'invalid', doubt: 'answered' }],
  [[{ message: 'malformed' }], { class: 'invalid', doubt: 'answered' }],
  [{ code: '1018' }, { class: 'set-up', doubt: 'answered' }],
  [{ code: 'odd words' }, { class: 'invalid', doubt: 'answered' }],
])('the exceptions %j are no success', (exceptions, expected) => {
  const judge = () => requireTaken(changedSchema.parse({ id: '9', exceptions }));
  expect(judge).toThrow(expect.objectContaining(expected));
  expect(judge).not.toThrow('odd words');
});

test.each([{}, null, [], undefined])('the exceptions %j are none', (exceptions) => {
  expect(() => requireTaken(changedSchema.parse({ id: '9', exceptions }))).not.toThrow();
});

test('a list that is deleted under way is a fault of the set-up, and no change is rejected', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann')], never);
  const [id = ''] = vendor.requests.flatMap(({ url }) => /customer_lists\/(\d+)/.exec(url)?.[1] ?? []);
  vendor.deleteList(id);
  await expect(connector.enter([delivery('bob')], never)).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
  vendor.addList('Sports Fans', { id: '99' });
  expect(statuses(await connector.enter([delivery('bob')], never))).toEqual(['delivered']);
});

test('a list that is made has no person in it, and is an audience', async () => {
  const { vendor, connector } = await start();
  const of = { list: 'New', createList: true };
  expect(await connector.probe?.([options(of)], never)).toEqual([]);
  expect(vendor.audiences.size).toBe(0);
  await connector.enter([delivery('ann', 'entered', of)], never);
  await connector.enter([delivery('ann', 'entered', of)], never);
  expect(vendor.members('New')).toEqual([sha256('ann')]);
  expect([...vendor.audiences.keys()]).toEqual(['New']);
});

test('a list that is too small for an audience takes its members, the probe says so, and an audience is made of it an hour later', async () => {
  let nowMs = 0;
  const { vendor, connector } = await start({}, () => nowMs);
  vendor.setAudienceMin(2);
  const others = { list: 'Others', createList: true };
  const of = { list: 'New', createList: true };
  expect(statuses(await connector.enter([delivery('ann', 'entered', of)], never))).toEqual(['delivered']);
  expect(vendor.audiences.size).toBe(0);
  expect(await connector.probe?.([options(of), options({ list: 'Sports Fans' }), options(others)], never)).toEqual([
    'The customer list "New" is no audience yet, so that no ad can use it. It becomes one once Pinterest has matched 100 of its members, or is made one in Ads Manager.',
  ]);
  await connector.enter([delivery('bob', 'entered', of)], never);
  await connector.enter([delivery('bob', 'entered', of)], never);
  expect(vendor.audiences.size).toBe(0);
  nowMs = 3_600_000;
  vendor.setFault({ kind: 'answer', naming: 'CUSTOMER_LIST', answer: () => ({ status: 500 }) });
  expect(statuses(await connector.enter([delivery('bob', 'entered', of)], never))).toEqual(['delivered']);
  vendor.setFault(undefined);
  nowMs = 7_200_000;
  await connector.enter([delivery('bob', 'entered', of)], never);
  expect([...vendor.audiences.keys()]).toEqual(['New']);
  vendor.setAudienceMin(0);
  await connector.enter([delivery('bob', 'entered', others)], never);
  vendor.forgetRequests();
  for (const each of [of, others]) await connector.enter([delivery('bob', 'entered', each)], never);
  expect(vendor.requests.filter(({ method }) => method === 'POST')).toEqual([]);
  expect(await connector.probe?.([options(of), options(others)], never)).toEqual([]);
});

test('processes that make a list at the same time tell one of them', async () => {
  const { vendor, connector, connectAgain } = await start();
  const of = { list: 'New', createList: true };
  const both = [connector, connectAgain()];
  await Promise.all(both.map((each, place) => each.enter([delivery(`person-${place}`, 'entered', of)], never)));
  expect(vendor.members('New')).toHaveLength(2);
});

test('lists are looked for on every page, by id with one request, and the probe says what cannot be used', async () => {
  const { vendor, connector } = await start();
  vendor.addList('Old', { id: '10', status: 'EXPIRED' });
  vendor.addList('Twice', { id: '11' });
  vendor.addList('Twice', { id: '12' });
  const wrong = [{ list: 'Old' }, { list: 'Nobody' }, { listId: '7' }, { list: 'Twice' }, { listId: '12' }];
  const problems = (await connector.probe?.(wrong.map(options), never)) ?? [];
  expect(problems.map((problem) => /EXPIRED|find|oldest/.exec(problem)?.[0])).toEqual([
    'EXPIRED',
    'find',
    'find',
    'oldest',
  ]);
  await connector.enter([delivery('ann', 'entered', { list: 'Twice' })], never);
  expect(vendor.members('11')).toEqual([sha256('ann')]);
});

test('a refresh token that Pinterest has ended is a fault of the set-up that says so', async () => {
  const { vendor, connector } = await start();
  vendor.setReadFault({ kind: 'status', status: 401 });
  await expect(connector.probe?.([options({ list: 'Sports Fans' })], never)).rejects.toThrow('after 60 days');
});

const answer = (status: number, code?: number): HttpResponse => ({
  status,
  headers: {},
  body: code === undefined ? '<html>' : JSON.stringify({ code, message: 'about ann@example.com' }),
});

test.each([
  [answer(429, 8), { class: 'throttled', notBeforeMs: 61_000 }],
  [answer(401, 29), { class: 'set-up', doubt: undefined }],
  [answer(403, 2625), { class: 'set-up', doubt: undefined }],
  [answer(400, 1018), { class: 'set-up', doubt: undefined }],
  [answer(400, 2741), { class: 'invalid', doubt: undefined }],
  [answer(400, 400), { class: 'invalid', doubt: undefined }],
  [answer(503, 4197), { class: 'transient', doubt: 'answered' }],
  [answer(502), { class: 'transient', doubt: 'unanswered' }],
])('%j', (response, expected) => {
  const error = vendorError(pinterestAnswers, response, 1_000);
  expect(error).toMatchObject(expected);
  expect(error.message).not.toContain('ann@');
});

test('identities are known by their hashes', () => {
  const settings = pinterestSettings.parse({
    ...credentials,
    clientSecret: { secret: 'a' },
    refreshToken: { secret: 'b' },
    identifiers: { email: 'EMAIL', gaid: 'MAID' },
  });
  const form = (namespace: string, value: string) => pinterest.identity?.({ namespace, value }, settings);
  const device = 'AECE52E7-03EE-455A-B3C4-E57283966239';
  expect(form('email', ' Ann@Example.COM ')).toEqual({ status: 'formed', value: sha256('ann@example.com') });
  expect(form('gaid', device)).toEqual({ status: 'formed', value: sha256(device.toLowerCase()) });
  for (const [namespace, value] of [
    ['email', 'ann'],
    ['gaid', '00000000-0000-0000-0000-000000000000'],
    ['gaid', '7'],
    ['ecid', '7'],
    ['constructor', '7'],
  ] as const) {
    expect(form(namespace, value)).toMatchObject({ status: 'refused' });
  }
});
