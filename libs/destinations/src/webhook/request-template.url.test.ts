import { createHttpClient, type Delivery } from '@activation-hub/destination-kit';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { webhook } from './destination.ts';
import { webhookSettings } from './settings.ts';
import { startWebhookVendor } from './vendor.ts';

type Change = Delivery['change'];
const deliveryOf = (audience: Partial<Change['audience']>): Delivery<Record<string, never>> => ({
  change: {
    id: 'change-1',
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1', ...audience },
    identity: { namespace: 'email', value: 'ann@example.com' },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes: {},
  },
  options: {},
});

/** What a receiver gets and the verdict of the change when the path of its URL is this. */
async function start(path: string) {
  const vendor = await startWebhookVendor({ takesAnyBody: true });
  const http = createHttpClient({ allowPrivateAddresses: true });
  onTestFinished(async () => {
    await http.close();
    await vendor.close();
  });
  const settings = webhookSettings.parse({ url: `${vendor.origin}${path}` });
  const connector = webhook.connect(settings, { http, now: Date.now, print: () => undefined });
  return async (audience: Partial<Change['audience']>) => {
    vendor.forgetRequests();
    const [verdict] = await connector.enter([deliveryOf(audience)], new AbortController().signal);
    return { verdict, urls: vendor.requests.map(({ url }) => url) };
  };
}

test.each([
  ['%2e%2e', '%252e%252e'],
  ['a/../b', 'a%2F..%2Fb'],
  ['a/b', 'a%2Fb'],
  ['?x=1', '%3Fx%3D1'],
  ['#', '%23'],
  ['\\..\\', '%5C..%5C'],
  ['a\r\nx: y', 'a%0D%0Ax%3A%20y'],
  ['\ud800', '%EF%BF%BD'],
  ['...', '...'],
  ['..a', '..a'],
  ['{{identity.value}}', '%7B%7Bidentity.value%7D%7D'],
  ['$&', '%24%26'],
])('a value stays one part of the path: %j', async (name, part) => {
  const tell = await start('/hooks/{{audience.name}}/members');
  expect(await tell({ name })).toEqual({
    verdict: { id: 'change-1', status: 'delivered' },
    urls: [`/hooks/${part}/members`],
  });
});

test.each(['audience.name', 'audience.id', 'audience.namespace', 'audience.key'])(
  'a change is refused alone when {{%s}} would lead to another path',
  async (placeholder) => {
    const tell = await start(`/hooks/{{${placeholder}}}/members`);
    const property = placeholder.replace('audience.', '');
    for (const value of ['.', '..']) {
      expect(await tell({ [property]: value })).toEqual({
        verdict: { id: 'change-1', status: 'rejected', reason: 'a value of the change would lead to another URL' },
        urls: [],
      });
    }
    expect((await tell({ [property]: 'fine' })).verdict?.status).toBe('delivered');
  },
);

test('dots that become a step only with what stands around them are refused too', async () => {
  const tell = await start('/hooks/.{{audience.name}}');
  expect((await tell({ name: '.' })).verdict?.status).toBe('rejected');
  expect((await tell({ name: 'a' })).urls).toEqual(['/hooks/.a']);
});

test('in the query a value may be anything', async () => {
  const tell = await start('/hooks?of={{audience.name}}');
  expect((await tell({ name: '..' })).urls).toEqual(['/hooks?of=..']);
  expect((await tell({ name: 'a&b=c' })).urls).toEqual(['/hooks?of=a%26b%3Dc']);
});

test('an empty name is none: the key stands for it; another empty value is refused in a path', async () => {
  const tell = await start('/hooks/{{audience.name}}/{{audience.namespace}}');
  expect((await tell({ name: '' })).urls).toEqual(['/hooks/sports-fans/ups']);
  expect((await tell({ namespace: '' })).verdict?.status).toBe('rejected');
});

test('a URL that is too long for servers is refused', async () => {
  const tell = await start('/hooks/{{audience.name}}');
  expect(await tell({ name: 'x'.repeat(8_001) })).toEqual({
    verdict: { id: 'change-1', status: 'rejected', reason: 'the URL would be longer than servers take' },
    urls: [],
  });
  expect((await tell({ name: 'x'.repeat(7_000) })).verdict?.status).toBe('delivered');
});

test('whatever the value, the request goes to its own path or is not made', async () => {
  const tell = await start('/hooks/{{audience.name}}/members?of={{audience.name}}');
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 8 }), async (name) => {
      const { verdict, urls } = await tell({ name });
      if (verdict?.status === 'rejected') expect(urls).toEqual([]);
      else expect(urls[0]).toMatch(/^\/hooks\/[^/?#]+\/members\?of=[^/?#&]+$/);
    }),
    { numRuns: 200 },
  );
});
