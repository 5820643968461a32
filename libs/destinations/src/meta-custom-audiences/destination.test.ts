import { createHash, createHmac } from 'node:crypto';
import { createTarget, deliver, systemClock } from '@activation-hub/delivery';
import {
  createHttpClient,
  type Delivery,
  DestinationError,
  type HttpResponse,
  type JsonValue,
  Secret,
} from '@activation-hub/destination-kit';
import { describeDestinationContract } from '@activation-hub/destination-kit/testing';
import { silentTelemetry } from '@activation-hub/telemetry';
import { afterEach, expect, test } from 'vitest';
import { metaCustomAudiences } from './destination.ts';
import { metaErrors } from './errors.ts';
import { judgeUsers, metaError } from './response.ts';
import { metaSettings, type MetaOptions, metaOptions } from './settings.ts';
import { startMetaCustomAudiencesVendor } from './vendor.ts';

const accessToken = new Secret('token-not-to-be-seen');
const appSecret = new Secret('app-secret-not-to-be-seen');
const adAccountId = '1234567890';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const hides = 'Meta does not say whom it knows: a hash that matches nobody is taken';

describeDestinationContract(test, {
  definition: metaCustomAudiences,
  settings: ({ origin, timeoutMs }) => ({ accessToken, appSecret, adAccountId, baseUrl: origin, timeoutMs }),
  options: { audience: 'Sports Fans' },
  startVendor: startMetaCustomAudiencesVendor,
  errors: metaErrors,
  person: (number) => ({
    identity: { namespace: 'email', value: sha256(`person-${number}@example.com`) },
    attributes: { FN: `Forename${number}`, CT: `Ville-${number}-sur-Mer` },
  }),
  leftOut: {
    'person-unknown': hides,
    'person-erased': hides,
    update: 'Meta keeps hashes by which it finds a person, and no attributes to compare',
    'bad-row':
      'Meta counts what it refuses and names no row: the batch is halved around the connector, which is tested below',
    'partial-answer': 'Meta answers with counts and names no row: the batch is halved, as for a bad row',
  },
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;
const hasty = { ...systemClock, sleep: () => Promise.resolve() };

async function start(settings: object = {}) {
  const vendor = await startMetaCustomAudiencesVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const parsed = metaSettings.parse({ accessToken, adAccountId, baseUrl: `${vendor.origin}/`, ...settings });
  const connector = metaCustomAudiences.connect(parsed, { http, now: () => 1_000, print: () => undefined });
  const tellings = () =>
    vendor.requests
      .filter(({ url }) => url.endsWith('/users'))
      .map(({ method, body }): Record<string, string> => ({
        method,
        ...Object.fromEntries(new URLSearchParams(body)),
      }));
  return { vendor, connector, tellings };
}

const options = (written: object = { audience: 'Sports Fans' }): MetaOptions => metaOptions.parse(written);
interface About {
  readonly namespace?: string;
  readonly value?: string;
  readonly attributes?: Readonly<Record<string, JsonValue>>;
  readonly previous?: Readonly<Record<string, JsonValue>>;
  readonly of?: MetaOptions;
}
const delivery = (number: number, about: About = {}): Delivery<MetaOptions> => ({
  change: {
    id: `change-${number}`,
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1' },
    identity: { namespace: about.namespace ?? 'email', value: about.value ?? sha256(`ann-${number}@example.com`) },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes: about.attributes ?? {},
    ...(about.previous !== undefined && { previousAttributes: about.previous }),
  },
  options: about.of ?? options(),
});
const statuses = (verdicts: readonly { id: string; status: string }[]) =>
  Object.fromEntries(verdicts.map(({ id, status }) => [id, status]));

test('an entry is a batch of hashes with the token, its proof and a session of its own in the body', async () => {
  const { vendor, connector } = await start({ appSecret });
  const attributes = { FN: ' Mary ', PHONE: '+47 22 12 34 56', COUNTRY: 'United States', ZIP: 'n/a' };
  await connector.enter([delivery(1, { attributes }), delivery(2)], never);
  expect(vendor.requests.map(({ method, url }) => `${method} ${url.split('?')[0] ?? ''}`)).toEqual([
    'GET /v27.0/act_1234567890/customaudiences',
    'POST /v27.0/23850000000000001/users',
  ]);
  const find = Object.fromEntries(new URL(vendor.requests[0]?.url ?? '', vendor.origin).searchParams);
  const [, add] = vendor.requests.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
  expect(vendor.requests[0]?.headers).toMatchObject({ authorization: `Bearer ${accessToken.reveal()}` });
  const credentials = {
    access_token: accessToken.reveal(),
    appsecret_proof: createHmac('sha256', appSecret.reveal()).update(accessToken.reveal()).digest('hex'),
  };
  expect(find).toEqual({
    fields: 'id,name,subtype,operation_status,permission_for_actions,is_value_based',
    limit: '500',
    appsecret_proof: credentials.appsecret_proof,
  });
  const { payload = '', session = '', ...others } = add ?? {};
  expect(others).toEqual(credentials);
  // Meta's own vectors, for the first name Mary and the country United States.
  const mary = '6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec';
  const us = '79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621';
  expect(JSON.parse(payload)).toEqual({
    schema: ['EMAIL', 'PHONE', 'FN', 'COUNTRY'],
    data: [
      [sha256('ann-1@example.com'), sha256('4722123456'), mary, us],
      [sha256('ann-2@example.com'), '', '', ''],
    ],
  });
  expect(JSON.parse(session)).toEqual({
    session_id: 64_070_994_612_480,
    batch_seq: 1,
    last_batch_flag: true,
    estimated_num_total: 2,
  });
});

test('an exit is a removal of the same hashes, and without an app secret there is no proof', async () => {
  const { vendor, connector, tellings } = await start();
  await connector.enter([delivery(1)], never);
  await connector.exit([delivery(1), delivery(2)], never);
  const [add, { session, ...remove } = {}] = tellings();
  expect(session).toMatch(/"batch_seq":1/);
  expect(remove).toEqual({
    method: 'DELETE',
    payload: JSON.stringify({
      schema: ['EMAIL'],
      data: [[sha256('ann-1@example.com')], [sha256('ann-2@example.com')]],
    }),
    access_token: accessToken.reveal(),
  });
  expect(add).toMatchObject({ method: 'POST' });
  expect(vendor.member(sha256('ann-1@example.com'))).toBeUndefined();
});

test('persons whose data is of limited use are told as such, where they enter', async () => {
  const { connector, tellings } = await start({ dataProcessing: { country: 1, state: 1000 } });
  await connector.enter([delivery(1)], never);
  await connector.exit([delivery(1)], never);
  const [entry, removal] = tellings().map(({ payload }): unknown => JSON.parse(payload ?? ''));
  const options = ['DATA_PROCESSING_OPTIONS', 'DATA_PROCESSING_OPTIONS_COUNTRY', 'DATA_PROCESSING_OPTIONS_STATE'];
  expect(entry).toEqual({ schema: ['EMAIL', ...options], data: [[sha256('ann-1@example.com'), ['LDU'], 1, 1000]] });
  expect(removal).toEqual({ schema: ['EMAIL'], data: [[sha256('ann-1@example.com')]] });
});

const oldPhone = '+47 22 12 34 56';
const newPhone = '+47 22 99 99 99';

test.each(['update', 'enter'] as const)(
  'an %s whose keys changed takes the person out under the earlier ones first',
  async (method) => {
    const { vendor, connector, tellings } = await start();
    await connector.enter([delivery(1, { attributes: { PHONE: oldPhone } }), delivery(2)], never);
    const moved = delivery(1, { attributes: { PHONE: newPhone }, previous: { PHONE: oldPhone, unmapped: 'x' } });
    const alike = delivery(2, { attributes: { FN: 'Ann' }, previous: {} });
    const same = delivery(3, { attributes: { PHONE: '22123456', FN: 'Ann' }, previous: { PHONE: 'n/a', FN: ' ANN' } });
    expect(statuses(await connector[method]([moved, alike, same], never))).toEqual({
      'change-1': 'delivered',
      'change-2': 'delivered',
      'change-3': 'delivered',
    });
    expect(vendor.member(sha256('4722123456'))).toBeUndefined();
    expect(vendor.member(sha256('4722999999'))).toBeDefined();
    const [, removal, addition, ...more] = tellings();
    expect(more).toEqual([]);
    expect(removal).toMatchObject({ method: 'DELETE' });
    expect(JSON.parse(removal?.payload ?? '')).toEqual({
      schema: ['EMAIL', 'PHONE'],
      data: [[sha256('ann-1@example.com'), sha256('4722123456')]],
    });
    expect((JSON.parse(addition?.payload ?? '') as { data: unknown[] }).data).toHaveLength(3);
  },
);

test('what of the removal fails is tried again, and is not added', async () => {
  const { vendor, connector, tellings } = await start();
  const moved = delivery(1, { attributes: { PHONE: newPhone }, previous: { PHONE: oldPhone } });
  vendor.omit(sha256('4722123456'));
  expect(await connector.update([moved, delivery(2)], never)).toEqual([
    {
      id: 'change-1',
      status: 'retry',
      reason: 'Meta did not take the person out under the earlier keys',
      doubt: 'answered',
    },
    { id: 'change-2', status: 'delivered' },
  ]);
  expect(tellings()).toHaveLength(2);
  expect(vendor.member(sha256('4722999999'))).toBeUndefined();
});

test('when the addition fails after the removal, Meta has changed something', async () => {
  const { vendor, connector, tellings } = await start();
  await connector.enter([delivery(2)], never);
  const moved = delivery(1, { attributes: { PHONE: newPhone }, previous: { PHONE: oldPhone } });
  const removal = vendor.nextRequest().then(() => vendor.setFault({ kind: 'status', status: 429 }));
  await expect(connector.update([moved], never)).rejects.toMatchObject({ class: 'throttled', doubt: 'answered' });
  await removal;
  expect(tellings()).toHaveLength(3);
});

test('the repetition of a batch is a session of its own, which Meta does not drop', async () => {
  const { vendor, connector, tellings } = await start();
  await connector.enter([delivery(1)], never);
  await connector.exit([delivery(1)], never);
  await connector.enter([delivery(1)], never);
  expect(vendor.member(sha256('ann-1@example.com'))).toBeDefined();
  const sessions = tellings().map(({ session }) => (JSON.parse(session ?? '') as { session_id: number }).session_id);
  expect(new Set(sessions).size).toBe(3);
  for (const id of sessions) expect(Number.isSafeInteger(id) && id > 0).toBe(true);
});

test('each namespace has its key, and one without a key is refused', async () => {
  const { connector, tellings } = await start({ identifiers: { email: 'EMAIL', crmid: 'EXTERN_ID' } });
  const changes = [delivery(1), delivery(2, { namespace: 'crmid', value: 'C-2' }), delivery(3, { namespace: 'ecid' })];
  expect(statuses(await connector.enter(changes, never))).toEqual({
    'change-1': 'delivered',
    'change-2': 'delivered',
    'change-3': 'rejected',
  });
  expect(JSON.parse(tellings()[0]?.payload ?? '')).toEqual({
    schema: ['EMAIL', 'EXTERN_ID'],
    data: [
      [sha256('ann-1@example.com'), ''],
      ['', 'C-2'],
    ],
  });
  expect(statuses(await connector.enter(changes.slice(2), never))).toEqual({ 'change-3': 'rejected' });
  expect(tellings()).toHaveLength(1);
});

test('identities are known by the form in which Meta matches them', () => {
  const identifiers = { email: 'EMAIL', tel: 'PHONE', gaid: 'MADID', crmid: 'EXTERN_ID' };
  const settings = (more = {}) => metaSettings.parse({ accessToken, adAccountId, identifiers, ...more });
  const form = (namespace: string, value: string, more = {}) =>
    metaCustomAudiences.identity?.({ namespace, value }, settings(more));
  const hash = sha256('mary@example.com');
  expect(form('email', ' Mary@Example.com ')).toEqual({ status: 'formed', value: hash });
  expect(form('email', hash.toUpperCase())).toEqual({ status: 'formed', value: hash });
  expect(form('tel', '+47 22 12 34 56')).toEqual({ status: 'formed', value: sha256('4722123456') });
  expect(form('tel', '22 12 34 56', { defaultCountry: 'NO' })).toEqual({
    status: 'formed',
    value: sha256('4722123456'),
  });
  expect(form('gaid', '38400000-8CF0-11BD-B23E-10B96E40000D')).toEqual({
    status: 'formed',
    value: '38400000-8cf0-11bd-b23e-10b96e40000d',
  });
  expect(form('crmid', ' C-2 ')).toEqual({ status: 'formed', value: 'C-2' });
  for (const [namespace, value] of [
    ['email', 'mary'],
    ['tel', '22 12 34 56'],
    ['crmid', ' '],
    ['ecid', '7'],
    ['constructor', 'x'],
  ] as const) {
    expect(form(namespace, value)).toMatchObject({ status: 'refused' });
  }
});

test('an attribute that is no key of Meta is set-up, with the keys that there are', async () => {
  const { vendor, connector } = await start();
  const attributes = { firstname: 'Mary' };
  const told = connector.enter([delivery(1), delivery(2, { attributes })], never);
  await expect(told).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
  await expect(told).rejects.toThrow(/firstname.*EMAIL, PHONE, FN/);
  expect(vendor.requests).toEqual([]);
});

test('an audience is found on a later page, among those of the same name the oldest, and looked up once', async () => {
  const { vendor, connector } = await start();
  for (const name of ['a', 'b', 'c', 'Sports Fans', 'sports fans']) vendor.addAudience({ name });
  await connector.enter([delivery(1)], never);
  await connector.enter([delivery(2)], never);
  expect(vendor.requests.map(({ url }) => url.split('/')[2])).toEqual([
    ...Array.from({ length: 3 }, () => 'act_1234567890'),
    '23850000000000001',
    '23850000000000001',
  ]);
  expect(await connector.probe?.([options()], never)).toEqual([
    'Found 2 custom audiences called "Sports Fans": the oldest is used. Name it by audienceId.',
  ]);
});

test('an audience is created once when the options allow it, and all workers take the oldest', async () => {
  const { vendor, connector } = await start();
  const of = options({ audience: 'New', createAudience: true, customerFileSource: 'USER_PROVIDED_ONLY' });
  expect(await connector.probe?.([of], never)).toEqual([]);
  await Promise.all([1, 2, 3].map((number) => connector.enter([delivery(number, { of })], never)));
  expect(vendor.audiences).toEqual(['Sports Fans', 'New']);
  const create = vendor.requests.map(({ body }) => new URLSearchParams(body)).find((form) => form.has('name'));
  expect(Object.fromEntries(create ?? [])).toEqual({
    name: 'New',
    subtype: 'CUSTOM',
    description: 'Kept by Activation Hub',
    customer_file_source: 'USER_PROVIDED_ONLY',
    access_token: accessToken.reveal(),
  });
  expect(await connector.probe?.([of, options()], never)).toEqual([]);
});

test('an audience that is missing, closed or of another kind is set-up, and no change is sent', async () => {
  const { vendor, connector, tellings } = await start();
  const blocked = vendor.addAudience({ name: 'Blocked', statusCode: 471 });
  vendor.addAudience({ name: 'Lookalike', subtype: 'LOOKALIKE' });
  vendor.addAudience({ name: 'Theirs', canEdit: false });
  const wrong = [
    { audience: 'Nobody' },
    { audienceId: '7' },
    { audienceId: blocked },
    { audience: 'Lookalike' },
    { audience: 'Theirs' },
  ].map(options);
  for (const of of wrong) {
    await expect(connector.enter([delivery(1, { of })], never)).rejects.toMatchObject({
      class: 'set-up',
      doubt: undefined,
    });
  }
  const problems = (await connector.probe?.([...wrong, options()], never)) ?? [];
  expect(problems).toHaveLength(5);
  for (const problem of problems) expect(problem).toMatch(/^Failed to .*\. [A-Z].*\.$/);
  expect(tellings()).toEqual([]);
});

test('an audience that is gone is looked for anew', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery(1)], never);
  vendor.deleteAudience('23850000000000001');
  await expect(connector.enter([delivery(2)], never)).rejects.toMatchObject({ class: 'set-up', doubt: undefined });
  vendor.addAudience({ name: 'Sports Fans' });
  expect(statuses(await connector.enter([delivery(2)], never))).toEqual({ 'change-2': 'delivered' });
});

test.each<['refuse' | 'omit', string]>([
  ['refuse', 'rejected'],
  ['omit', 'retry'],
])('the row of whom Meta does %s is found by halves and costs nobody else', async (what, status) => {
  const { vendor, connector } = await start();
  vendor[what](sha256('ann-11@example.com'));
  const target = createTarget(
    {
      key: 'ads',
      connector,
      limits: { batchCount: 10_000, batchBytes: 1024 * 1024, requestsPerSecond: 1_000, concurrency: 4 },
      batchBy: 'route',
      giveUpAfterMs: 1_000,
    },
    hasty,
  );
  const batch = Array.from({ length: 20 }, (_, number) => delivery(number));
  const options = { telemetry: silentTelemetry, clock: hasty, waitMaxMs: 5_000, signal: never };
  const results = await deliver(target, batch, options);
  expect(statuses([...results].map(([id, result]) => ({ id, ...result })))).toEqual(
    Object.fromEntries(batch.map(({ change: { id } }) => [id, id === 'change-11' ? status : 'delivered'])),
  );
});

const answer = (status: number, body: unknown = {}, headers = {}): HttpResponse => ({
  status,
  headers,
  body: JSON.stringify(body),
});
const row = (number: number, values: object = { EMAIL: 'e' }) => ({ id: `change-${number}`, values });

test.each<[string, number, number, readonly object[], string]>([
  ['nothing is invalid', 2, 0, [row(1), row(2)], 'delivered'],
  ['everything is invalid', 2, 2, [row(1), row(2)], 'rejected'],
  ['every value is invalid', 2, 3, [row(1, { EMAIL: 'e', FN: 'f' }), row(2)], 'rejected'],
  ['the one row is invalid', 1, 2, [row(1, { EMAIL: 'e', FN: 'f' })], 'rejected'],
  ['a part of the one row is invalid', 1, 1, [row(1, { EMAIL: 'e', FN: 'f' })], 'doubt'],
  ['nobody was received', 0, 0, [row(1), row(2)], 'retry'],
  ['some are invalid', 2, 1, [row(1), row(2)], 'halves'],
  ['as many values as rows are invalid', 2, 2, [row(1, { EMAIL: 'e', FN: 'f' }), row(2)], 'halves'],
  ['some were not received', 1, 0, [row(1), row(2)], 'halves'],
])('when %s, that is the verdict', (_what, received, invalid, rows, expected) => {
  const response = answer(200, { num_received: received, num_invalid_entries: invalid, invalid_entry_samples: ['e'] });
  const judge = () => judgeUsers(response, rows as Parameters<typeof judgeUsers>[1], 0);
  if (expected === 'halves' || expected === 'doubt') {
    expect(judge).toThrow(expect.objectContaining({ class: 'invalid', doubt: 'answered' }));
  } else {
    expect(judge().map(({ status }) => status)).toEqual(rows.map(() => expected));
  }
});

const usage = {
  'x-business-use-case-usage':
    '{"1":[{"type":"custom_audience","call_count":100,"estimated_time_to_regain_access":7}],"2":[{"type":"ads_management"}]}',
};
const error = (code: number, subcode?: number, more = {}) => ({
  error: {
    message: 'no',
    type: 'OAuthException',
    code,
    ...(subcode === undefined ? {} : { error_subcode: subcode }),
    ...more,
  },
});

test.each<[string, HttpResponse, Partial<DestinationError>]>([
  ['the limit of the app', answer(400, error(4)), { class: 'throttled', notBeforeMs: 61_000 }],
  ['the limit of the user', answer(400, error(17, 2_446_079), usage), { class: 'throttled', notBeforeMs: 421_000 }],
  ['the limit of a page', answer(403, error(32)), { class: 'throttled', notBeforeMs: 61_000 }],
  ['the limit of the ad account', answer(400, error(613, 1_487_742)), { class: 'throttled', notBeforeMs: 61_000 }],
  ['the limit of audiences', answer(400, error(80_003), usage), { class: 'throttled', notBeforeMs: 421_000 }],
  [
    'a limit with a header that cannot be read',
    answer(400, error(80_003), { 'x-business-use-case-usage': '{' }),
    { class: 'throttled', notBeforeMs: 61_000 },
  ],
  [
    'a limit with Retry-After',
    answer(429, error(4), { 'retry-after': '5' }),
    { class: 'throttled', notBeforeMs: 6_000 },
  ],
  ['a token that expired', answer(400, error(190, 463)), { class: 'set-up', doubt: undefined }],
  ['an audience that is not there', answer(400, error(100, 33)), { class: 'set-up' }],
  ['an audience that is restricted', answer(400, error(100, 1_713_230)), { class: 'set-up' }],
  ['options that nobody accepted', answer(400, error(200, 1_870_090)), { class: 'set-up' }],
  ['an audience that was deleted', answer(400, error(1_487_366)), { class: 'set-up' }],
  ['a version that has ended', answer(400, error(2_635)), { class: 'set-up', doubt: undefined }],
  ['an audience that is too old', answer(400, error(2_654, 1_713_004)), { class: 'set-up' }],
  ['an error inside of Meta', answer(400, error(-3, 1_234)), { class: 'transient', doubt: 'answered' }],
  ['an unknown error', answer(500, error(1)), { class: 'transient', doubt: 'answered' }],
  ['a service that is down', answer(503, error(2)), { class: 'transient', doubt: 'answered' }],
  ['what Meta calls transient', answer(400, error(9_999, 1, { is_transient: true })), { class: 'transient' }],
  ['an audience so small that it lets nobody out', answer(400, error(200, 1_870_047)), { class: 'set-up' }],
  ['an ad of another program', answer(400, error(100, 1_487_472)), { class: 'set-up', doubt: undefined }],
  ['an account in trouble', answer(400, error(3_910_001)), { class: 'transient' }],
  ['a bad parameter', answer(400, error(100)), { class: 'invalid', doubt: undefined }],
  ['too many parameters', answer(400, error(105)), { class: 'invalid', doubt: undefined }],
])('%s', (_what, response, expected) => {
  const judged = metaError(response, 1_000);
  expect(judged).toMatchObject(expected);
  expect(judged.message).toMatch(/^Failed to .*\. [A-Z].*\.$/);
});

test('the table has every code of the guide about errors, and no other by that source', () => {
  const guide = 'developers.facebook.com/docs/graph-api/guides/error-handling';
  const codes = '1 2 3 4 10 17 102 190 200 341 368 506 1609005 458 459 460 463 464 467 492'.split(' ');
  expect(codes.filter((code) => !metaErrors.has(code))).toEqual([]);
  const cited = [...metaErrors.values()].filter(({ source }) => source === guide);
  expect(cited.map(({ code }) => code).filter((code) => !codes.includes(code))).toEqual([]);
});

test.each([102, 190])('the subcode says what is to be done about a token, of %d', (code) => {
  expect(metaError(answer(400, error(code, 459)), 0).message).toContain('has to sign in at Facebook first');
});

test.each([
  [{}, 'either audience or audienceId'],
  [{ audience: 'a', audienceId: '1' }, 'either audience or audienceId'],
  [{ audienceId: '1', createAudience: true, customerFileSource: 'USER_PROVIDED_ONLY' }, 'cannot be created'],
  [{ audience: 'a', createAudience: true }, 'customerFileSource together'],
])('the options %j are refused', (written, sentence) => {
  expect(() => options(written)).toThrow(sentence);
});
