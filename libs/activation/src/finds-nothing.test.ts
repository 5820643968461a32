import {
  ledgerKeyText,
  linkKey,
  linkRecord,
  type Identity,
  type LedgerRecord,
  type LedgerRow,
} from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { defaultFile, fansId, fansKey, memberAt, openActivation, rowOf } from '../testing/index.ts';
import { foundNothing, isKnownToFindNothing } from './finds-nothing.ts';
import type { Looked } from './former-identities.ts';

const email = (value: string): Identity => ({ namespace: 'email', value });
const exitAt = (seconds: number) => ({ ...memberAt(seconds), isMember: false });
const leased = { is: 'leased', holder: 'another process', expiresAtMs: Infinity } as const;
/** As many people as a row remembers. */
const full = { formerOf: [{ namespace: 'crmid', value: 'x'.repeat(1_970), linkDigest: 'd' }] };
const at = (record: LedgerRecord | undefined): LedgerRow | undefined =>
  record === undefined ? undefined : { record, version: '1' };

interface Rows {
  readonly chosen?: LedgerRecord | undefined;
  readonly other?: LedgerRecord | undefined;
  readonly link?: LedgerRecord | undefined;
  readonly mode?: 'live' | 'paused';
  readonly over?: Partial<Looked>;
}

const chosenAs = (known: Parameters<typeof rowOf>[0] | undefined): Looked['chosen'][number] => ({
  desired: {} as Looked['chosen'][number]['desired'],
  row: at(known === undefined ? undefined : rowOf(known)),
});
const formerAs = (record: LedgerRecord): Looked['formers'][number] => ({
  identity: email('p'),
  key: { ...fansKey(), identity: email('p') },
  row: at(record),
  isLinkedOnly: false,
});

/** Whether the look at a person found nothing, who is a member since a minute after noon. */
function isQuiet({ mode = 'live', over = {}, ...rows }: Rows, { context } = openActivation()): boolean {
  const identities = [{ namespace: 'crmid', value: 'c' }];
  const person = {
    state: memberAt(60),
    identities,
    linkDigest: 'links',
    route: { mode },
  } as unknown as Looked['person'];
  const { chosen, other, link } = {
    chosen: rowOf(memberAt(60)),
    other: rowOf(exitAt(60), { rowState: { is: 'noted' }, ...full }),
    link: linkRecord(memberAt(60), { identities, leaving: [email('p')] }, 'links'),
    ...rows,
  };
  const key = { ...fansKey(), identity: email('p') };
  return foundNothing(
    {
      person,
      ledgerName: 'crm',
      chosen: [{ desired: {} as Looked['chosen'][number]['desired'], row: at(chosen) }],
      linkKeys: [key],
      links: [at(link)],
      formers: [{ identity: email('p'), key, row: at(other), isLinkedOnly: false }],
      asOf: memberAt(60),
      isOutdated: false,
      isShared: false,
      rows: [],
      isUnread: false,
      ...over,
    },
    context,
  );
}

test.each<[string, Rows]>([
  ['has no room to remember the person', {}],
  ['is a member by a newer export', { other: rowOf(memberAt(61)) }],
  ['is out as of a newer state', { other: rowOf(exitAt(61), full) }],
  [
    'is out as of the row of the person, whose export is newer',
    { chosen: rowOf(memberAt(30)), other: rowOf(exitAt(30), full) },
  ],
  [
    'is out as of the export, of which the row of the person is newer',
    { chosen: rowOf(memberAt(90)), other: rowOf(exitAt(60), full) },
  ],
  ['waits for a retry', { other: rowOf(exitAt(60), { rowState: { is: 'deferred', chainId: 'r' }, ...full }) }],
  ['is paused, and so is the route', { mode: 'paused', other: rowOf(exitAt(60), { rowState: { is: 'paused' } }) }],
  ['has room, and another identity of the person is shared', { over: { isShared: true }, other: rowOf(exitAt(60)) }],
])('a look finds nothing where the row of the other identity %s', (_, rows) => {
  expect(isQuiet(rows)).toBe(true);
});

test.each<[string, Rows]>([
  ['the person has no row', { chosen: undefined }],
  ['the row of the person has a digest, which must go', { chosen: rowOf(memberAt(60), { linkDigest: 'before' }) }],
  ['the row of the person waits', { chosen: rowOf(memberAt(60), { rowState: { is: 'deferred', chainId: 'r' } }) }],
  ['another process has the row of the person', { chosen: rowOf(memberAt(60), { rowState: leased }) }],
  ['no row of the person is settled', { over: { chosen: [] } }],
  ['one of two rows of the person waits', { over: { chosen: [chosenAs(memberAt(60)), chosenAs(undefined)] } }],
  [
    'one of two other identities is older',
    { over: { formers: [formerAs(rowOf(exitAt(60), full)), formerAs(rowOf(exitAt(59), full))] } },
  ],
  ['the other identity has no row', { other: undefined }],
  ['the row of the other identity has room', { other: rowOf(exitAt(60)) }],
  ['the row of the other identity is older', { other: rowOf(exitAt(59), full) }],
  ['the other identity is a member by the same state', { other: rowOf(memberAt(60)) }],
  ['the other identity is a member by an older export', { other: rowOf(memberAt(30)) }],
  ['another process takes the other identity out', { other: rowOf(exitAt(60), { rowState: leased, ...full }) }],
  ['the other identity waits as paused', { other: rowOf(exitAt(60), { rowState: { is: 'paused' }, ...full }) }],
  ['there is no link', { link: undefined }],
  ['the link is of another export', { link: linkRecord(memberAt(60), { identities: [], leaving: [] }, 'before') }],
  [
    'an identity leaves that the export has not',
    { link: linkRecord(memberAt(60), { identities: [], leaving: [email('gone')] }, 'links') },
  ],
  [
    'one of two identities leaves that the export has not',
    { link: linkRecord(memberAt(60), { identities: [], leaving: [email('p'), email('gone')] }, 'links') },
  ],
  ['a newer export is known', { over: { isOutdated: true } }],
])('a look finds something where %s', (_, rows) => {
  expect(isQuiet(rows)).toBe(false);
});

test('the cache has the rows of a look that found nothing, and none of one that found something', () => {
  const other = { ...fansKey(), identity: email('p') };
  const link = linkKey(fansKey(), { namespace: 'ecid', value: 'e' });
  const cached = (rows: Rows) => {
    const opened = openActivation();
    const { ledgerCache, clock } = opened.context;
    isQuiet({ ...rows, over: { linkKeys: [link] } }, opened);
    return [other, link].map((key) => ledgerCache.get(ledgerKeyText(key), clock.now())?.record.known.isMember);
  };
  expect(cached({})).toEqual([false, true]);
  expect(cached({ chosen: undefined })).toEqual([undefined, undefined]);
});

/** Whether the cache knows that a look at the same person would find nothing. */
function isKnownQuiet(chosen: LedgerRecord, other: LedgerRecord): boolean {
  const { context } = openActivation({ file: defaultFile.replace('crm: {', 'crm: { formerly: old,') });
  const identities = [{ namespace: 'crmid', value: 'c' }];
  const key = { ...fansKey('c'), destination: 'old' };
  const ecid = { namespace: 'ecid', value: 'e' };
  const person = {
    state: memberAt(60),
    identities,
    linkDigest: 'links',
    audience: { namespace: 'ups', ledgerId: fansId },
    profileExport: { identities: new Map(Object.entries({ ecid: ['e'], crmid: ['c'], email: ['p'] })) },
    form: ({ value }: Identity) => value,
    route: {
      destination: 'crm',
      mode: 'live',
      identityNamespaces: ['crmid', 'email'],
      identities: 'first',
      follow: ['ecid'],
    },
  } as unknown as Looked['person'];
  const remember = (of: typeof key, record: LedgerRecord): void =>
    context.ledgerCache.set(ledgerKeyText(of), { record, version: '1' }, context.clock.now());
  remember({ ...key, identity: email('p') }, other);
  remember(linkKey(key, ecid), linkRecord(memberAt(60), { identities, leaving: [email('p')] }, 'links'));
  const desired = { person, key } as Parameters<typeof isKnownToFindNothing>[0];
  return isKnownToFindNothing(desired, { record: chosen, version: '1' }, context);
}

test('the cache knows that a look finds nothing, by the name that the destination has in the ledger', () => {
  expect(isKnownQuiet(rowOf(memberAt(60)), rowOf(exitAt(60), full))).toBe(true);
});

test.each([
  ['the row of the person has a digest', rowOf(memberAt(60), { linkDigest: 'before' }), rowOf(exitAt(60), full)],
  ['the row of the other identity has room', rowOf(memberAt(60)), rowOf(exitAt(60))],
])('the cache knows no such thing where %s', (_, chosen, other) => {
  expect(isKnownQuiet(chosen, other)).toBe(false);
});
