import { createHash } from 'node:crypto';
import {
  createHttpClient,
  type Delivery,
  type JsonValue,
  refusalOfAttribute,
  Secret,
} from '@activation-hub/destination-kit';
import { afterEach, expect, test } from 'vitest';
import { metaCustomAudiences } from './destination.ts';
import { metaOptions, type MetaOptions, metaSettings } from './settings.ts';
import { startMetaCustomAudiencesVendor } from './vendor.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;
const written = (more: object = {}) => ({ accessToken: new Secret('token'), adAccountId: '1234567890', ...more });

async function start(settings: object = {}) {
  const vendor = await startMetaCustomAudiencesVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const parsed = metaSettings.parse(written({ baseUrl: vendor.origin, ...settings }));
  const connector = metaCustomAudiences.connect(parsed, { http, now: () => 1_000, print: () => undefined });
  const payloads = () =>
    vendor.requests
      .filter(({ method }) => method !== 'GET')
      .flatMap(({ body }) => new URLSearchParams(body).get('payload') ?? [])
      .map((payload): unknown => JSON.parse(payload));
  return { vendor, connector, payloads };
}

const fans = metaOptions.parse({ audience: 'Sports Fans' });
const valued = metaOptions.parse({
  audience: 'Best Customers',
  createAudience: true,
  customerFileSource: 'USER_PROVIDED_ONLY',
  valueBased: true,
});
const delivery = (
  number: number,
  attributes: Readonly<Record<string, JsonValue>> = {},
  options: MetaOptions = fans,
  [namespace, value]: readonly [string, string] = ['email', sha256(`ann-${number}@example.com`)],
): Delivery<MetaOptions> => ({
  change: {
    id: `change-${number}`,
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1' },
    identity: { namespace, value },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes,
  },
  options,
});

test('a value-based audience is made as one, and is told what each member is worth', async () => {
  const { vendor, connector, payloads } = await start();
  const batch = [
    delivery(1, { LOOKALIKE_VALUE: 44.5 }, valued),
    delivery(2, { LOOKALIKE_VALUE: '140' }, valued),
    delivery(3, { LOOKALIKE_VALUE: -1 }, valued),
    delivery(4, {}, valued),
  ];
  await connector.enter(batch, never);
  expect(vendor.requests.some(({ body }) => body.includes('is_value_based=1'))).toBe(true);
  expect(payloads()).toEqual([
    {
      schema: ['EMAIL', 'LOOKALIKE_VALUE'],
      data: [
        [sha256('ann-1@example.com'), 44.5],
        [sha256('ann-2@example.com'), 140],
        [sha256('ann-3@example.com'), 0],
        [sha256('ann-4@example.com'), 0],
      ],
    },
  ]);
  // A removal matches persons by keys; a value matches none.
  await connector.exit(batch.slice(0, 1), never);
  expect(payloads()[1]).toEqual({ schema: ['EMAIL'], data: [[sha256('ann-1@example.com')]] });
});

test('an audience that is value-based where the options say otherwise stops the route', async () => {
  const { vendor, connector } = await start();
  vendor.addAudience({ name: 'Worth', isValueBased: true });
  const wrong = [
    metaOptions.parse({ audience: 'Sports Fans', valueBased: true }),
    metaOptions.parse({ audience: 'Worth' }),
  ];
  for (const options of wrong)
    await expect(connector.enter([delivery(1, {}, options)], never)).rejects.toMatchObject({ class: 'set-up' });
  expect(await connector.probe?.(wrong, never)).toEqual([
    'Failed to use the custom audience "Sports Fans": it is no value-based one. Write valueBased: false, or name another.',
    'Failed to use the custom audience "Worth": it is a value-based one. Write valueBased: true, or name another.',
  ]);
});

test.each([
  ['PAGEUID', { identifiers: { fbpageid: 'PAGEUID' }, pageId: '77' }, { page_ids: ['77'] }],
  ['APPUID', { identifiers: { fbappid: 'APPUID' }, appId: '88' }, { app_ids: ['88'] }],
])('%s is told with what it is an id of', async (key, settings, scope) => {
  const { vendor, connector, payloads } = await start(settings);
  const [namespace = ''] = Object.keys(settings.identifiers);
  const person = delivery(1, {}, fans, [namespace, '1254459154682919']);
  await connector.enter([person], never);
  expect(payloads()).toEqual([{ schema: [key], data: [['1254459154682919']], is_raw: true, ...scope }]);
  expect(vendor.member('1254459154682919')).toBeDefined();
  await connector.exit([person], never);
  expect(vendor.member('1254459154682919')).toBeUndefined();
});

test('keys that need a setting or an option are refused without it, in words', () => {
  const takes = (settings: object, options: object) =>
    metaCustomAudiences.takes?.(
      metaSettings.parse(written(settings)),
      metaOptions.parse({ audience: 'Sports Fans', ...options }),
    ) ?? { identities: {}, attributes: {} };
  const none = takes({}, {});
  expect(refusalOfAttribute(none, 'LOOKALIKE_VALUE')).toContain('valueBased: true');
  expect(refusalOfAttribute(none, 'PAGEUID')).toContain('pageId');
  expect(refusalOfAttribute(none, 'APPUID')).toContain('appId');
  const all = takes({ pageId: '1', appId: '2' }, { valueBased: true });
  for (const name of ['LOOKALIKE_VALUE', 'PAGEUID', 'APPUID']) expect(refusalOfAttribute(all, name)).toBeUndefined();
  expect(metaSettings.safeParse(written({ identifiers: { a: 'PAGEUID' } })).error?.message).toContain('pageId');
  expect(metaSettings.safeParse(written({ identifiers: { a: 'APPUID' } })).error?.message).toContain('appId');
});

test('who is to be forgotten leaves every audience of the ad account, also one that no route names', async () => {
  const { vendor, connector } = await start({ identifiers: { email: 'EMAIL', crmid: 'EXTERN_ID' } });
  vendor.addAudience({ name: 'Old Fans' });
  const old = metaOptions.parse({ audience: 'Old Fans' });
  await connector.enter([delivery(1, {}, old), delivery(2, {}, old)], never);
  await connector.enter([delivery(1)], never);
  vendor.forgetRequests();
  const [first, second] = [1, 2].map((number) => delivery(number).change.identity);
  if (first === undefined || second === undefined) throw new Error('The test has two persons.');
  const others = [
    { namespace: 'email', value: 'Ann-1@example.com' },
    { namespace: 'crmid', value: 'C-1' },
    { namespace: 'loyalty', value: 'L-1' },
  ];
  await connector.forget?.([first, ...others], never);
  expect(vendor.member(first.value)).toBeUndefined();
  expect(vendor.member(second.value)).toBeDefined();
  const [request, ...more] = vendor.requests;
  expect(more).toEqual([]);
  expect(`${request?.method ?? ''} ${request?.url ?? ''}`).toBe('DELETE /v27.0/act_1234567890/usersofanyaudience');
  expect(new URLSearchParams(request?.body).get('payload')).toBe(
    JSON.stringify({
      schema: ['EMAIL', 'EXTERN_ID'],
      data: [
        [first.value, ''],
        ['', 'C-1'],
      ],
    }),
  );
});

test('who cannot be forgotten is said, and nobody is asked to forget nobody', async () => {
  const { vendor, connector } = await start();
  await connector.forget?.([{ namespace: 'loyalty', value: 'L-1' }], never);
  expect(vendor.requests).toEqual([]);
  vendor.answerWithError?.('190');
  const { identity } = delivery(1).change;
  await expect(connector.forget?.([identity], never)).rejects.toMatchObject({ class: 'set-up' });
});

test('only who is known by an id of your own lapses, after 90 days', () => {
  const settings = metaSettings.parse(written({ identifiers: { email: 'EMAIL', crmid: 'EXTERN_ID' } }));
  const days = (namespace: string) => metaCustomAudiences.membershipDays?.(settings, fans, namespace);
  expect([days('crmid'), days('email'), days('loyalty')]).toEqual([90, undefined, undefined]);
});
