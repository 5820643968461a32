import { linkKey, linkOf, linkRecord, type LedgerRecord, type LedgerRow } from '@activation-hub/membership';
import { exampleRecord, exampleState, readable } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { fansKey, openActivation } from '../testing/index.ts';
import { rememberLinks, withoutDigest, type TakenOut } from './remember-links.ts';
import { Tally } from './tally.ts';

const { signal } = new AbortController();
const key = fansKey();
const ofLink = linkKey(key, { namespace: 'ecid', value: 'e1' });
const state = exampleState();

/** A person of whom nothing is open, with the parts of it that are remembered. */
function takenOut(row: LedgerRow | undefined, over: Partial<TakenOut> = {}): TakenOut {
  const person = { state, identities: [key.identity], linkDigest: 'links' } as unknown as TakenOut['person'];
  const desired = { key, state } as unknown as TakenOut['chosen'][number]['desired'];
  return {
    person,
    ledgerName: 'crm',
    chosen: [{ desired, row }],
    linkKeys: [ofLink],
    links: [undefined],
    formers: [],
    asOf: state,
    isOutdated: false,
    isShared: false,
    rows: [],
    isUnread: false,
    leaving: [],
    isToBeLookedAt: false,
    ...over,
  };
}

/** Remembers the links of a person with this record, in a ledger that has what is given besides. */
async function remember(record: LedgerRecord | undefined, over: Partial<TakenOut> = {}, link?: LedgerRecord) {
  const { context } = openActivation();
  const { ledger } = context;
  const written = record === undefined ? [] : [{ key, record, expected: undefined }];
  await ledger.write(
    [...written, ...(link === undefined ? [] : [{ key: ofLink, record: link, expected: undefined }])],
    signal,
  );
  const [row] = await readable(ledger).read([key], signal);
  const tally = new Tally(context);
  const each = takenOut(row, over);
  const lost = await rememberLinks([each], { context, deadline: signal, settleBy: signal, tally });
  const [after, linked] = await readable(ledger).read([key, ofLink], signal);
  return { each, lost, writes: tally.ledgerWrites, record: after?.record, link: linked?.record };
}

const full = exampleRecord({
  rowState: { is: 'deferred', chainId: 'r1' },
  attributes: { mail: 'b' },
  deliveredAttributes: { mail: 'a' },
  deliveredAtMs: 7,
  inDoubt: true,
  knownDigest: 'before',
  history: 'xe,1,2',
});

test('a row of a person who was followed has the digest of these identities, and everything else that it had', async () => {
  const { knownDigest: before, ...rest } = full;
  expect(before).toBe('before');
  const { record, link, lost, writes } = await remember(full);
  expect(record).toStrictEqual({ ...rest, linkDigest: 'links' });
  expect(linkOf(link ?? full)).toEqual({ identities: [key.identity], leaving: [] });
  expect([lost, writes]).toEqual([[], 2]);
});

test('a row of a person who left, which others had as a former identity, goes on to remember these', async () => {
  const formerOf = [{ namespace: 'crmid', value: 'C-2', linkDigest: 'of the other' }];
  const { record } = await remember(exampleRecord({ known: exampleState({ isMember: false }), formerOf }));
  expect(record).toMatchObject({ linkDigest: 'links', formerOf });
});

test('a row that another process is telling again is left to it: with an outdated digest the person is looked at again', async () => {
  const leased = { is: 'leased', holder: 'another', expiresAtMs: Number.MAX_SAFE_INTEGER } as const;
  const outdated = exampleRecord({ rowState: leased, linkDigest: 'before' });
  const kept = await remember(outdated);
  expect([kept.lost, kept.writes, kept.record, kept.link]).toEqual([[kept.each], 0, outdated, undefined]);
  const without = exampleRecord({ rowState: leased });
  const moved = await remember(without);
  expect([moved.lost, moved.writes, moved.record]).toEqual([[], 1, without]);
  // No call waits for an expired lease.
  const over = exampleRecord({ rowState: { ...leased, expiresAtMs: 1 }, linkDigest: 'before' });
  expect((await remember(over)).record).toMatchObject({ linkDigest: 'links' });
});

test('a row that has this very digest is not written', async () => {
  const right = exampleRecord({ linkDigest: 'links' });
  expect(await remember(right)).toMatchObject({ lost: [], writes: 1, record: right });
});

test('a row gets no column without a value', async () => {
  const bare: LedgerRecord = { known: state, rowState: { is: 'noted' }, attributes: {}, inDoubt: false };
  const person = { state, identities: [], linkDigest: '' } as unknown as TakenOut['person'];
  expect((await remember(bare, { person })).record).toStrictEqual(bare);
  expect(withoutDigest(key, { record: bare, version: '1' })).toBeUndefined();
});

test('where another process has written the link in between, the rows are left as they are, and the person is looked at again', async () => {
  const link = linkRecord(state, { identities: [], leaving: [] }, 'other');
  const { each, lost, record, writes } = await remember(full, {}, link);
  expect(lost).toEqual([each]);
  expect([record, writes]).toEqual([full, 0]);
});

test('an export that is older than the links writes none of them', async () => {
  const { link, record, writes } = await remember(full, { isOutdated: true });
  expect([link, record, writes]).toEqual([undefined, full, 0]);
});

test('a row that was erased meanwhile is not made again', async () => {
  const { record, writes } = await remember(undefined);
  expect([record, writes]).toEqual([undefined, 1]);
});

test('while a former identity is paused the rows lose their digest', async () => {
  const { record } = await remember(exampleRecord({ linkDigest: 'links' }), { isToBeLookedAt: true });
  expect(record).toStrictEqual({ ...exampleRecord(), knownDigest: 'links' });
});

test('a row that knows something newer is another export’s to write', async () => {
  const newer = { ...full, known: { ...state, qualifiedAtMs: state.qualifiedAtMs + 1 } };
  const { record, link, lost } = await remember(newer);
  expect(record).toEqual(newer);
  expect(link).toBeDefined();
  expect(lost).toEqual([]);
});
