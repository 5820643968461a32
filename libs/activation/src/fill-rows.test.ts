import { hash } from 'node:crypto';
import { createTarget } from '@activation-hub/delivery';
import {
  InMemoryLedger,
  isUnreadableRow,
  linkKey,
  linkOf,
  linkRecord,
  type Identity,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type MembershipState,
  type UnreadableRow,
} from '@activation-hub/membership';
import { expect, test } from 'vitest';
import {
  exitedAt,
  fansId,
  memberAt,
  noonMs,
  openActivation,
  putRow,
  rowOf,
  travellersId,
  untoldRowOf,
} from '../testing/index.ts';
import { fillLinks, fillRows, type FilledRow } from './fill-rows.ts';

const { signal } = new AbortController();
const fans = { namespace: 'ups', id: fansId };
const travellers = { namespace: 'ups', id: travellersId };

const route = (destination: string, more = ''): string =>
  `{ destination: ${destination}, identity: [email], follow: ecid${more} }`;
const fileOf = (over: { readonly ads?: string; readonly crm?: string } = {}): string => `
version: 1
destinations:
  crm: { type: recording }
  ads: { type: recording }
  mail: { type: recording }
audiences:
  sports-fans: { id: ${fansId}, activate: [${over.crm ?? route('crm')}, ${over.ads ?? route('ads')}, ${route('mail')}] }
  travellers: { id: ${travellersId}, activate: [${route('crm')}, ${route('ads')}] }
`;

/** A ledger that remembers how many rows each read asks for. */
class ObservedLedger extends InMemoryLedger {
  readonly reads: number[] = [];

  override async read(
    keys: readonly LedgerKey[],
    readSignal: AbortSignal,
  ): Promise<readonly (LedgerRow | undefined)[]> {
    this.reads.push(keys.length);
    return await super.read(keys, readSignal);
  }
}

/** How the new destination writes an identity. */
type Form = (identity: Identity) => string | undefined;

/** The fans at `ads` that are filled from `crm`, beside a ledger that a test writes. */
function open(file = fileOf(), form?: Form, over: { readonly destination?: string; readonly source?: string } = {}) {
  const ledger = new ObservedLedger();
  const { context, ads } = openActivation({ file, ledger });
  const limits = { batchCount: 5, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 2 };
  const formed =
    form === undefined
      ? []
      : ([
          [
            'ads',
            createTarget(
              { key: 'ads', connector: ads, limits, batchBy: 'destination', giveUpAfterMs: 0, formIdentity: form },
              context.clock,
            ),
          ],
        ] as const);
  const targets = new Map([...context.targets, ...formed]);
  const place = {
    context: { ...context, targets },
    destination: 'ads',
    source: 'crm',
    audience: 'sports-fans',
    ...over,
  };
  const put = async (key: LedgerKey, record: LedgerRecord): Promise<void> => {
    await putRow(ledger, key, record);
    ledger.reads.length = 0;
  };
  return {
    ledger,
    place,
    put,
    filled: async (): Promise<readonly (FilledRow | 'unresolved' | 'unsettled' | UnreadableRow)[]> =>
      await Array.fromAsync(fillRows(place, signal)),
    told: async (): Promise<readonly string[]> =>
      (await Array.fromAsync(fillRows(place, signal))).map((row) =>
        typeof row === 'string'
          ? row
          : isUnreadableRow(row)
            ? row.unreadable
            : `${row.key.destination} ${row.key.identity.value}`,
      ),
    /** What the link of the person says at that destination. */
    link: async (destination: string, audience = fans) =>
      (await ledger.read([linkKey({ destination, audience }, ecid)], signal))[0],
  };
}

const email = (value: string): Identity => ({ namespace: 'email', value });
const ecid: Identity = { namespace: 'ecid', value: '7' };
const keyOf = (value: string, destination = 'crm', audience = fans): LedgerKey => ({
  destination,
  identity: email(value),
  audience,
});

test('only rows of the source, of the audience and of the file are filled from', async () => {
  const { put, told } = open();
  await put(keyOf('a'), rowOf(memberAt()));
  await put(keyOf('b', 'mail'), rowOf(memberAt()));
  await put(keyOf('c', 'crm', travellers), rowOf(memberAt()));
  await put(keyOf('d', 'crm', { namespace: 'ups', id: 'gone' }), rowOf(memberAt()));
  expect(await told()).toEqual(['ads a']);
});

test('a row that waits at the source is unsettled, whether a retry or another process has it, and of another audience it is not', async () => {
  const { put, told } = open();
  const deferred = { is: 'deferred', chainId: 'c1' } as const;
  await put(keyOf('a'), rowOf(memberAt(), { rowState: deferred }));
  await put(keyOf('b'), rowOf(memberAt(), { rowState: { is: 'leased', holder: 'it', expiresAtMs: noonMs } }));
  await put(keyOf('c', 'crm', travellers), rowOf(memberAt(), { rowState: deferred }));
  expect(await told()).toEqual(['unsettled', 'unsettled', 'ads a', 'ads b']);
});

test('of two identities that are one at the new destination the newer state is told, wherever it stands', async () => {
  for (const [upperAt, lowerAt] of [
    [60, 0],
    [0, 60],
  ] as const) {
    const { put, filled } = open(fileOf(), ({ value }) => value.toLowerCase());
    await put(keyOf('ADA'), rowOf(memberAt(upperAt)));
    await put(keyOf('ada'), rowOf(memberAt(lowerAt)));
    expect(await filled()).toMatchObject([
      { key: { identity: email('ada') }, desired: { state: { qualifiedAtMs: noonMs + 60_000 } } },
    ]);
  }
});

test.each<[string, boolean, LedgerRecord | undefined]>([
  ['which was never told of the person', true, undefined],
  ['which was told of an exit', true, rowOf(exitedAt())],
  ['which knows of an earlier exit and was never told', true, untoldRowOf(exitedAt())],
  ['which waits for the entry', false, { ...rowOf(memberAt(), { rowState: { is: 'noted' } }), delivered: exitedAt() }],
  ['which has the person although an exit waits', false, rowOf(exitedAt(), { delivered: memberAt() })],
  ['which may have the person', false, rowOf(exitedAt(), { inDoubt: true })],
])(
  'an exit at the source is told to the new destination, %s, unless it has nothing to learn (%s)',
  async (_, isOnlyNoted, record) => {
    const { put, filled } = open();
    await put(keyOf('a'), rowOf(exitedAt(60)));
    if (record !== undefined) await put(keyOf('a', 'ads'), record);
    expect(await filled()).toMatchObject([{ key: keyOf('a', 'ads'), isOnlyNoted }]);
  },
);

test.each([
  ['newer', 60],
  ['as new', 0],
])('a person of whom the new destination has a state that is %s is not told again', async (_, at) => {
  const { put, told } = open();
  await put(keyOf('a'), rowOf(memberAt(0)));
  await put(keyOf('a', 'ads'), rowOf(memberAt(at)));
  expect(await told()).toEqual([]);
});

test.each(['shadow', 'paused', 'retired'])('a route whose mode is %s is not filled', async (mode) => {
  const { place, put, told, link } = open(fileOf({ ads: route('ads', `, mode: ${mode}`) }));
  await put(keyOf('a'), rowOf(memberAt()));
  await put(
    linkKey({ destination: 'crm', audience: fans }, ecid),
    linkRecord(memberAt(), { identities: [email('a')], leaving: [] }, ''),
  );
  expect(await told()).toEqual([]);
  await fillLinks(place, signal);
  expect(await link('ads')).toBeUndefined();
});

test('destinations are found under the names that their rows have', async () => {
  const file = fileOf().replace('crm: {', 'crm: { formerly: customers,').replace('ads: {', 'ads: { formerly: banners,');
  const { put, told, place, link } = open(file);
  await put(keyOf('a', 'customers'), rowOf(memberAt()));
  await put(
    linkKey({ destination: 'customers', audience: fans }, ecid),
    linkRecord(memberAt(), { identities: [email('a')], leaving: [] }, ''),
  );
  expect(await told()).toEqual(['banners a']);
  await fillLinks(place, signal);
  expect(await link('banners')).toBeDefined();
});

test('from a source that the file does not have, nothing is filled', async () => {
  const { put, told, place } = open(fileOf(), undefined, { source: 'gone' });
  await put(keyOf('a', 'gone'), rowOf(memberAt()));
  expect(await told()).toEqual([]);
  expect(await fillLinks(place, signal)).toEqual({ rows: 0, names: [] });
});

test('where the new destination is not set up, identities are as they are', async () => {
  const { put, place } = open();
  await put(keyOf('Ada'), rowOf(memberAt()));
  const context = { ...place.context, targets: new Map() };
  expect(await Array.fromAsync(fillRows({ ...place, context }, signal))).toMatchObject([{ key: keyOf('Ada', 'ads') }]);
});

const digest = hash('sha256', 'ada@example.com');

test.each([
  ['a digest', digest, false],
  ['a digest in upper case', digest.toUpperCase(), false],
  ['what is longer than a digest', `${digest}0`, true],
  ['what ends like a digest', `x${digest}`, true],
  ['a letter of digests', 'a', true],
])('a destination that does not hash is told of %s only where it can know it', async (_, value, isTold) => {
  const { put, told } = open();
  await put(keyOf(value), rowOf(memberAt()));
  expect(await told()).toEqual([isTold ? `ads ${value}` : 'unresolved']);
});

test('a destination that hashes takes a digest as it is', async () => {
  const hashing: Form = ({ namespace, value }) => {
    if (namespace !== 'email' || (value !== digest && !value.includes('@'))) return undefined;
    return value === digest ? value : hash('sha256', value);
  };
  const { put, told } = open(fileOf(), hashing);
  await put(keyOf(digest), rowOf(memberAt()));
  await put(keyOf('nobody'), rowOf(memberAt()));
  expect(await told()).toEqual(['unresolved', `ads ${digest}`]);
});

test('an identity that is a digest by its namespace is told to a destination that does not hash', async () => {
  const file = fileOf({ ads: route('ads').replace('email', 'email_lc_sha256') });
  const { put, told } = open(file);
  const identity = { namespace: 'email_lc_sha256', value: digest };
  await put({ ...keyOf(''), identity }, rowOf(memberAt()));
  expect(await told()).toEqual([`ads ${digest}`]);
});

test('attributes that both routes map come under the names of the new one, and no others', async () => {
  const file = fileOf({
    crm: route('crm', ', attributes: { first: person.name.firstName, last: person.name.lastName }'),
    ads: route('ads', ', attributes: { FN: person.name.firstName, LN: person.name.lastName, city: home.city }'),
  });
  const { put, filled } = open(file);
  await put(keyOf('a'), rowOf(memberAt(), { attributes: { first: 'Ada' } }));
  const [row] = await filled();
  expect(typeof row === 'object' && !isUnreadableRow(row) && row.desired.attributes).toStrictEqual({ FN: 'Ada' });
});

test.each([
  [0, []],
  [1, [1]],
  [100, [100]],
  [101, [100, 1]],
  [250, [100, 100, 50]],
])('%i rows are looked up a hundred at a time', async (count, reads) => {
  const { ledger, put, told, place } = open();
  for (let n = 0; n < count; n += 1) await put(keyOf(`p${n}`), rowOf(memberAt()));
  expect(await told()).toHaveLength(count);
  expect(ledger.reads).toEqual(reads);
  ledger.reads.length = 0;
  await fillLinks(place, signal);
  expect(ledger.reads).toEqual([]);
});

const linked = (state: MembershipState, identities: readonly string[], leaving: readonly string[] = []): LedgerRecord =>
  linkRecord(state, { identities: identities.map(email), leaving: leaving.map(email) }, 'digest');
const linkAt = (destination: string, audience = fans): LedgerKey => linkKey({ destination, audience }, ecid);

test('the link of a person is given to the new route as the source has it, to be looked at by the next export', async () => {
  const { put, place, link } = open();
  await put(linkAt('crm'), linked(memberAt(), ['a', 'b']));
  await put(keyOf('a'), rowOf(memberAt()));
  await fillLinks(place, signal);
  const { record } = (await link('ads')) ?? expect.unreachable();
  expect(record).toEqual(linkRecord(memberAt(), { identities: [email('a'), email('b')], leaving: [] }, ''));
});

test('the link of the new route names no identity that the route does not accept', async () => {
  const { put, place, link } = open();
  const crmid = { namespace: 'crmid', value: 'C-1' };
  await put(linkAt('crm'), linkRecord(memberAt(), { identities: [crmid, email('a')], leaving: [] }, ''));
  await fillLinks(place, signal);
  const { record } = (await link('ads')) ?? expect.unreachable();
  expect(linkOf(record).identities).toEqual([email('a')]);
});

test('a link of another destination, of another audience and of one that is gone is left where it is', async () => {
  const { put, place, ledger } = open();
  const gone = { namespace: 'ups', id: 'gone' };
  for (const key of [linkAt('mail'), linkAt('crm', travellers), linkAt('crm', gone)])
    await put(key, linked(memberAt(), ['a']));
  await fillLinks(place, signal);
  expect(ledger.size).toBe(3);
});

test('a link by an identity that the new route does not follow is left where it is', async () => {
  const { put, place, link } = open(fileOf({ ads: '{ destination: ads, identity: [email], follow: crmid }' }));
  await put(linkAt('crm'), linked(memberAt(), ['a']));
  await fillLinks(place, signal);
  expect(await link('ads')).toBeUndefined();
});

test.each([
  ['newer', 60],
  ['as new', 0],
])('a link of the new route that is %s stays as it is', async (_, at) => {
  const { put, place, link } = open();
  await put(linkAt('crm'), linked(memberAt(0), ['a']));
  await put(linkAt('ads'), linked(memberAt(at), ['b']));
  const before = await link('ads');
  await fillLinks(place, signal);
  expect(await link('ads')).toEqual(before);
});

test('what an older link of the new route says beside that is leaving', async () => {
  const { put, place, link } = open();
  await put(linkAt('crm'), linked(memberAt(60), ['a', 'b']));
  await put(linkAt('ads'), linked(memberAt(0), ['a', 'c'], ['b', 'd']));
  await fillLinks(place, signal);
  const { record } = (await link('ads')) ?? expect.unreachable();
  expect(linkOf(record)).toEqual({ identities: [email('a'), email('b')], leaving: [email('c'), email('d')] });
});
