import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type Azurite, startAzurite } from '@activation-hub/azurite';
import {
  type Change,
  createHttpClient,
  DestinationError,
  type HttpRequest,
  type HttpResponse,
  Secret,
} from '@activation-hub/destination-kit';
import { describeDestinationContract } from '@activation-hub/destination-kit/testing';
import { withManagedIdentity } from '../managed-identity.ts';
import { blobArchive } from './destination.ts';
import { blobArchiveErrors } from './errors.ts';
import { archiveBlobs } from './request.ts';
import { judgeWrite } from './response.ts';
import { blobArchiveSettings } from './settings.ts';
import { startBlobArchiveVendor, startLocalBlobArchiveVendor } from './vendor.ts';

let azurite: Azurite;
let accountKey: Secret;
beforeAll(async () => {
  azurite = await startAzurite();
  accountKey = new Secret(/AccountKey=([^;]+)/.exec(azurite.connectionString)?.[1] ?? '');
});
afterAll(() => azurite.stop());

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const wholeBlobs = 'the Blob service takes a blob whole and looks into no line';

const appends = 'the archive is added to, and looks for nobody';

let containerUrl = '';
describeDestinationContract(test, {
  definition: blobArchive,
  settings: ({ timeoutMs }) => ({ containerUrl, timeoutMs, accountKey, batchSize: 50 }),
  options: {},
  errors: blobArchiveErrors,
  startVendor: async () => {
    const vendor = await startBlobArchiveVendor(azurite);
    containerUrl = vendor.containerUrl;
    return vendor;
  },
  person: (number) => ({
    identity: { namespace: 'email', value: sha256(`person-${number}@example.com`) },
    attributes: { firstname: `Forename${number}`, city: `Ville-${number}-sur-Mer` },
  }),
  leftOut: {
    'version-ends': 'the version of the Blob service is fixed, and Microsoft ends none',
    'person-unknown': appends,
    'person-erased': appends,
    'quota-nearly-used': 'the Blob service says nothing of a quota',
    'bad-row': wholeBlobs,
    'partial-answer': wholeBlobs,
    'failed-look-up': 'it looks nothing up before it writes',
    'refused-look-up': 'it looks nothing up before it writes',
  },
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start(more: object = {}) {
  const vendor = await startBlobArchiveVendor(azurite);
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const settings = blobArchiveSettings.parse({ containerUrl: vendor.containerUrl, accountKey, ...more });
  return { vendor, connector: blobArchive.connect(settings, { http, now: () => nowMs, print: () => undefined }) };
}

const nowMs = Date.UTC(2026, 10, 22, 12);
const change = (number: number, more: Partial<Change> = {}): Change => ({
  id: `change-${number}`,
  kind: 'entered',
  audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1', name: 'Sports fans' },
  identity: { namespace: 'email', value: sha256(`ann-${number}@example.com`) },
  qualifiedAt: '2026-11-22T10:00:00.000Z',
  attributes: { city: 'Århus' },
  ...more,
});
const deliveries = (...changes: Change[]) => changes.map((each) => ({ change: each, options: {} }));

test('a blob is written when its answer says so, also when the answer then stalls', async () => {
  const server = createServer((_request, response) => response.writeHead(201).write('.'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => server.close(() => resolve())));
  const slow = `http://127.0.0.1:${(server.address() as AddressInfo).port}/account/archive`;
  const { connector } = await start({ containerUrl: slow, timeoutMs: 1_000 });
  expect(await connector.enter(deliveries(change(1)), never)).toEqual([{ id: 'change-1', status: 'delivered' }]);
});

test('a batch is one blob per day and audience, each change a line', async () => {
  const { vendor, connector } = await start();
  const ski = { key: 'ski-fans', namespace: 'ups', id: 'a-2' };
  const verdicts = await connector.enter(
    deliveries(
      change(2),
      change(1),
      change(3, { qualifiedAt: '2026-11-21T23:59:59.999Z' }),
      change(4, { audience: ski }),
    ),
    never,
  );
  expect(verdicts.map(({ status }) => status)).toEqual(['delivered', 'delivered', 'delivered', 'delivered']);
  const [request] = vendor.requests;
  expect(request?.body.split('\n').map((text) => (text === '' ? '' : (JSON.parse(text) as object)))).toEqual([
    expect.objectContaining({ id: 'change-1' }),
    {
      id: 'change-2',
      change: 'entered',
      audience: { key: 'sports-fans', id: 'a-1', namespace: 'ups', name: 'Sports fans' },
      identity: { namespace: 'email', value: sha256('ann-2@example.com') },
      qualifiedAt: '2026-11-22T10:00:00.000Z',
      attributes: { city: 'Århus' },
    },
    '',
  ]);
  const names = vendor.requests.map(({ url }) => url.slice(new URL(vendor.containerUrl).pathname.length));
  expect(names.map((name) => name.replace(/[0-9a-f]{64}/, '…'))).toEqual([
    '/day=2026-11-22/audience_key=sports-fans/….ndjson',
    '/day=2026-11-21/audience_key=sports-fans/….ndjson',
    '/day=2026-11-22/audience_key=ski-fans/….ndjson',
  ]);
  const { authorization, ...headers } = request?.headers ?? {};
  expect(authorization).toMatch(/^SharedKey devstoreaccount1:[A-Za-z0-9+/]{43}=$/);
  expect(headers).toMatchObject({
    'x-ms-version': '2023-11-03',
    'x-ms-date': 'Sun, 22 Nov 2026 12:00:00 GMT',
    'x-ms-blob-type': 'BlockBlob',
    'if-none-match': '*',
    'content-type': 'application/x-ndjson',
  });
  const properties = await vendor.container.getBlobClient(names[0]?.slice(1) ?? '').getProperties();
  expect(properties.contentType).toBe('application/x-ndjson');
});

test('a repeated batch in another order writes no second blob', async () => {
  const { vendor, connector } = await start();
  await connector.enter(deliveries(change(1), change(2)), never);
  expect(await connector.enter(deliveries(change(2), change(1)), never)).toHaveLength(2);
  expect((await vendor.lines()).map(({ id }) => id)).toEqual(['change-1', 'change-2']);
});

test('other attributes under the same id are another line, and nothing is overwritten', async () => {
  const { vendor, connector } = await start();
  await connector.enter(deliveries(change(1)), never);
  await connector.enter(deliveries(change(1, { attributes: { city: 'Oslo' } })), never);
  expect((await vendor.lines()).map(({ attributes }) => attributes.city).toSorted()).toEqual(['Oslo', 'Århus']);
});

test('a batch of several days that fails in the middle says which of them are written', async () => {
  const { vendor, connector } = await start();
  const [first, second] = [change(1), change(2, { qualifiedAt: '2026-11-21T10:00:00.000Z' })];
  const arrived = vendor.nextRequest();
  const told = connector.enter(deliveries(first, second), never);
  await arrived;
  vendor.answerWith({ status: 503, headers: { 'x-ms-error-code': 'ServerBusy', 'retry-after': '30' } });
  expect(await told).toEqual([
    { id: 'change-1', status: 'delivered' },
    {
      id: 'change-2',
      status: 'retry',
      reason: 'the blob of this day was not written (throttled)',
      notBeforeMs: nowMs + 30_000,
    },
  ]);
});

test('a probe says whether the container is there, and a write into none is set-up', async () => {
  const { vendor, connector } = await start();
  expect(await connector.probe?.([], never)).toEqual([]);
  await vendor.container.delete();
  expect(await connector.probe?.([], never)).toEqual([
    'Failed to find the container of containerUrl: there is none. Create it, or correct the URL.',
  ]);
  await expect(connector.enter(deliveries(change(1)), never)).rejects.toMatchObject({
    class: 'set-up',
    doubt: undefined,
  });
});

test('a wrong key is set-up', async () => {
  const { connector } = await start({ accountKey: new Secret(Buffer.alloc(64, 7).toString('base64')) });
  await expect(connector.enter(deliveries(change(1)), never)).rejects.toMatchObject({ class: 'set-up' });
  await expect(connector.probe?.([], never)).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
  await expect(start({ accountKey: new Secret('not base64!') })).rejects.toThrow('setting accountKey');
});

/**
 * The identity endpoint of a function app, which `@azure/identity` finds by these two variables.
 */
async function startIdentityEndpoint(status: number, answer: object) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => server.close(() => resolve())));
  vi.stubEnv('IDENTITY_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}/msi/token`);
  vi.stubEnv('IDENTITY_HEADER', 'header');
  return asked;
}

test('without a key it writes as the managed identity of the app, with one token for many', async () => {
  const expiry = Math.floor(Date.now() / 1000) + 3_600;
  const token = { access_token: 'token-of-the-app', expires_on: String(expiry), resource: 'r', token_type: 'Bearer' };
  const asked = await startIdentityEndpoint(200, token);
  const clientId = '6a5a2f1e-1111-4222-8333-944455566677';
  const { vendor, connector } = await start({ accountKey: undefined, clientId });
  vendor.answerWith({ status: 201 });
  await connector.enter(deliveries(change(1)), never);
  await connector.exit(deliveries(change(1)), never);
  expect(vendor.requests.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer token-of-the-app',
    'Bearer token-of-the-app',
  ]);
  expect(asked).toHaveLength(1);
  expect(asked[0]).toContain(clientId);
  expect(decodeURIComponent(asked[0] ?? '')).toContain('https://storage.azure.com');
});

test('a token is renewed once, before it expires and after it was refused', async () => {
  let asked = 0;
  let nowMs = 0;
  const source = {
    getToken: () => {
      asked += 1;
      return Promise.resolve({ token: `t${asked}`, expiresOnTimestamp: nowMs + 300_000 });
    },
  };
  const sent: string[] = [];
  let status = 201;
  const http = {
    send: ({ headers }: HttpRequest) => {
      sent.push(headers.authorization ?? '');
      return Promise.resolve({ status, headers: {}, body: '' });
    },
  };
  const sender = withManagedIdentity(http, source, 'scope', () => nowMs);
  const request = { method: 'GET', url: 'https://x.example', headers: {} } as const;
  const sendThree = () => Promise.all([1, 2, 3].map(() => sender.send(request, never)));
  await sendThree();
  nowMs = 200_000;
  await sendThree();
  status = 401;
  await sendThree();
  await sendThree();
  expect(sent.map((authorization) => authorization.slice(-2))).toEqual(
    ['t1', 't2', 't2', 't3'].flatMap((token) => [token, token, token]),
  );
  await expect(sender.send(request, AbortSignal.abort())).rejects.toMatchObject({ doubt: undefined });
});

test('an app without an identity is set-up, and nothing is sent', async () => {
  await startIdentityEndpoint(400, { statusCode: 400, message: 'No managed identity found for secret-tenant' });
  const { vendor, connector } = await start({ accountKey: undefined });
  const told = connector.enter(deliveries(change(1)), never);
  await expect(told).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
  await expect(told).rejects.not.toThrow('secret-tenant');
  expect(vendor.requests).toEqual([]);
});

test('a dry run shows the request and asks for no token', async () => {
  const requests: HttpRequest[] = [];
  const record = (request: HttpRequest) => void requests.push(request);
  const http = {
    check: () => undefined,
    send: (request: HttpRequest) => {
      record(request);
      return Promise.resolve({ status: 201, headers: {}, body: '' });
    },
    close: () => Promise.resolve(),
  };
  const settings = blobArchiveSettings.parse({ containerUrl: 'https://contoso.blob.core.windows.net/archive' });
  const connector = blobArchive.connect(settings, { http, now: () => nowMs, print: () => undefined, record });
  await connector.enter(deliveries(change(1)), never);
  expect(requests).toHaveLength(1);
  expect(requests[0]?.url).toMatch(
    /^https:\/\/contoso\.blob\.core\.windows\.net\/archive\/day=2026-11-22\/audience_key=sports-fans\/[0-9a-f]{64}\.ndjson$/,
  );
});

test('identities are hashed in the form that others hash too, or left as they are', () => {
  const form = (identities: string, namespace: string, value: string) =>
    blobArchive.identity?.(
      { namespace, value },
      blobArchiveSettings.parse({ containerUrl: 'https://x.blob.core.windows.net/c', identities }),
    );
  expect(form('hashed', 'email', ' Ann@Example.com')).toEqual({ status: 'formed', value: sha256('ann@example.com') });
  expect(form('hashed', 'email', sha256('x').toUpperCase())).toEqual({ status: 'formed', value: sha256('x') });
  expect(form('hashed', 'crmid', ' C-7 ')).toEqual({ status: 'formed', value: sha256('C-7') });
  expect(form('plain', 'email', ' Ann@Example.com')).toEqual({ status: 'formed', value: 'ann@example.com' });
  expect(form('plain', 'crmid', ' C-7 ')).toEqual({ status: 'formed', value: 'C-7' });
  expect(form('hashed', 'email', 'ann')).toMatchObject({ status: 'refused' });
  expect(form('hashed', 'phone', 'n/a')).toMatchObject({ status: 'refused' });
});

test('the name of a blob tells its content apart', () => {
  const name = (...changes: Change[]) => archiveBlobs(changes)[0]?.name;
  expect(name(change(1), change(2))).toBe(name(change(2), change(1)));
  expect(name(change(1))).not.toBe(name(change(1, { kind: 'exited' })));
});

const answer = (status: number, code = '', headers = {}): HttpResponse => ({
  status,
  headers: { 'x-ms-error-code': code, ...headers },
  body: '<Error>ann@example.com</Error>',
});

test.each([
  [201, ''],
  [409, 'BlobAlreadyExists'],
  [409, 'BlobImmutableDueToPolicy'],
  [412, 'ConditionNotMet'],
])('after %i %s the blob is there', (status, code) => {
  expect(() => judgeWrite(answer(status, code), 0)).not.toThrow();
});

test.each<[HttpResponse, Partial<DestinationError>]>([
  [answer(409, 'ContainerBeingDeleted'), { class: 'transient', doubt: undefined }],
  [answer(403, 'AuthorizationPermissionMismatch'), { class: 'set-up', doubt: undefined }],
  [answer(404, 'ContainerNotFound'), { class: 'set-up', doubt: undefined }],
  [answer(400, 'InvalidHeaderValue'), { class: 'set-up', doubt: undefined }],
  [answer(400, 'NewOfThem'), { class: 'invalid', doubt: undefined }],
  [answer(413, 'RequestBodyTooLarge'), { class: 'invalid', doubt: undefined }],
  [answer(503, 'ServerBusy'), { class: 'throttled', doubt: undefined, notBeforeMs: undefined }],
  [answer(503, 'ServerBusy', { 'retry-after': '3' }), { class: 'throttled', notBeforeMs: 4_000 }],
  [answer(500, 'OperationTimedOut'), { class: 'transient', doubt: 'answered' }],
  [answer(200), { class: 'transient', doubt: 'answered' }],
])('%j', (response, expected) => {
  expect(() => judgeWrite(response, 1_000)).toThrow(expect.objectContaining(expected));
});

test('a stand-in of a whole run says who is a member of which audience', async () => {
  const settings = { containerUrl: 'https://contoso.blob.core.windows.net/archive' };
  const local = await startLocalBlobArchiveVendor({ settings, routes: [{ audience: 'sports-fans', options: {} }] });
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => local.close(),
  );
  const key = new Secret(local.secrets?.accountKey ?? '');
  const found = blobArchiveSettings.parse({ ...settings, ...local.settings, accountKey: key });
  const connector = blobArchive.connect(found, { http, now: Date.now, print: () => undefined });
  await connector.enter(deliveries(change(1), change(2)), never);
  await connector.exit(deliveries(change(2, { kind: 'exited', qualifiedAt: '2026-11-23T00:00:00.000Z' })), never);
  expect(await local.members({ audience: 'sports-fans', options: {} })).toEqual([sha256('ann-1@example.com')]);
  expect(await local.members({ audience: 'ski-fans', options: {} })).toEqual([]);
});

test.each([
  [{ containerUrl: 'https://x.blob.core.windows.net' }, 'URL of a container'],
  [{ containerUrl: 'https://x.blob.core.windows.net/c?sig=abc' }, 'without a signature'],
  [
    { containerUrl: 'https://x.blob.core.windows.net/c', clientId: crypto.randomUUID(), accountKey: { secret: 'k' } },
    'either clientId or accountKey',
  ],
])('the settings %j are refused', (written, sentence) => {
  expect(() => blobArchiveSettings.parse(written)).toThrow(sentence);
});
