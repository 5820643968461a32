import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import {
  type Connector,
  type ConnectorContext,
  createHttpClient,
  createReasonGuard,
  type Delivery,
  DestinationError,
  type HttpResponse,
  Secret,
  type Verdict,
} from '@activation-hub/destination-kit';
import { describeDestinationContract, type StandInVendor } from '@activation-hub/destination-kit/testing';
import { webhook } from './destination.ts';
import { judgeWebhookResponse } from './response.ts';
import { webhookSettings } from './settings.ts';
import { startWebhookVendor } from './vendor.ts';

const signingSecret = new Secret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
const authorization = new Secret('Bearer qGv7-not-to-be-seen');

describeDestinationContract(test, {
  definition: webhook,
  settings: ({ origin, timeoutMs }) => ({
    url: `${origin}/hook`,
    signingSecret,
    headers: { authorization, 'x-tenant': 'contoso' },
    batchSize: 1000,
    timeoutMs,
  }),
  options: {},
  startVendor: startWebhookVendor,
  leftOut: {
    'version-ends': 'the receiver is your own',
    'person-unknown': 'the receiver decides what it makes of an update',
    'person-erased': 'the receiver decides what it makes of an update',
    'account-failure': 'a receiver has no errors but those of HTTP, which other cases play',
    'quota-nearly-used': 'a receiver has no quota but 429, which other cases play',
    'failed-look-up': 'it looks nothing up: its one request tells',
    'refused-look-up': 'it looks nothing up: its one request tells',
    'malformed-answer': 'any 2xx delivers, whatever its body, so that the simplest receiver works',
  },
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const delivery = (number: number, more: Partial<Delivery['change']> = {}): Delivery => ({
  change: {
    id: `change-${number}`,
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1', name: 'Sports fans' },
    identity: { namespace: 'email', value: `person-${number}@example.com` },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes: { firstname: `Ann${number}`, scores: [1, 2] },
    ...more,
  },
  options: {},
});

type Settings = z.input<typeof webhookSettings>;
const never = new AbortController().signal;

function connect(settings: Settings, context: Partial<ConnectorContext> = {}): Connector {
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(() => http.close());
  return webhook.connect(webhookSettings.parse(settings), { http, now: Date.now, print: () => undefined, ...context });
}

/** Posts and gives what arrived. */
async function post(
  settings: Partial<Settings>,
  deliveries: readonly Delivery[],
  nowMs = Date.now(),
  context: Partial<ConnectorContext> = {},
) {
  const vendor: StandInVendor = await startWebhookVendor();
  cleanups.push(() => vendor.close());
  const connector = connect({ url: `${vendor.origin}/hook?tenant=1`, ...settings }, { now: () => nowMs, ...context });
  const verdicts = await connector.enter(deliveries, never);
  const [request, ...more] = vendor.requests;
  if (request === undefined || more.length > 0) throw new Error('exactly one request is expected');
  return { request, verdicts };
}

test('it posts exactly the documented body', async () => {
  const nowMs = Date.UTC(2026, 10, 22, 13);
  const left = delivery(2, { kind: 'exited', audience: { key: 'k', namespace: 'ups', id: 'b' }, attributes: {} });
  const { request } = await post({ headers: { 'X-Tenant': 'contoso', authorization } }, [delivery(1), left], nowMs);
  expect(request.method).toBe('POST');
  expect(request.url).toBe('/hook?tenant=1');
  expect(request.headers).toMatchObject({
    'content-type': 'application/json',
    'x-tenant': 'contoso',
    authorization: authorization.reveal(),
    'webhook-timestamp': String(nowMs / 1000),
  });
  expect(request.headers).not.toHaveProperty('webhook-signature');
  expect(JSON.parse(request.body)).toEqual({
    type: 'audience.changes',
    timestamp: '2026-11-22T13:00:00.000Z',
    data: [
      {
        id: 'change-1',
        change: 'entered',
        audience: { key: 'sports-fans', id: 'a-1', namespace: 'ups', name: 'Sports fans' },
        identity: { namespace: 'email', value: 'person-1@example.com' },
        qualifiedAt: '2026-11-22T12:00:00.000Z',
        attributes: { firstname: 'Ann1', scores: [1, 2] },
      },
      {
        id: 'change-2',
        change: 'exited',
        audience: { key: 'k', id: 'b', namespace: 'ups' },
        identity: { namespace: 'email', value: 'person-2@example.com' },
        qualifiedAt: '2026-11-22T12:00:00.000Z',
        attributes: {},
      },
    ],
  });
});

test('a request carries the trace context of who sends it, unless the settings have a header of that name', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const traced = { traceHeaders: () => ({ traceparent }) };
  expect((await post({}, [delivery(1)], undefined, traced)).request.headers).toMatchObject({ traceparent });
  const own = await post({ headers: { Traceparent: 'own' } }, [delivery(1)], undefined, traced);
  expect(own.request.headers).toMatchObject({ traceparent: 'own' });
  expect((await post({}, [delivery(1)])).request.headers).not.toHaveProperty('traceparent');
});

const bare = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

test.each([
  ['with whsec_', signingSecret],
  ['without', new Secret(bare)],
])('the official library verifies a signature with a secret %s', async (_form, secret) => {
  const verifier = new Webhook(secret.reveal());
  const person = delivery(1, { attributes: { city: 'Besançon 🏙' } });
  const { request } = await post({ signingSecret: secret }, [person]);
  expect(verifier.verify(request.body, { ...request.headers })).toEqual(JSON.parse(request.body));
  expect(() => verifier.verify(`${request.body} `, { ...request.headers })).toThrow('No matching signature');
  const otherId = { ...request.headers, 'webhook-id': 'msg_other' };
  expect(() => verifier.verify(request.body, otherId)).toThrow('No matching signature');
});

test('while secrets change, receivers of either verify the same request', async () => {
  const previousSigningSecret = new Secret(Buffer.alloc(24, 'before').toString('base64'));
  const { request } = await post({ signingSecret, previousSigningSecret }, [delivery(1)]);
  for (const secret of [signingSecret, previousSigningSecret]) {
    expect(new Webhook(secret.reveal()).verify(request.body, { ...request.headers })).toBeDefined();
  }
  const stranger = new Webhook(Buffer.alloc(24, 'other').toString('base64'));
  expect(() => stranger.verify(request.body, { ...request.headers })).toThrow('No matching signature');
});

test.each([
  [{ header: 'X-Hub-Signature-256', prefix: 'sha256=' }, 'sha256', 'hex', false],
  [{ header: 'x-signature', algorithm: 'sha512', encoding: 'base64' }, 'sha512', 'base64', false],
  [{ header: 'x-signature', algorithm: 'sha1', timestampHeader: 'X-Timestamp' }, 'sha1', 'hex', true],
] as const)('a plain HMAC is written as %j says', async (written, algorithm, encoding, isTimed) => {
  const nowMs = Date.UTC(2026, 10, 29);
  const { request } = await post({ hmac: { secret: new Secret('a key of words'), ...written } }, [delivery(1)], nowMs);
  const signed = isTimed ? `${nowMs / 1_000}.${request.body}` : request.body;
  const expected = createHmac(algorithm, 'a key of words').update(signed).digest(encoding);
  expect(request.headers[written.header.toLowerCase()]).toBe(`${'prefix' in written ? written.prefix : ''}${expected}`);
  expect(request.headers['x-timestamp']).toBe(isTimed ? String(nowMs / 1_000) : undefined);
  expect(request.headers).not.toHaveProperty('webhook-signature');
});

test('webhook-id is the same for the same changes at another time and in another order, and else different', async () => {
  const idOf = async (deliveries: readonly Delivery[], nowMs?: number) =>
    (await post({}, deliveries, nowMs)).request.headers['webhook-id'];
  const id = await idOf([delivery(1), delivery(2)]);
  expect(id).toMatch(/^msg_[A-Za-z0-9_-]{43}$/);
  expect(await idOf([delivery(2), delivery(1)], Date.now() + 3_600_000)).toBe(id);
  expect(await idOf([delivery(1)])).not.toBe(id);
  expect(await idOf([delivery(1), delivery(2, { attributes: {} })])).not.toBe(id);
});

test.each([
  'Content-Type',
  'HOST',
  'webhook-id',
  'Webhook-Signature',
  'content-length',
  'transfer-encoding',
  'a b',
  '',
])('the own header %j is refused', (name) => {
  expect(webhookSettings.safeParse({ url: 'https://example.com', headers: { [name]: 'x' } }).success).toBe(false);
});

test('a header whose value is wrong does not hide another one whose name is', () => {
  const { error } = webhookSettings.safeParse({
    url: 'https://example.com',
    headers: { 'x-version': 2, 'x bad': 'a', host: 'b' },
  });
  expect(error?.issues.map(({ path }) => path.at(-1))).toEqual(['x-version', 'x bad', 'host']);
  expect(webhookSettings.safeParse({ url: 'https://example.com', headers: null }).success).toBe(false);
});

test.each<[string, Partial<Record<keyof Settings, unknown>>]>([
  ['a URL without a scheme', { url: 'example.com' }],
  ['a URL with credentials', { url: 'https://me:pw@example.com' }],
  ['a header value with a line break', { headers: { x: 'a\r\nb' } }],
  ['a literal signing secret', { signingSecret: 'whsec_abcd' }],
  ['an empty batch', { batchSize: 0 }],
  ['a batch over 1000', { batchSize: 1001 }],
  ['a fractional batch', { batchSize: 1.5 }],
  ['no time at all', { timeoutMs: 0 }],
  ['a previous secret alone', { previousSigningSecret: { secret: 'before' } }],
  ['an HMAC in a header of HTTP', { hmac: { secret: { secret: 'k' }, header: 'Host' } }],
  ['an HMAC in an own header', { hmac: { secret: { secret: 'k' }, header: 'x-a' }, headers: { 'X-A': '1' } }],
  ['an unknown key', { retries: 3 } as never],
])('%s is refused', (_what, settings) => {
  expect(webhookSettings.safeParse({ url: 'https://example.com', ...settings }).success).toBe(false);
});

test('a URL is all that it needs', () => {
  const settings = webhookSettings.parse({ url: 'https://example.com/hook' });
  expect(settings).toEqual({ url: 'https://example.com/hook', headers: {}, batchSize: 100, timeoutMs: 10_000 });
  expect(webhook.limits(settings).batchCount).toBe(100);
});

test.each<[string, Partial<Settings>]>([
  ['a signing secret that is not base64', { signingSecret: new Secret('whsec_not-to-be-seen!') }],
  ['an empty signing secret', { signingSecret: new Secret('whsec_') }],
  ['a signing secret that is a text', { signingSecret: new Secret('not-to-be-seen as a key') }],
  ['a signing secret of 23 bytes', { signingSecret: new Secret(`whsec_${Buffer.alloc(23, 'x').toString('base64')}`) }],
  ['a signing secret of 65 bytes', { signingSecret: new Secret(Buffer.alloc(65, 'x').toString('base64')) }],
  ['a previous one that is none', { signingSecret, previousSigningSecret: new Secret('not-to-be-seen') }],
  ['a header secret with a line end', { headers: { authorization: new Secret('not-to-be-seen\n') } }],
])('%s stops the start, without showing its value', (_what, settings) => {
  const failing = () => connect({ url: 'https://example.com', ...settings });
  expect(failing).toThrow(expect.objectContaining({ class: 'set-up' }));
  expect(failing).toThrow(/setting (signingSecret|previousSigningSecret|headers.authorization)/);
  expect(failing).not.toThrow('not-to-be-seen');
});

test('a URL of a private address stops the start', () => {
  const http = createHttpClient();
  cleanups.push(() => http.close());
  expect(() => connect({ url: 'https://10.0.0.1/hook' }, { http })).toThrow(DestinationError);
  expect(() => connect({ url: 'http://example.com/hook' }, { http })).toThrow('not https');
});

const batch = [delivery(1), delivery(2), delivery(3)];
const answer = (body: unknown, status = 200): HttpResponse => ({
  status,
  headers: {},
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const judge = (response: HttpResponse): Verdict[] =>
  judgeWebhookResponse(response, batch, createReasonGuard(batch, [authorization]), 0);

test.each([
  answer('', 204),
  answer('ok', 201),
  answer('<html>', 202),
  answer('{"results":[{"id":'),
  answer('null'),
  answer([]),
  answer({ results: 'none' }),
  answer({ accepted: 3 }),
])('%j delivers all', (response) => {
  expect(judge(response).map(({ status }) => status)).toEqual(['delivered', 'delivered', 'delivered']);
});

test('results decide change by change, in any order', () => {
  const results = [
    { id: 'change-3', status: 'rejected', reason: 'no such list' },
    { id: 'of-somebody-else', status: 'rejected' },
    { id: 'change-2', status: 'retry', reason: 'list is locked' },
    { id: 'change-1', status: 'delivered' },
  ];
  expect(judge(answer({ results }))).toEqual([
    { id: 'change-1', status: 'delivered' },
    { id: 'change-2', status: 'retry', reason: 'list is locked' },
    { id: 'change-3', status: 'rejected', reason: 'no such list' },
  ]);
});

test('a change on which the answer is silent, unclear or contradictory is tried again', () => {
  const results = [
    { id: 'change-2', status: 'done' },
    { id: 'change-3', status: 'delivered' },
    { id: 'change-3', status: 'rejected' },
    null,
    'change-1',
  ];
  const unclear = { status: 'retry', reason: 'the answer about this change is unclear', doubt: 'answered' };
  expect(judge(answer({ results }))).toEqual([
    { id: 'change-1', status: 'retry', reason: 'the answer does not name this change', doubt: 'answered' },
    { id: 'change-2', ...unclear },
    { id: 'change-3', ...unclear },
  ]);
});

test.each([
  'no such person-2',
  'Ann2 is unknown',
  'Bearer qGv7',
  'mail ann@example.org',
  'x'.repeat(200),
  5,
  undefined,
])('the reason %j of the receiver is replaced', (reason) => {
  const [, verdict] = judge(answer({ results: [{ id: 'change-2', status: 'rejected', reason }] }));
  expect(verdict).toEqual({ id: 'change-2', status: 'rejected', reason: 'rejected by the receiver' });
});

test.each([{ toString: false }, ['change-1'], 1, null])('a result with the id %j names no change', (id) => {
  const [first] = judge(answer({ results: [{ id, status: 'delivered' }] }));
  expect(first).toMatchObject({ id: 'change-1', reason: 'the answer does not name this change' });
});

test('whatever the results, every change has one verdict and nothing else has', () => {
  const result = fc.record(
    {
      id: fc.oneof(fc.constantFrom('change-1', 'change-2', 'change-3', '__proto__'), fc.jsonValue()),
      status: fc.oneof(fc.constantFrom('delivered', 'rejected', 'retry'), fc.jsonValue()),
      reason: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(result, fc.jsonValue())), (results) => {
      const verdicts = judge(answer({ results }));
      expect(verdicts.map(({ id }) => id)).toEqual(['change-1', 'change-2', 'change-3']);
    }),
  );
});
