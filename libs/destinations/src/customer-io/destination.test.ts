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
import { customerIo } from './destination.ts';
import { customerIoErrors } from './errors.ts';
import { customerIoAnswers, judgeBatch } from './response.ts';
import { customerIoOptions, customerIoSettings } from './settings.ts';
import { startCustomerIoVendor } from './vendor.ts';

const apiKey = new Secret('key-not-to-be-seen');
const siteId = 'site-1';
const mutes = 'Customer.io answers before it looks for the person, and never says that it knows none';

describeDestinationContract(test, {
  definition: customerIo,
  settings: ({ origin, timeoutMs }) => ({ siteId, apiKey, baseUrl: origin, timeoutMs }),
  options: { booleanAttribute: 'in_sports_fans' },
  startVendor: startCustomerIoVendor,
  errors: customerIoErrors,
  leftOut: {
    'version-ends': 'the address of the API has its version, of which Customer.io names no end',
    'person-unknown': mutes,
    'person-erased': mutes,
    'failed-look-up': 'it looks nothing up: its one request tells',
    'refused-look-up': 'it looks nothing up: its one request tells',
    'quota-nearly-used': 'Customer.io says in no answer how much of a limit is left',
    'partial-answer': 'Customer.io names only the persons that it refuses, and has accepted the others',
  },
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start(more: object = {}) {
  const vendor = await startCustomerIoVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const settings = customerIoSettings.parse({ siteId, apiKey, baseUrl: `${vendor.origin}/`, ...more });
  return { vendor, connector: customerIo.connect(settings, { http, now: Date.now, print: () => undefined }) };
}

interface About {
  readonly kind?: Delivery['change']['kind'];
  readonly namespace?: string;
  readonly attributes?: Readonly<Record<string, JsonValue>>;
}

const delivery = (value: string, { kind = 'entered', namespace = 'email', attributes = {} }: About = {}) => ({
  change: {
    id: `change-${value}`,
    kind,
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1', name: 'Sports fans' },
    identity: { namespace, value },
    qualifiedAt: '2026-11-29T00:00:00.000Z',
    attributes,
  },
  options: customerIoOptions.parse({ booleanAttribute: 'in_sports_fans' }),
});

const statuses = (verdicts: readonly Verdict[]) => verdicts.map(({ status }) => status);

test('only an entry adds a person, and none where the settings forbid it', async () => {
  const { vendor, connector } = await start();
  await connector.update([delivery('ann@example.com', { kind: 'updated' })], never);
  await connector.exit([delivery('ann@example.com', { kind: 'exited' })], never);
  expect(vendor.person('ann@example.com')).toBeUndefined();
  await connector.enter([delivery('ann@example.com', { attributes: { city: 'Oslo' } })], never);
  expect(vendor.person('ann@example.com')).toEqual({ in_sports_fans: true, city: 'Oslo' });
  const careful = await start({ createPeople: false });
  await careful.connector.enter([delivery('ann@example.com')], never);
  expect(careful.vendor.person('ann@example.com')).toBeUndefined();
});

test('who leaves keeps the attributes, and is a member no more', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann@example.com', { attributes: { city: 'Oslo' } })], never);
  await connector.exit([delivery('ann@example.com', { kind: 'exited', attributes: { city: 'Bergen' } })], never);
  expect(vendor.person('ann@example.com')).toEqual({ in_sports_fans: false, city: 'Oslo' });
});

test('an address is an attribute beside an id, and never beside itself', async () => {
  const { vendor, connector } = await start({ identifiers: { crmid: 'id', email: 'email' } });
  const attributes = { email: 'other@example.com' };
  const batch = [delivery('C-1', { namespace: 'crmid', attributes }), delivery('ann@example.com', { attributes })];
  expect(statuses(await connector.enter(batch, never))).toEqual(['delivered', 'delivered']);
  expect(vendor.person('C-1')).toEqual({ in_sports_fans: true, ...attributes });
  expect(vendor.person('ann@example.com')).toEqual({ in_sports_fans: true });
});

test('a person who is to be forgotten is deleted, under each identity that the workspace knows', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery('ann@example.com'), delivery('bob@example.com')], never);
  await connector.forget?.(
    [
      { namespace: 'email', value: ' Ann@Example.com ' },
      { namespace: 'ecid', value: '7' },
    ],
    never,
  );
  expect(vendor.person('ann@example.com')).toBeUndefined();
  expect(vendor.person('bob@example.com')).toBeDefined();
  vendor.forgetRequests();
  await connector.forget?.([{ namespace: 'ecid', value: '7' }], never);
  expect(vendor.requests).toEqual([]);
  vendor.setFault({ kind: 'status', status: 401 });
  const told = connector.forget?.([{ namespace: 'email', value: 'bob@example.com' }], never);
  await expect(told).rejects.toMatchObject({ class: 'set-up' });
  vendor.setFault(undefined);
  vendor.refuse('bob@example.com');
  const again = connector.forget?.([{ namespace: 'email', value: 'bob@example.com' }], never);
  await expect(again).rejects.toMatchObject({ class: 'invalid' });
});

test('the probe looks whether the key works', async () => {
  const { vendor, connector } = await start();
  expect(await connector.probe?.([], never)).toEqual([]);
  vendor.setReadFault({ kind: 'status', status: 401 });
  await expect(connector.probe?.([], never)).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
});

test('persons that are refused and not named are found by halves', async () => {
  const { vendor, connector } = await start();
  vendor.nameNobody();
  vendor.refuse('ann@example.com');
  const told = connector.enter([delivery('ann@example.com'), delivery('bob@example.com')], never);
  await expect(told).rejects.toMatchObject({ class: 'invalid', doubt: 'answered' });
});

const answer = (status: number, body: unknown = {}, headers = {}): HttpResponse => ({
  status,
  headers,
  body: JSON.stringify(body),
});
const guard = (_text: unknown, fallback: string) => fallback;

test.each([
  [answer(207, { errors: [{ batch_index: 2, reason: 'invalid' }] }), { class: 'invalid' }],
  [answer(200, { errors: [{ reason: 'invalid' }] }), { class: 'invalid' }],
  [answer(207, { fine: true }), { class: 'transient', doubt: 'answered' }],
])('%j is no success', (response, expected) => {
  expect(() => judgeBatch(response, ['a', 'b'], guard)).toThrow(expect.objectContaining(expected));
});

test.each([
  [answer(202), { class: 'fatal' }],
  [answer(429), { class: 'throttled', notBeforeMs: 2_000 }],
  [answer(429, {}, { 'retry-after': '3' }), { class: 'throttled', notBeforeMs: 4_000 }],
  [answer(401), { class: 'set-up', doubt: undefined }],
  [answer(400, { errors: [{ message: 'ann@example.com' }] }), { class: 'invalid', doubt: undefined }],
  [answer(500), { class: 'transient', doubt: 'answered' }],
])('%j', (response, expected) => {
  const error = vendorError(customerIoAnswers, response, 1_000);
  expect(error).toMatchObject(expected);
  expect(error.message).not.toContain('ann@');
});

test('identities are known by the form in which Customer.io keeps them', () => {
  const settings = customerIoSettings.parse({
    siteId,
    apiKey: { secret: 'k' },
    identifiers: { email: 'email', crmid: 'id' },
  });
  const form = (namespace: string, value: string) => customerIo.identity?.({ namespace, value }, settings);
  expect(form('email', ' Ann@Example.COM ')).toEqual({ status: 'formed', value: 'ann@example.com' });
  expect(form('crmid', ' C-1 ')).toEqual({ status: 'formed', value: 'C-1' });
  for (const [namespace, value] of [
    ['email', 'ann'],
    ['crmid', ' '],
    ['crmid', 'æ'.repeat(76)],
    ['ecid', '7'],
    ['constructor', '7'],
  ] as const) {
    expect(form(namespace, value)).toMatchObject({ status: 'refused' });
  }
});

test.each(['email', '_update', ' '])('the attribute %j holds no membership', (booleanAttribute) => {
  expect(customerIoOptions.safeParse({ booleanAttribute }).success).toBe(false);
});
