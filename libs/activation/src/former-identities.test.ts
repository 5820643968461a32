import { expect, test } from 'vitest';
import { exitedAt, fansKey, memberAt, rowOf, untoldRowOf } from '../testing/index.ts';
import { formersOf, isOut, rememberedOf, type Looked } from './former-identities.ts';

const key = { ...fansKey(), identity: { namespace: 'email', value: 'p' } };

/** What is looked at of a person with this customer id, who is not known under the address. */
function lookedAt(crmid: string, at: number, over: Partial<Looked> = {}): Looked {
  const identity = { namespace: 'crmid', value: crmid };
  const state = memberAt(at);
  const desired = { key: { ...key, identity } } as Looked['chosen'][number]['desired'];
  return {
    person: { state, identities: [identity], linkDigest: `digest of ${crmid}` } as unknown as Looked['person'],
    ledgerName: 'crm',
    chosen: [{ desired, row: { record: rowOf(state), version: '1' } }],
    linkKeys: [],
    links: [],
    formers: [{ identity: key.identity, key, row: undefined, isLinkedOnly: false }],
    asOf: state,
    isOutdated: false,
    isShared: false,
    rows: [],
    isUnread: false,
    ...over,
  };
}

/** The same, where the row of the address is there and remembers the customer already. */
function remembering(each: Looked, linkDigest = 'an earlier digest'): Looked {
  const formerOf = each.person.identities.map((identity) => ({ ...identity, linkDigest }));
  const row = { record: untoldRowOf(exitedAt(0), { formerOf }), version: '1' };
  return { ...each, formers: each.formers.map((former) => ({ ...former, row })) };
}

const rememberedBy = (each: Looked) => formersOf([each]).flatMap((shared) => rememberedOf(shared));

test('of the people of a former identity the newest is the one whose state is, and of one state the last', () => {
  const [older, newer, last] = [lookedAt('C-1', 0), lookedAt('C-2', 60), lookedAt('C-3', 60)];
  const newestOf = (...people: readonly Looked[]) => formersOf(people).map(({ newest }) => newest);
  expect(newestOf(older, newer)).toEqual([newer]);
  expect(newestOf(newer, older)).toEqual([newer]);
  expect(newestOf(older, newer, last)).toEqual([last]);
  expect(formersOf([older, newer])).toMatchObject([{ key, row: undefined, of: [{ each: older }, { each: newer }] }]);
  expect(formersOf([])).toEqual([]);
});

test('the row of a former identity remembers a person with the digest of the export', () => {
  const each = lookedAt('C-1', 60);
  const remembered = [{ namespace: 'crmid', value: 'C-1', linkDigest: 'digest of C-1' }];
  expect(rememberedBy(each)).toEqual(remembered);
  expect(rememberedBy(remembering(each))).toEqual(remembered);
  const without = { ...each.formers[0], row: { record: untoldRowOf(exitedAt(0)), version: '1' } };
  expect(rememberedBy({ ...each, formers: [without] as Looked['formers'] })).toEqual(remembered);
});

test('of a person whose own row a newer export has moved, the digest that is there stays', () => {
  const moved = (at: number): Looked => {
    const each = lookedAt('C-1', 60);
    return {
      ...each,
      chosen: each.chosen.map((of) => ({ ...of, row: { record: rowOf(memberAt(at)), version: '2' } })),
    };
  };
  expect(rememberedBy(remembering(moved(61)))).toEqual([]);
  expect(rememberedBy(remembering(moved(60)))).toHaveLength(1);
  expect(rememberedBy(moved(61))).toHaveLength(1);
});

test('of a person whose own row was erased meanwhile, the digest of the export is remembered', () => {
  const each = lookedAt('C-1', 60);
  const erased = { ...each, chosen: each.chosen.map((of) => ({ ...of, row: undefined })) };
  expect(rememberedBy(remembering(erased))).toHaveLength(1);
});

test('a row that a link alone names, or of which a newer export is known, remembers no one', () => {
  const each = lookedAt('C-1', 60);
  const linked = { ...each, formers: each.formers.map((former) => ({ ...former, isLinkedOnly: true })) };
  expect(rememberedBy(linked)).toEqual([]);
  expect(rememberedBy({ ...each, isOutdated: true })).toEqual([]);
});

test.each([
  ['took the exit', rowOf(exitedAt(0)), true],
  ['was never told', untoldRowOf(exitedAt(0)), true],
  ['has the member', rowOf(memberAt(0)), false],
  ['is still to be told', rowOf(exitedAt(0), { rowState: { is: 'deferred', chainId: 'r1' } }), false],
])('whether it is certain that a destination that %s has the person no more', (_, record, isCertain) => {
  expect(isOut(record)).toBe(isCertain);
});
