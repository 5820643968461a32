import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { startEventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import {
  type Change,
  createHttpClient,
  type DestinationError,
  type HttpRequest,
  Secret,
} from '@activation-hub/destination-kit';
import { describeDestinationContract } from '@activation-hub/destination-kit/testing';
import { eventHubs } from './destination.ts';
import { partitionKeyOf } from './request.ts';
import { eventHubsError } from './response.ts';
import { eventHubsSettings } from './settings.ts';
import { startEventHubsVendor, startLocalEventHubsVendor } from './vendor.ts';

const eventHub = 'audience-changes';
const noStatuses = 'Event Hubs answers by AMQP, which has no HTTP statuses; its refusals have tests of their own';
const wholeEvents = 'Event Hubs looks into no event, and takes or refuses all of one identity';

const appends = 'an Event Hub is added to, and looks for nobody';

let connectionString = '';
describeDestinationContract(test, {
  definition: eventHubs,
  // Of its own, for a connection takes longer to open than a request, and the SDK hears of a lost
  // one only when the time is over.
  settings: () => ({ eventHub, connectionString: new Secret(connectionString), timeoutMs: 3_000 }),
  options: {},
  startVendor: async () => {
    const vendor = await startEventHubsVendor();
    ({ connectionString } = vendor);
    return vendor;
  },
  leftOut: {
    'version-ends': 'AMQP 1.0 has no other version',
    'person-unknown': appends,
    'person-erased': appends,
    'account-failure': 'the refusals of AMQP, which the SDK reads, have tests of their own below',
    'quota-nearly-used': 'Event Hubs says nothing of a quota',
    'bad-row': wholeEvents,
    'poisonous-row': wholeEvents,
    'partial-answer': wholeEvents,
    'malformed-answer': 'an answer of AMQP is an outcome, which the SDK reads',
    'refused-look-up': noStatuses,
    unauthorized: noStatuses,
    'refused-batch': noStatuses,
    redirect: noStatuses,
    'throttled-for-seconds': noStatuses,
    'throttled-until-date': noStatuses,
    'server-error': noStatuses,
  },
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

function connectTo(written: object, context: object = {}) {
  const http = createHttpClient({ allowPrivateAddresses: true });
  const settings = eventHubsSettings.parse({ eventHub, ...written });
  const connector = eventHubs.connect(settings, { http, now: Date.now, print: () => undefined, ...context });
  cleanups.push(
    async () => connector.close?.(),
    () => http.close(),
  );
  return connector;
}

async function start(more: object = {}) {
  const vendor = await startEventHubsVendor();
  cleanups.push(() => vendor.close());
  const settings = { connectionString: new Secret(vendor.connectionString), timeoutMs: 5_000, ...more };
  return { vendor, connector: connectTo(settings) };
}

const change = (number: number, more: Partial<Change> = {}): Change => ({
  id: `change-${number}`,
  kind: 'entered',
  audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1', name: 'Sports fans' },
  identity: { namespace: 'email', value: `ann-${number}@example.com` },
  qualifiedAt: '2026-11-22T10:00:00.000Z',
  attributes: { city: 'Århus' },
  ...more,
});
const deliveries = (...changes: Change[]) => changes.map((each) => ({ change: each, options: {} }));
const ski = { key: 'ski-fans', namespace: 'ups', id: 'a-2' };

test('a change is a CloudEvent in the structured mode, keyed by identity', async () => {
  const { vendor, connector } = await start({ source: 'urn:contoso:hub' });
  await connector.update(deliveries(change(1, { kind: 'updated' })), never);
  const [{ event } = { event: undefined }] = await vendor.events();
  expect(event?.contentType).toBe('application/cloudevents+json; charset=utf-8');
  expect(event?.messageId).toBe('change-1');
  const partitionKey = createHash('sha256').update('["email","ann-1@example.com"]').digest('base64url').slice(0, 22);
  expect(event?.partitionKey).toBe(partitionKey);
  expect(event?.body).toEqual({
    specversion: '1.0',
    id: 'change-1',
    source: 'urn:contoso:hub',
    type: 'activation-hub.membership.updated',
    subject: 'sports-fans',
    time: '2026-11-22T10:00:00.000Z',
    datacontenttype: 'application/json',
    partitionkey: partitionKey,
    data: {
      id: 'change-1',
      change: 'updated',
      audience: { key: 'sports-fans', id: 'a-1', namespace: 'ups', name: 'Sports fans' },
      identity: { namespace: 'email', value: 'ann-1@example.com' },
      qualifiedAt: '2026-11-22T10:00:00.000Z',
      attributes: { city: 'Århus' },
    },
  });
});

test('all changes of one identity go to one partition, in their order', async () => {
  const { vendor, connector } = await start();
  const numbers = Array.from({ length: 20 }, (_, index) => index);
  const both = numbers.flatMap((number) => [change(number), change(number, { id: `ski-${number}`, audience: ski })]);
  await connector.enter(deliveries(...both), never);
  await connector.exit(
    deliveries(...both.map((each) => ({ ...each, id: `${each.id}-exit`, kind: 'exited' as const }))),
    never,
  );
  const events = (await vendor.events()).map(({ partitionId, event }) => ({ partitionId, ...event }));
  expect(events).toHaveLength(80);
  expect(new Set(events.map(({ partitionId }) => partitionId)).size).toBeGreaterThan(1);
  for (const [, group] of Map.groupBy(events, ({ partitionKey }) => partitionKey)) {
    expect(new Set(group.map(({ partitionId }) => partitionId)).size).toBe(1);
    const [{ messageId } = { messageId: '' }] = group;
    expect(group.map((event) => event.messageId)).toEqual([
      messageId,
      String(messageId).replace('change', 'ski'),
      `${String(messageId)}-exit`,
      `${String(messageId).replace('change', 'ski')}-exit`,
    ]);
  }
});

test('a partition key is a digest that tells namespaces apart', () => {
  const key = (namespace: string, value: string) => partitionKeyOf(change(1, { identity: { namespace, value } }));
  expect(key('email', 'ann@example.com')).toMatch(/^[\w-]{22}$/);
  expect(key('email', 'ann@example.com')).toBe(key('email', 'ann@example.com'));
  expect(key('crmid', 'ann@example.com')).not.toBe(key('email', 'ann@example.com'));
});

test('an event that is larger than the hub takes is rejected, and the others of the batch are sent', async () => {
  const { vendor, connector } = await start();
  const large = { attributes: { note: 'x'.repeat(1024 * 1024) } };
  const half = { attributes: { note: 'x'.repeat(600 * 1024) } };
  const verdicts = await connector.enter(
    deliveries(change(1), change(2, large), change(3, half), change(3, { ...half, id: 'half', audience: ski })),
    never,
  );
  expect(Object.fromEntries(verdicts.map(({ id, status }) => [id, status]))).toEqual({
    'change-1': 'delivered',
    'change-2': 'rejected',
    'change-3': 'delivered',
    half: 'delivered',
  });
  expect((await vendor.events()).map(({ event }) => event.messageId).toSorted()).toEqual([
    'change-1',
    'change-3',
    'half',
  ]);
});

test('a hub that is too busy is throttled without doubt, for all or for some', async () => {
  const { vendor, connector } = await start();
  vendor.emulator.faults.throttle({ sends: 2 });
  const busy = connector.enter(deliveries(change(1), change(2)), never);
  await expect(busy).rejects.toMatchObject({ class: 'throttled', doubt: undefined });
  vendor.emulator.faults.throttle({ sends: 1 });
  const verdicts = await connector.enter(deliveries(change(1), change(2)), never);
  expect(verdicts.toSorted((left, right) => left.id.localeCompare(right.id))).toEqual([
    { id: 'change-1', status: 'retry', reason: 'the hub did not take the event (throttled)' },
    { id: 'change-2', status: 'delivered' },
  ]);
});

test('a wrong key and a hub that is not there are set-up, also for a probe, and nothing is sent', async () => {
  const { vendor, connector } = await start();
  expect(await connector.probe?.([], never)).toEqual([]);
  const wrongKey = vendor.connectionString.replace(/SharedAccessKey=[^;]*/, `SharedAccessKey=${'A'.repeat(43)}=`);
  for (const settings of [
    { connectionString: new Secret(wrongKey) },
    { connectionString: new Secret(vendor.connectionString), eventHub: 'no-such-hub' },
  ]) {
    const wrong = connectTo({ timeoutMs: 60_000, ...settings });
    await expect(wrong.enter(deliveries(change(1)), never)).rejects.toMatchObject({
      class: 'set-up',
      doubt: undefined,
    });
    await expect(wrong.probe?.([], never)).rejects.toMatchObject({ class: 'set-up' });
  }
  expect(await vendor.events()).toEqual([]);
});

test('a policy that may only listen is set-up', async () => {
  const emulator = await startEventHubsEmulator({
    eventHubs: [{ name: eventHub, partitionCount: 1 }],
    keys: [{ name: 'listen', rights: ['Listen'] }],
  });
  cleanups.push(() => emulator.stop());
  const connector = connectTo({ connectionString: new Secret(emulator.connectionString()), timeoutMs: 60_000 });
  await expect(connector.enter(deliveries(change(1)), never)).rejects.toMatchObject({
    class: 'set-up',
    doubt: undefined,
  });
});

test('a connection that was lost while nothing was sent is opened anew', async () => {
  const { vendor, connector } = await start({ timeoutMs: 5_000 });
  await connector.enter(deliveries(change(1)), never);
  vendor.emulator.faults.dropConnections();
  const again = async () => await connector.enter(deliveries(change(2)), never).catch(() => []);
  await expect.poll(again).toEqual([{ id: 'change-2', status: 'delivered' }]);
});

test('a namespace that does not answer is transient, without doubt', async () => {
  const connector = connectTo({
    connectionString: new Secret(
      `Endpoint=sb://127.0.0.1:1/;SharedAccessKeyName=k;SharedAccessKey=${'A'.repeat(43)}=;UseDevelopmentEmulator=true`,
    ),
    timeoutMs: 2_000,
  });
  await expect(connector.enter(deliveries(change(1)), never)).rejects.toMatchObject({
    class: 'transient',
    doubt: undefined,
  });
});

test('without a connection string it signs in as the managed identity of the app', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(decodeURIComponent(request.url ?? ''));
    response.writeHead(400, { 'content-type': 'application/json' }).end('{"message":"none for secret-tenant"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => server.close(() => resolve())));
  vi.stubEnv('IDENTITY_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}/msi/token`);
  vi.stubEnv('IDENTITY_HEADER', 'header');
  const connector = connectTo({ fullyQualifiedNamespace: 'contoso.servicebus.windows.net', timeoutMs: 20_000 });
  const told = connector.enter(deliveries(change(1)), never);
  await expect(told).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
  await expect(told).rejects.not.toThrow('secret-tenant');
  expect(asked[0]).toContain('resource=https://eventhubs.azure.net');
});

test('a dry run shows each event and opens no connection', async () => {
  const requests: HttpRequest[] = [];
  const record = (request: HttpRequest) => void requests.push(request);
  const connector = connectTo({ connectionString: new Secret('[secret]') }, { record });
  const verdicts = await connector.enter(deliveries(change(1), change(2)), never);
  expect(verdicts.map(({ status }) => status)).toEqual(['delivered', 'delivered']);
  expect(requests).toHaveLength(2);
  expect(requests[0]).toMatchObject({
    method: 'POST',
    url: 'amqps://namespace/audience-changes',
    headers: { 'content-type': 'application/cloudevents+json; charset=utf-8', 'x-opt-partition-key': /^[\w-]{22}$/ },
  });
});

test.each([
  ['of another hub', 'Endpoint=sb://h/;SharedAccessKeyName=k;SharedAccessKey=a;EntityPath=other', 'another Event Hub'],
  ['of no hub', 'DefaultEndpointsProtocol=https;AccountName=not-to-be-seen', 'none of Event Hubs'],
  ['with a line end', 'Endpoint=sb://h/;SharedAccessKeyName=k;SharedAccessKey=a\n', 'line end'],
])('a connection string %s stops the start and is not shown', (_what, text, sentence) => {
  const connect = () => connectTo({ connectionString: new Secret(text) });
  expect(connect).toThrow(sentence);
  expect(connect).not.toThrow('not-to-be-seen');
});

test('plain TCP and private addresses need what lifts the guard', () => {
  const http = createHttpClient();
  const connect = (written: object) =>
    eventHubs.connect(eventHubsSettings.parse({ eventHub, ...written }), {
      http,
      now: Date.now,
      print: () => undefined,
    });
  const text = 'SharedAccessKeyName=k;SharedAccessKey=a;UseDevelopmentEmulator=true';
  expect(() => connect({ connectionString: new Secret(`Endpoint=sb://eventhubs.example/;${text}`) })).toThrow('https');
  expect(() => connect({ fullyQualifiedNamespace: '10.0.0.4' })).toThrow('private');
  cleanups.push(() => http.close());
});

const sdkError = (name: string, code?: string) => Object.assign(new Error('about ann@example.com'), { name, code });

test.each<[string, Error, Partial<DestinationError>, Partial<DestinationError>]>([
  [
    'a busy server',
    sdkError('MessagingError', 'ServerBusyError'),
    { class: 'throttled' },
    { class: 'throttled', doubt: undefined },
  ],
  [
    'a used up quota',
    sdkError('MessagingError', 'QuotaExceededError'),
    { class: 'throttled' },
    { class: 'throttled', doubt: undefined },
  ],
  [
    'a refused token',
    sdkError('MessagingError', 'UnauthorizedError'),
    { class: 'set-up' },
    { class: 'set-up', doubt: undefined },
  ],
  [
    'a missing hub',
    sdkError('MessagingError', 'MessagingEntityNotFoundError'),
    { class: 'set-up' },
    { class: 'set-up' },
  ],
  [
    'a missing identity',
    sdkError('CredentialUnavailableError'),
    { class: 'set-up' },
    { class: 'set-up', doubt: undefined },
  ],
  [
    'a message too large',
    sdkError('MessagingError', 'MessageTooLargeError'),
    { class: 'invalid' },
    { class: 'invalid' },
  ],
  [
    'a full link',
    sdkError('MessagingError', 'SenderBusyError'),
    { class: 'throttled' },
    { class: 'throttled', doubt: undefined },
  ],
  [
    'a failed server',
    sdkError('MessagingError', 'InternalServerError'),
    { doubt: undefined },
    { class: 'transient', doubt: 'answered' },
  ],
  [
    'a timeout',
    sdkError('MessagingError', 'OperationTimeoutError'),
    { doubt: undefined },
    { class: 'transient', doubt: 'unanswered' },
  ],
  ['an abort', sdkError('AbortError'), { doubt: undefined }, { class: 'transient', doubt: 'unanswered' }],
  [
    'a lost connection',
    sdkError('MessagingError', 'ECONNRESET'),
    { doubt: undefined },
    { class: 'transient', doubt: 'unanswered' },
  ],
  ['an unknown name', sdkError('MessagingError', 'ENOTFOUND'), { doubt: undefined, class: 'transient' }, {}],
])('%s', (_what, error, opening, sending) => {
  expect(eventHubsError(error, 'opening', 'the hub')).toMatchObject({ doubt: undefined, ...opening });
  expect(eventHubsError(error, 'sending', 'the hub')).toMatchObject(sending);
  expect(eventHubsError(error, 'sending', 'the hub').message).not.toContain('ann@example.com');
});

test('a stand-in of a whole run says who is a member of which audience', async () => {
  const settings = { eventHub: 'changes', fullyQualifiedNamespace: 'contoso.servicebus.windows.net' };
  const local = await startLocalEventHubsVendor({ settings, routes: [{ audience: 'sports-fans', options: {} }] });
  cleanups.push(() => local.close());
  const secret = new Secret(local.secrets?.connectionString ?? '');
  const connector = connectTo({ ...settings, ...local.settings, connectionString: secret });
  await connector.enter(deliveries(change(1), change(2), change(3, { audience: ski })), never);
  await connector.exit(deliveries(change(2, { kind: 'exited', qualifiedAt: '2026-11-23T00:00:00.000Z' })), never);
  await connector.close?.();
  expect(await local.members({ audience: 'sports-fans', options: {} })).toEqual(['ann-1@example.com']);
  expect(await local.members({ audience: 'ski-fans', options: {} })).toEqual(['ann-3@example.com']);
});

test.each([
  [{}, 'either fullyQualifiedNamespace or connectionString'],
  [{ fullyQualifiedNamespace: 'x.example', connectionString: { secret: 'c' } }, 'either fullyQualifiedNamespace'],
  [{ connectionString: { secret: 'c' }, clientId: crypto.randomUUID() }, 'no use for clientId'],
  [{ fullyQualifiedNamespace: 'https://x.example' }, 'host alone'],
])('the settings %j are refused', (written, sentence) => {
  expect(() => eventHubsSettings.parse({ eventHub, ...written })).toThrow(sentence);
});
