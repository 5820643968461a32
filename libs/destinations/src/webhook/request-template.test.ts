import {
  createHttpClient,
  type Delivery,
  type HttpClient,
  type HttpRequest,
  Secret,
} from '@activation-hub/destination-kit';
import { expect, onTestFinished, test } from 'vitest';
import { webhook } from './destination.ts';
import { webhookSettings } from './settings.ts';
import { startWebhookVendor } from './vendor.ts';

const url = 'https://example.com/hook';
const delivery: Delivery<Record<string, never>> = {
  change: {
    id: 'change-1',
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a/1?' },
    identity: { namespace: 'email', value: 'ann@example.com' },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes: { firstname: 'Ann "}', scores: [1, 2] },
  },
  options: {},
};
const never = new AbortController().signal;

/** The one request that tells the change, with these settings. */
async function sent(settings: object): Promise<HttpRequest> {
  const requests: HttpRequest[] = [];
  const http: HttpClient = {
    check: () => undefined,
    send: (request) => {
      requests.push(request);
      return Promise.resolve({ status: 204, headers: {}, body: '' });
    },
    close: () => Promise.resolve(),
  };
  const parsed = webhookSettings.parse({ url, ...settings });
  expect(webhook.limits(parsed).batchCount).toBe(
    'body' in settings || JSON.stringify(settings).includes('{{') ? 1 : 100,
  );
  const connector = webhook.connect(parsed, { http, now: () => 0, print: () => undefined });
  expect(await connector.enter([delivery], never)).toEqual([{ id: 'change-1', status: 'delivered' }]);
  const [request, ...more] = requests;
  expect(more).toEqual([]);
  return request ?? expect.unreachable();
}

test('a template of the URL is filled with what says nothing of the person, encoded', async () => {
  const template = 'https://example.com/{{audience.key}}/{{ change }}?of={{audience.id}}&name={{audience.name}}';
  expect((await sent({ url: template })).url).toBe(
    'https://example.com/sports-fans/entered?of=a%2F1%3F&name=sports-fans',
  );
});

const signingSecret = new Secret(`whsec_${Buffer.alloc(24, 'x').toString('base64')}`);

test('a template of the body is filled as JSON, so that no value can change its form', async () => {
  const body = {
    event: 'audience.{{change}}',
    user: { [`{{change}}`]: '{{identity.value}}', name: '{{attributes.firstname}}', missing: '{{attributes.none}}' },
    greeting: 'Hello {{attributes.firstname}}{{attributes.none}}',
    all: ['{{attributes}}', '{{attributes.scores}}', 5, true, null],
  };
  const request = await sent({ body, signingSecret });
  expect(JSON.parse(request.body ?? '')).toEqual({
    event: 'audience.entered',
    user: { '{{change}}': 'ann@example.com', name: 'Ann "}', missing: null },
    greeting: 'Hello Ann "}',
    all: [{ firstname: 'Ann "}', scores: [1, 2] }, [1, 2], 5, true, null],
  });
  expect(request.headers['webhook-signature']).toMatch(/^v1,/);
});

test.each([
  ['identity.value', 'would put personal data into a URL'],
  ['identity.namespace', 'would put personal data into a URL'],
  ['attributes.firstname', 'would put personal data into a URL'],
  ['attributes', 'would put personal data into a URL'],
  ['audience.title', 'A change has no audience.title. Write one of {{id}}, {{change}}'],
  ['__proto__', 'A change has no __proto__.'],
  ['a name, and more', 'A change has no such field.'],
])('{{%s}} is refused in a URL', (path, why) => {
  const { error } = webhookSettings.safeParse({ url: `https://example.com/{{${path}}}` });
  expect(JSON.stringify(error?.issues)).toContain(why);
});

test.each(['https://{{audience.key}}.example.com/', 'https://example.com{{change}}'])(
  'no template decides which host is called: %s',
  (template) => {
    expect(webhookSettings.safeParse({ url: template }).success).toBe(false);
  },
);

test('each text of a body that names what no change has is refused where it stands', () => {
  const body = { a: [{ b: 'x {{identity.email}}' }], change: '{{change}}', c: { d: '{{ email }}' }, e: 1, f: null };
  const { error } = webhookSettings.safeParse({ url, body });
  expect(error?.issues.map(({ path }) => path)).toEqual([
    ['body', 'a', 0, 'b'],
    ['body', 'c', 'd'],
  ]);
  const [first, second] = error?.issues.map(({ message }) => message) ?? [];
  expect(first).toMatch(/^A change has no identity\.email\. Write one of \{\{id\}\}, .*<name>\}\}\.$/);
  expect(second).toMatch(
    /^A change has no email\. .* An attribute that the route maps is \{\{attributes\.email\}\}\.$/,
  );
});

test('a URL may be a secret', async () => {
  expect((await sent({ url: new Secret('https://example.com/hooks/hush') })).url).toBe(
    'https://example.com/hooks/hush',
  );
});

test.each(['hush', 'https://me:hush@example.com', 'https://x.com/{{identity.value}}'])(
  'a secret that is no good URL stops the start, without showing it: %j',
  (value) => {
    const settings = webhookSettings.parse({ url: new Secret(value) });
    const http = createHttpClient();
    onTestFinished(() => http.close());
    const connect = () => webhook.connect(settings, { http, now: Date.now, print: () => undefined });
    expect(connect).toThrow('Failed to read the setting url');
    expect(connect).not.toThrow('hush');
  },
);

test('with oauth each request carries a token, which is asked for once', async () => {
  const vendor = await startWebhookVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  onTestFinished(async () => {
    await http.close();
    await vendor.close();
  });
  const oauth = {
    tokenUrl: `${vendor.origin}/token`,
    clientId: 'hub',
    clientSecret: new Secret('hush'),
    scope: 'write',
  };
  const settings = webhookSettings.parse({ url: `${vendor.origin}/hook`, oauth });
  const connector = webhook.connect(settings, { http, now: Date.now, print: () => undefined });
  await connector.enter([delivery], never);
  await connector.exit([{ ...delivery, change: { ...delivery.change, kind: 'exited' } }], never);
  expect(vendor.requests.map(({ url: path }) => path)).toEqual(['/token', '/hook', '/hook']);
  expect(new URLSearchParams(vendor.requests[0]?.body).get('scope')).toBe('write');
  expect(vendor.requests[2]?.headers.authorization).toBe('Bearer webhook-token');
});

test('oauth and an own authorization are not both', () => {
  const oauth = { tokenUrl: url, clientId: 'hub', clientSecret: { secret: 'x' } };
  const headers = { Authorization: { secret: 'y' } };
  const { error } = webhookSettings.safeParse({ url, oauth, headers });
  expect(error?.issues[0]?.message).toBe('oauth sets the header authorization. Remove one of the two.');
});
