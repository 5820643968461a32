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
import { marketo } from './destination.ts';
import { marketoErrors } from './errors.ts';
import { judgeRecords, marketoAnswers, recordsSchema } from './response.ts';
import { marketoOptions, marketoSettings } from './settings.ts';
import { startMarketoVendor } from './vendor.ts';

const service = { clientId: 'service-1', clientSecret: new Secret('secret-not-to-be-seen') };

describeDestinationContract(test, {
  definition: marketo,
  settings: ({ origin, timeoutMs }) => ({ ...service, baseUrl: origin, timeoutMs }),
  options: { list: 'Sports Fans' },
  startVendor: startMarketoVendor,
  errors: marketoErrors,
  leftOut: {
    'version-ends': 'the address of the API has its version, of which Adobe names no end',
    'quota-nearly-used': 'Marketo says in no answer how much of a limit is left',
  },
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start(more: object = {}) {
  const vendor = await startMarketoVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  // The endpoint of REST, as the page of Marketo shows it.
  const settings = marketoSettings.parse({ ...service, baseUrl: `${vendor.origin}/rest`, ...more });
  const connectAgain = () => marketo.connect(settings, { http, now: Date.now, print: () => undefined });
  return { vendor, connector: connectAgain(), connectAgain };
}

interface About {
  readonly kind?: Delivery['change']['kind'];
  readonly namespace?: string;
  readonly attributes?: Readonly<Record<string, JsonValue>>;
  readonly of?: object;
}

const options = (of: object) => marketoOptions.parse(of);
const delivery = (value: string, { kind = 'entered', namespace = 'email', attributes = {}, of }: About = {}) => ({
  change: {
    id: `change-${value}`,
    kind,
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1', name: 'Sports fans' },
    identity: { namespace, value },
    qualifiedAt: '2026-11-29T00:00:00.000Z',
    attributes,
  },
  options: options(of ?? { list: 'Sports Fans' }),
});
const statuses = (verdicts: readonly Verdict[]) => verdicts.map(({ status }) => status);

test.each([
  [{ email: 'email', emails: 'email' }, 2],
  [{ email: 'email', crmid: 'customerNumber' }, 4 / 3],
  [{ email: 'email', crmid: 'customerNumber', loyalty: 'loyaltyNumber' }, 1],
])('with the identifiers %j, as many batches begin in a second as make four requests', (identifiers, expected) => {
  const settings = marketoSettings.parse({
    clientId: 'service-1',
    clientSecret: { secret: 'a' },
    baseUrl: 'https://123-abc-456.mktorest.com/rest',
    identifiers,
  });
  expect(marketo.limits(settings).requestsPerSecond).toBe(expected);
});

test('only an entry makes a person, and none where the settings forbid it', async () => {
  const { vendor, connector } = await start();
  expect(statuses(await connector.update([delivery('ann@example.com', { kind: 'updated' })], never))).toEqual([
    'not-found',
  ]);
  expect(statuses(await connector.exit([delivery('ann@example.com', { kind: 'exited' })], never))).toEqual([
    'delivered',
  ]);
  expect(vendor.hasPerson('ann@example.com')).toBe(false);
  const careful = await start({ createPersons: false });
  expect(statuses(await careful.connector.enter([delivery('ann@example.com')], never))).toEqual(['not-found']);
  expect(careful.vendor.hasPerson('ann@example.com')).toBe(false);
  careful.vendor.addPerson({ email: 'ann@example.com' });
  expect(statuses(await careful.connector.enter([delivery('ann@example.com')], never))).toEqual(['delivered']);
});

test('who leaves keeps the fields as they are', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann@example.com', { attributes: { city: 'Oslo' } })], never);
  await connector.exit([delivery('ann@example.com', { kind: 'exited', attributes: { city: 'Bergen' } })], never);
  expect(vendor.members('Sports Fans', ['email'])).toEqual([]);
  await connector.enter([delivery('ann@example.com')], never);
  expect(vendor.member('ann@example.com')).toEqual({ city: 'Oslo' });
});

test('persons of a batch are found by several fields, and two identities may be of one person', async () => {
  const { vendor, connector } = await start({ identifiers: { email: 'email', crmid: 'customerNumber' } });
  vendor.addPerson({ email: 'ann@example.com', customerNumber: 'C-1' });
  const both = [
    delivery('ann@example.com', { attributes: { city: 'Oslo' } }),
    delivery('C-1', { namespace: 'crmid', attributes: { email: 'ann@example.com' } }),
  ];
  expect(statuses(await connector.enter(both, never))).toEqual(['delivered', 'delivered']);
  expect(vendor.members('Sports Fans', ['customerNumber'])).toEqual(['C-1']);
  vendor.setFault({ kind: 'answer', naming: 'customerNumber', answer: () => ({ status: 400 }) });
  await expect(connector.enter(both, never)).rejects.toMatchObject({ class: 'invalid', doubt: 'answered' });
});

test('several persons with one address are a refusal of that address alone', async () => {
  const { vendor, connector } = await start();
  vendor.addPerson({ email: 'ann@example.com' });
  vendor.addPerson({ email: 'ann@example.com' });
  const verdicts = await connector.enter([delivery('ann@example.com'), delivery('bob@example.com')], never);
  expect(verdicts.map((verdict) => ('reason' in verdict ? verdict.reason : verdict.status))).toEqual([
    'Multiple leads match the lookup criteria',
    'delivered',
  ]);
});

test('a token that has ended early is renewed, and the request repeated', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann@example.com')], never);
  vendor.endTokens();
  expect(statuses(await connector.enter([delivery('bob@example.com')], never))).toEqual(['delivered']);
});

test('an answer of fewer records says nothing of any', async () => {
  const { vendor, connector } = await start();
  vendor.judgeFewer();
  const both = [delivery('ann@example.com'), delivery('bob@example.com')];
  await expect(connector.enter(both, never)).rejects.toMatchObject({ class: 'transient', doubt: 'answered' });
});

test('a list that is deleted under way is a fault of the set-up, and no change is rejected', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann@example.com')], never);
  vendor.deleteList(1021);
  await expect(connector.enter([delivery('bob@example.com')], never)).rejects.toMatchObject({ class: 'set-up' });
  vendor.addList('Sports Fans', 7);
  expect(statuses(await connector.enter([delivery('bob@example.com')], never))).toEqual(['delivered']);
  vendor.deleteList(7);
  vendor.addList('Sports Fans', 8);
  expect(statuses(await connector.enter([delivery('ann@example.com')], never))).toEqual(['delivered']);
  expect(vendor.members('Sports Fans', ['email'])).toEqual(['ann@example.com']);
});

test('a list is made where the options allow it and there is a folder, and the probe says what cannot be used', async () => {
  const { vendor, connector } = await start({ folder: { id: 1034, type: 'Program' } });
  const of = { list: 'New & old', createList: true };
  expect(await connector.probe?.([options(of)], never)).toEqual([]);
  await connector.enter([delivery('ann@example.com', { of })], never);
  expect(vendor.members('New & old', ['email'])).toEqual(['ann@example.com']);
  vendor.addList('Twice', 31);
  vendor.addList('Twice', 30);
  const wrong = [{ list: 'Nobody' }, { listId: 7 }, { list: 'Twice' }, { listId: 31 }].map(options);
  const problems = (await connector.probe?.(wrong, never)) ?? [];
  expect(problems.map((problem) => /find|oldest/.exec(problem)?.[0])).toEqual(['find', 'find', 'oldest']);
  const without = await start();
  expect(await without.connector.probe?.([options(of)], never)).toHaveLength(1);
  expect(marketoOptions.safeParse({ list: 'a,b' }).success).toBe(false);
});

test('processes that make a list at the same time tell the one that there is then', async () => {
  const { vendor, connector, connectAgain } = await start({ folder: { id: 1034, type: 'Program' } });
  const of = { list: 'New', createList: true };
  const both = [connector, connectAgain()];
  await Promise.all(both.map((each, place) => each.enter([delivery(`person-${place}@example.com`, { of })], never)));
  expect(vendor.members('New', ['email'])).toHaveLength(2);
});

const answer = (status: number, code?: string, headers = {}): HttpResponse => ({
  status,
  headers,
  body:
    code === undefined
      ? '<html>'
      : JSON.stringify({ success: false, errors: [{ code, message: 'about ann@example.com' }] }),
});

test.each([
  [answer(200, '606'), { class: 'throttled', notBeforeMs: 21_000, doubt: undefined }],
  [answer(200, '607'), { class: 'throttled', notBeforeMs: 3_601_000 }],
  [answer(200, '603'), { class: 'set-up', doubt: undefined }],
  [answer(200, '1006'), { class: 'set-up', doubt: undefined }],
  [answer(200, '609'), { class: 'invalid', doubt: undefined }],
  [answer(200, '1003'), { class: 'invalid', doubt: undefined }],
  [answer(200, '1019'), { class: 'transient', doubt: 'answered' }],
  [answer(200, '799'), { class: 'transient', doubt: 'answered' }],
  [answer(413), { class: 'invalid', doubt: undefined }],
  [answer(403, '799'), { class: 'set-up', doubt: undefined }],
  [answer(502), { class: 'transient', doubt: 'unanswered' }],
])('%j', (response, expected) => {
  const error = vendorError(marketoAnswers, response, 1_000);
  expect(error).toMatchObject(expected);
  expect(error.message).not.toContain('ann@');
});

test('what a record says of the account holds every change, and a partition only where all records say so', () => {
  const records = (...codes: (string | undefined)[]) =>
    recordsSchema.parse({
      success: true,
      result: codes.map((code, id) =>
        code === undefined ? { id, status: 'updated' } : { status: 'skipped', reasons: [{ code }] },
      ),
    });
  for (const all of [records(undefined, '1006'), records('1008', '1008')]) {
    expect(() => judgeRecords(all)).toThrow(expect.objectContaining({ class: 'set-up', doubt: 'answered' }));
  }
  const [ann, bob] = judgeRecords(records('1019', '1008'));
  const guard = (_text: unknown, fallback: string) => fallback;
  expect(ann?.refusal?.('a', guard)).toMatchObject({ status: 'retry' });
  expect(bob?.refusal?.('b', guard)).toMatchObject({ status: 'rejected' });
});

test('identities are known by the form in which Marketo keeps them', () => {
  const settings = marketoSettings.parse({
    ...service,
    clientSecret: { secret: 'a' },
    baseUrl: 'https://123-abc-456.mktorest.com',
    identifiers: { email: 'email', crmid: 'customerNumber' },
  });
  const form = (namespace: string, value: string) => marketo.identity?.({ namespace, value }, settings);
  expect(form('email', ' Ann@Example.COM ')).toEqual({ status: 'formed', value: 'ann@example.com' });
  expect(form('crmid', ' C-1 ')).toEqual({ status: 'formed', value: 'C-1' });
  for (const [namespace, value] of [
    ['email', 'ann'],
    ['email', 'änn@example.com'],
    ['crmid', ' '],
    ['crmid', 'x'.repeat(256)],
    ['ecid', '7'],
    ['constructor', '7'],
  ] as const) {
    expect(form(namespace, value)).toMatchObject({ status: 'refused' });
  }
});
