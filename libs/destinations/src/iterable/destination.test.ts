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
import { iterable } from './destination.ts';
import { iterableErrors } from './errors.ts';
import { iterableAnswers } from './response.ts';
import { iterableOptions, iterableSettings } from './settings.ts';
import { startIterableVendor } from './vendor.ts';

const apiKey = new Secret('key-not-to-be-seen');

describeDestinationContract(test, {
  definition: iterable,
  settings: ({ origin, timeoutMs }) => ({ apiKey, baseUrl: origin, timeoutMs }),
  options: { list: 'Sports Fans' },
  startVendor: startIterableVendor,
  errors: iterableErrors,
  leftOut: {
    'version-ends': 'the API of Iterable has no versions',
    'quota-nearly-used': 'Iterable says in no answer how much of a limit is left',
    'partial-answer': 'Iterable counts whom it has taken, and names only the others',
  },
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start(settings: object = {}) {
  const vendor = await startIterableVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const parsed = iterableSettings.parse({ apiKey, baseUrl: `${vendor.origin}/`, ...settings });
  const connectAgain = () => iterable.connect(parsed, { http, now: Date.now, print: () => undefined });
  return { vendor, connector: connectAgain(), connectAgain };
}

interface About {
  readonly kind?: Delivery['change']['kind'];
  readonly namespace?: string;
  readonly attributes?: Readonly<Record<string, JsonValue>>;
  readonly of?: object;
}

const delivery = (value: string, { kind = 'entered', namespace = 'email', attributes = {}, of }: About = {}) => ({
  change: {
    id: `change-${value}`,
    kind,
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1', name: 'Sports fans' },
    identity: { namespace, value },
    qualifiedAt: '2026-11-29T00:00:00.000Z',
    attributes,
  },
  options: iterableOptions.parse(of ?? { list: 'Sports Fans' }),
});

const statuses = (verdicts: readonly Verdict[]) => verdicts.map(({ status }) => status);

test('an entry creates the user, unless the settings forbid it, and an update never does', async () => {
  const { vendor, connector } = await start({ createUsers: false });
  expect(statuses(await connector.enter([delivery('ann@example.com')], never))).toEqual(['not-found']);
  expect(vendor.hasUser('ann@example.com')).toBe(false);
  const other = await start();
  await other.connector.enter([delivery('ann@example.com', { attributes: { city: 'Oslo' } })], never);
  const update = { kind: 'updated', attributes: { city: null } } as const;
  expect(
    statuses(
      await other.connector.update([delivery('ann@example.com', update), delivery('bob@example.com', update)], never),
    ),
  ).toEqual(['delivered', 'not-found']);
  expect(other.vendor.member('ann@example.com')).toEqual({});
  expect(other.vendor.hasUser('bob@example.com')).toBe(false);
});

test('a userId is no e-mail address, and an address beside it is a field of the user', async () => {
  const { vendor, connector } = await start({ identifiers: { crmid: 'userId', email: 'email' } });
  const attributes = { email: 'ann@example.com', city: 'Oslo' };
  await connector.enter(
    [delivery('C-1', { namespace: 'crmid', attributes }), delivery('ann@example.com', { attributes })],
    never,
  );
  expect(vendor.member('C-1')).toEqual(attributes);
  expect(vendor.member('ann@example.com')).toEqual({ city: 'Oslo' });
});

test('who is not there has left', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann@example.com')], never);
  vendor.forgetPerson?.('ann@example.com');
  const leavers = ['ann@example.com', 'bob@example.com'].map((who) => delivery(who, { kind: 'exited' }));
  expect(statuses(await connector.exit(leavers, never))).toEqual(['delivered', 'delivered']);
});

test('users that are counted and not named are found by halves, and one alone is tried again', async () => {
  const { vendor, connector } = await start();
  vendor.nameNobody();
  vendor.refuse('ann@example.com');
  const both = [delivery('ann@example.com'), delivery('bob@example.com')];
  await expect(connector.enter(both, never)).rejects.toMatchObject({ class: 'invalid', doubt: 'answered' });
  expect(statuses(await connector.enter(both.slice(0, 1), never))).toEqual(['retry']);
});

test('a list that is deleted under way is a fault of the set-up, and no change is rejected', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann@example.com')], never);
  vendor.deleteList(1000);
  await expect(connector.enter([delivery('bob@example.com')], never)).rejects.toMatchObject({
    class: 'set-up',
    doubt: undefined,
  });
});

test('a list is made where the options allow it, and the probe says what cannot be used', async () => {
  const { vendor, connector } = await start();
  const of = { list: 'New', createList: true };
  expect(await connector.probe?.([iterableOptions.parse(of)], never)).toEqual([]);
  await connector.enter([delivery('ann@example.com', { of })], never);
  expect(vendor.members('New')).toEqual(['ann@example.com']);
  vendor.addList('Dynamic', { listType: 'Dynamic' });
  vendor.addList('New');
  const wrong = [{ list: 'Dynamic' }, { list: 'Nobody' }, { listId: 7 }, { list: 'New' }, { listId: 1000 }];
  const problems =
    (await connector.probe?.(
      wrong.map((each) => iterableOptions.parse(each)),
      never,
    )) ?? [];
  expect(problems.map((problem) => /static|find|oldest/.exec(problem)?.[0])).toEqual([
    'static',
    'find',
    'find',
    'oldest',
  ]);
});

test('processes that make a list at the same time tell one of them', async () => {
  const { vendor, connector, connectAgain } = await start();
  const of = { list: 'New', createList: true };
  const both = [connector, connectAgain()];
  await Promise.all(both.map((each, place) => each.enter([delivery(`person-${place}@example.com`, { of })], never)));
  expect(
    vendor.requests.filter(({ url }) => url.endsWith('/subscribe')).map(({ body }) => /"listId":(\d+)/.exec(body)?.[1]),
  ).toEqual(['1001', '1001']);
});

const answer = (status: number, code?: string, headers = {}): HttpResponse => ({
  status,
  headers,
  body: code === undefined ? '<html>' : JSON.stringify({ msg: 'about ann@example.com', code, params: null }),
});

test.each([
  [answer(429, 'RateLimitExceeded'), { class: 'throttled', notBeforeMs: 2_000 }],
  [answer(429, undefined, { 'retry-after': '3' }), { class: 'throttled', notBeforeMs: 4_000 }],
  [answer(401, 'BadApiKey'), { class: 'set-up', doubt: undefined }],
  [answer(400, 'UniqueFieldsLimitExceeded'), { class: 'set-up', doubt: undefined }],
  [answer(400, 'BadParams'), { class: 'invalid', doubt: undefined }],
  [answer(400, 'UnknownEmailError'), { class: 'invalid' }],
  [answer(409, 'Conflict'), { class: 'transient', doubt: undefined }],
  [answer(500, 'GenericError'), { class: 'transient', doubt: 'answered' }],
  [answer(502), { class: 'transient', doubt: 'unanswered' }],
])('%j', (response, expected) => {
  const error = vendorError(iterableAnswers, response, 1_000);
  expect(error).toMatchObject(expected);
  expect(error.message).not.toContain('ann@');
});

test('identities are known by the form in which Iterable keeps them', () => {
  const settings = iterableSettings.parse({
    apiKey: { secret: 'k' },
    identifiers: { email: 'email', crmid: 'userId' },
  });
  const form = (namespace: string, value: string) => iterable.identity?.({ namespace, value }, settings);
  expect(form('email', ' Ann@Example.COM ')).toEqual({ status: 'formed', value: 'ann@example.com' });
  expect(form('crmid', ' C-1 ')).toEqual({ status: 'formed', value: 'C-1' });
  for (const [namespace, value] of [
    ['email', 'ann'],
    ['crmid', ' '],
    ['crmid', 'æ'],
    ['crmid', 'x'.repeat(53)],
    ['ecid', '7'],
    ['constructor', '7'],
  ] as const) {
    expect(form(namespace, value)).toMatchObject({ status: 'refused' });
  }
});

test.each([
  [{}, 'either list or listId'],
  [{ list: 'a', listId: 7 }, 'either list or listId'],
  [{ listId: 7, createList: true }, 'Use list'],
])('the options %j are refused', (written, sentence) => {
  expect(() => iterableOptions.parse(written)).toThrow(sentence);
});
