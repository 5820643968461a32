import { expect, test } from 'vitest';
import { exampleKey, exampleRecord, exampleState } from '../testing/index.ts';
import { decide } from './decide.ts';
import {
  areRememberable,
  forgetFormerOf,
  formerOfText,
  hasRoomFor,
  isAsOf,
  isFormerOf,
  remember,
  rememberedRows,
  unlinked,
} from './former-of.ts';
import { refuseUnkeepableWrites } from './keepable-writes.ts';
import { keep, lease, note, settle } from './lease.ts';
import { formerOfCharactersMax, type FormerOf } from './ledger.ts';

const crmid = (value: string, linkDigest = 'a'): FormerOf => ({ namespace: 'crmid', value, linkDigest });
const [c1, c2] = [crmid('c1'), crmid('c2')];
const out = exampleState({ status: 'exited' });
const newer = exampleState({ status: 'exited', qualifiedAtMs: out.qualifiedAtMs + 1 });
const member = exampleState({ qualifiedAtMs: out.qualifiedAtMs + 2 });
/** As many characters of JSON as a row takes. */
const longest = crmid('x'.repeat(formerOfCharactersMax - '[["crmid","","a"]]'.length));

test('a row remembers identities once each, in the order in which they came', () => {
  expect(remember(undefined, undefined)).toBeUndefined();
  expect(remember(undefined, [])).toBeUndefined();
  expect(remember(undefined, [c1])).toEqual([c1]);
  expect(remember([c1], [c2, c1])).toEqual([c1, c2]);
  expect(remember([c1, c2], [crmid('c1', 'b')])).toEqual([crmid('c1', 'b'), c2]);
  expect(remember([c1], [{ ...c1, namespace: 'email' }])).toHaveLength(2);
});

test('what a row has no room for it does not remember, and nothing goes for it', () => {
  expect([areRememberable([longest]), areRememberable([crmid(`${longest.value}x`)])]).toEqual([true, false]);
  expect(formerOfText([longest])).toHaveLength(formerOfCharactersMax);
  expect(remember(undefined, [longest])).toEqual([longest]);
  expect(remember(undefined, [crmid(`${longest.value}x`)])).toBeUndefined();
  expect(remember([c1], [longest])).toEqual([c1]);
});

test('of several identities a row remembers those for which it has room, in their order', () => {
  const half = (name: string): FormerOf => crmid(name + 'x'.repeat(formerOfCharactersMax / 2 - 30));
  expect(remember([half('a')], [half('b'), half('c'), c1])).toEqual([half('a'), half('b'), c1]);
  // To the last character, with the comma between two.
  const rest = formerOfCharactersMax - formerOfText([c1, crmid('')]).length;
  expect(remember([c1], [crmid('x'.repeat(rest))])).toHaveLength(2);
  expect(remember([c1], [crmid('x'.repeat(rest + 1)), c2])).toEqual([c1, c2]);
  // Another digest of one takes the place of the first.
  expect(remember([longest], [{ ...longest, linkDigest: 'b' }])).toEqual([{ ...longest, linkDigest: 'b' }]);
  expect(remember([longest], [{ ...longest, linkDigest: 'bb' }])).toEqual([longest]);
});

test('a row that remembers no one yet takes several identities as far as they fit, each with its comma', () => {
  const half = (name: string): FormerOf => crmid(name + 'x'.repeat(formerOfCharactersMax / 2 - 30));
  expect(remember(undefined, [half('a'), half('b'), half('c')])).toEqual([half('a'), half('b')]);
  const rest = formerOfCharactersMax - formerOfText([c1, crmid('')]).length;
  expect(remember(undefined, [c1, crmid('x'.repeat(rest))])).toHaveLength(2);
  expect(remember(undefined, [c1, crmid('x'.repeat(rest + 1))])).toEqual([c1]);
  expect(remember(undefined, [crmid(`${longest.value}x`), crmid(`${longest.value}y`)])).toBeUndefined();
});

test('an identity fits by the length of its JSON, whichever part of it is long there', () => {
  // A character of which the JSON has six.
  const unit = (count: number): string => '\u001f'.repeat(count);
  const places = {
    namespace: { namespace: '', value: 'v', linkDigest: '' },
    value: { namespace: 'n', value: '', linkDigest: '' },
    linkDigest: { namespace: 'n', value: '', linkDigest: '' },
  };
  const fits = Math.floor((formerOfCharactersMax - '[["n","",""]]'.length) / 6);
  for (const [place, identity] of Object.entries(places))
    expect([fits, fits + 1].map((count) => areRememberable([{ ...identity, [place]: unit(count) }]))).toEqual([
      true,
      false,
    ]);
});

test('many identities fit by the length of their JSON, the comma between each two included', () => {
  const empty: FormerOf = { namespace: '', value: '', linkDigest: '' };
  const many = (count: number): FormerOf[] => Array.from({ length: count }, () => empty);
  const fits = Math.floor((formerOfCharactersMax - '[]'.length + ','.length) / '["","",""],'.length);
  expect(formerOfText(many(fits)).length).toBeLessThanOrEqual(formerOfCharactersMax);
  expect(formerOfText(many(fits + 1)).length).toBeGreaterThan(formerOfCharactersMax);
  expect([fits, fits + 1].map((count) => areRememberable(many(count)))).toEqual([true, false]);
});

test('a row has room for the identities that it remembers, and for others as far as they fit', () => {
  const row = exampleRecord({ known: out, formerOf: [c1] });
  expect([hasRoomFor(row, [c1]), hasRoomFor(row, [c2, c1]), hasRoomFor(row, [])]).toEqual([true, true, true]);
  expect(hasRoomFor(row, [longest])).toBe(false);
  expect(hasRoomFor(row, [c2, longest])).toBe(false);
  expect(hasRoomFor(exampleRecord({ known: out }), [longest])).toBe(true);
  expect(hasRoomFor(exampleRecord({ known: out }), [])).toBe(true);
  expect(hasRoomFor(exampleRecord({ known: out }), [crmid(`${longest.value}x`)])).toBe(false);
});

test('a row that remembers more than it may is refused, without a word of it', () => {
  const write = { key: exampleKey(1), record: exampleRecord({ known: out, formerOf: [longest] }), expected: undefined };
  expect(() => refuseUnkeepableWrites([write])).not.toThrow();
  const over = { ...write, record: { ...write.record, formerOf: [longest, c1] } };
  expect(() => refuseUnkeepableWrites([over])).toThrow(
    'the identities that a row for crm remembers take 2019 characters of JSON, and a row holds 2000',
  );
});

test('a row keeps whose it was until it is a member again', () => {
  const noted = note(undefined, { state: out, attributes: {}, formerOf: [c1] }, 'noted');
  expect(noted.formerOf).toEqual([c1]);
  const exiting = lease(noted, { state: newer, attributes: {}, formerOf: [c2] }, { holder: 'me', expiresAtMs: 1 });
  expect(exiting.formerOf).toEqual([c1, c2]);
  for (const outcome of ['delivered', 'rejected'] as const) expect(settle(exiting, outcome).formerOf).toEqual([c1, c2]);
  expect(note(noted, { state: newer, attributes: {} }, 'noted').formerOf).toEqual([c1]);
  const again = lease(noted, { state: member, attributes: {}, formerOf: [c2] }, { holder: 'me', expiresAtMs: 1 });
  expect(again).not.toHaveProperty('formerOf');
});

test('a row of which nothing is told knows the newer state, and keeps what became of the older', () => {
  const doubtful = exampleRecord({
    known: out,
    rowState: { is: 'rejected' },
    attributes: { name: 'Ada' },
    inDoubt: true,
    linkDigest: 'a',
    history: 'xx,mjv9m2s0,2s',
  });
  const kept = keep(doubtful, { state: newer, attributes: {}, formerOf: [c1] });
  expect(kept).toMatchObject({ known: newer, rowState: { is: 'rejected' }, attributes: { name: 'Ada' } });
  expect([kept.inDoubt, kept.history, kept.formerOf]).toEqual([true, 'xx,mjv9m2s0,2s', [c1]]);
  expect(kept).not.toHaveProperty('linkDigest');
  expect(keep({ ...doubtful, inDoubt: false }, { state: newer, attributes: {} }).inDoubt).toBe(false);
  // What is as old, or older, moves nothing; the digest says then from which export that comes.
  const older = exampleState({ status: 'exited', qualifiedAtMs: out.qualifiedAtMs - 1 });
  for (const state of [out, { ...out, content: 'other' }, older])
    expect(keep(doubtful, { state, attributes: {} })).toMatchObject({ known: out, knownDigest: 'a' });
});

test('a row answers for the identities that it remembers, while it knows no member', () => {
  const row = exampleRecord({ known: out, formerOf: [c1, c2] });
  expect([isFormerOf(row, [c2]), isFormerOf(row, [c1, c2]), isFormerOf(row, [])]).toEqual([true, true, true]);
  expect(isFormerOf(row, [c1, crmid('c3')])).toBe(false);
  expect(isFormerOf(exampleRecord({ known: out }), [c1])).toBe(false);
  expect(isFormerOf({ ...row, known: member }, [c1])).toBe(false);
  expect(isFormerOf(undefined, [])).toBe(false);
});

test('the state of a remembered row is of the export that was looked at, while the row has its digest, or had it last', () => {
  expect(isAsOf(exampleRecord({ linkDigest: 'a' }), c1)).toBe(true);
  expect(isAsOf(exampleRecord({ knownDigest: 'a' }), c1)).toBe(true);
  expect(isAsOf(exampleRecord({ linkDigest: 'b', knownDigest: 'a' }), c1)).toBe(false);
  expect(isAsOf(exampleRecord(), c1)).toBe(false);
});

test('what is forgotten is remembered no more, and a row that remembers none of it stays as it is', () => {
  const row = exampleRecord({ known: out, formerOf: [c1, c2] });
  expect(forgetFormerOf(row, new Set(['crmid\nc1']))).toEqual({ ...row, formerOf: [c2] });
  expect(forgetFormerOf(row, new Set(['crmid\nc1', 'crmid\nc2']))).not.toHaveProperty('formerOf');
  expect(forgetFormerOf(row, new Set(['email\nc1']))).toBeUndefined();
  expect(forgetFormerOf(exampleRecord(), new Set(['crmid\nc1']))).toBeUndefined();
});

test('the rows that a row remembers are of the same destination and audience', () => {
  const key = exampleKey(1);
  const identity = { namespace: 'crmid', value: 'c1' };
  expect(rememberedRows(key, exampleRecord({ formerOf: [c1] }))).toStrictEqual([{ of: c1, key: { ...key, identity } }]);
  expect(rememberedRows(key, exampleRecord())).toEqual([]);
});

test('a row without its digest is the same row, under the same lease, and says from which export it comes', () => {
  const key = exampleKey(1);
  const leased = exampleRecord({ rowState: { is: 'leased', holder: 'other', expiresAtMs: 1 }, linkDigest: 'a' });
  const { linkDigest, ...others } = leased;
  expect(unlinked(key, { record: leased, version: 'v1' })).toEqual({
    key,
    record: { ...others, knownDigest: linkDigest },
    expected: 'v1',
  });
  const plain = exampleRecord({ knownDigest: 'b' });
  expect(unlinked(key, { record: plain, version: 'v1' })).toEqual({ key, record: plain, expected: 'v1' });
});

test('a row that never had a digest is written as it is, and says of no export that it comes from it', () => {
  const never = exampleRecord();
  expect(unlinked(exampleKey(1), { record: never, version: 'v1' }).record).toStrictEqual(never);
});

test('a deferred row without its digest does not say from which export it comes: the next one moves it', () => {
  const deferred = exampleRecord({ rowState: { is: 'deferred', chainId: 'c', linkDigest: 'a' } });
  for (const digests of [{ linkDigest: 'a' }, { knownDigest: 'a' }, {}])
    expect(unlinked(exampleKey(1), { record: { ...deferred, ...digests }, version: 'v1' }).record).toStrictEqual(
      deferred,
    );
});

test('where there is no row there is one afterwards that is older than whatever an export says', () => {
  const { record, expected } = unlinked(exampleKey(1), undefined);
  expect(expected).toBeUndefined();
  expect(record).toStrictEqual({
    known: { ...record.known, status: 'exited', isMember: false, enqueuedAtMs: 0, sequenceNumber: 0, content: '' },
    rowState: { is: 'noted' },
    attributes: {},
    inDoubt: false,
  });
  // The last is the first time that an export can say.
  for (const qualifiedAt of ['1970-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '0000-01-01T00:00:00+23:59']) {
    const member = exampleState({ qualifiedAtMs: Date.parse(qualifiedAt) });
    expect(decide(record, member, 0)).toEqual({ action: 'deliver', kind: 'entered' });
  }
  expect(new Date(record.known.qualifiedAtMs).toISOString()).toBe('-271821-04-20T00:00:00.000Z');
});
