import { InMemoryLedger, type Identity, type LedgerKey, type LedgerRecord } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { DisturbedLedger, exitedAt, fansKey, memberAt, openActivation, rowOf, untoldRowOf } from '../testing/index.ts';
import { Tally } from './tally.ts';
import { isMemberAgain, unlinkPeople } from './unlink-people.ts';

const { signal } = new AbortController();
const keyOf = (namespace: string, value: string): LedgerKey => ({ ...fansKey(), identity: { namespace, value } });
const [shared, work] = [keyOf('email', 'shared'), keyOf('email', 'work')];
const [c1, c2] = [keyOf('crmid', 'C-1'), keyOf('crmid', 'C-2')];
const of = ({ identity }: LedgerKey, linkDigest = 'both'): Identity & { linkDigest: string } => ({
  ...identity,
  linkDigest,
});
/** The row of an identity that was theirs until ten seconds after noon. */
const former = (...keys: readonly LedgerKey[]): LedgerRecord =>
  untoldRowOf(exitedAt(10), { formerOf: keys.map((key) => of(key)) });
const current = rowOf(memberAt(10), { linkDigest: 'both' });

type Rows = readonly (readonly [LedgerKey, LedgerRecord])[];
/** Each change makes the row of its key what the state says, at so many seconds after noon. */
type Changes = readonly (readonly [LedgerKey, ReturnType<typeof memberAt>])[];

/** Unlinks the people of these changes in a ledger with these rows, and gives what is written. */
async function unlink(rows: Rows, changes: Changes, disturb: (ledger: DisturbedLedger) => void = () => undefined) {
  const ledger = new DisturbedLedger();
  const { context } = openActivation({ ledger });
  await ledger.write(
    rows.map(([key, record]) => ({ key, record, expected: undefined })),
    signal,
  );
  const before = await ledger.read(
    rows.map(([key]) => key),
    signal,
  );
  const given = await Promise.all(
    changes.map(async ([key, state]) => ({
      key,
      state,
      row: (await InMemoryLedger.prototype.read.call(ledger, [key], signal))[0],
    })),
  );
  let calls = 0;
  ledger.beforeRead = () => void (calls += 1);
  disturb(ledger);
  const tally = new Tally(context);
  const open = await unlinkPeople(given, { context, tally }, signal);
  const recordOf = async (key: LedgerKey): Promise<LedgerRecord | undefined> =>
    (await InMemoryLedger.prototype.read.call(ledger, [key], signal))[0]?.record;
  const isWritten = async (key: LedgerKey): Promise<boolean> => {
    const [row] = await InMemoryLedger.prototype.read.call(ledger, [key], signal);
    return row?.version !== before[rows.findIndex(([each]) => each === key)]?.version;
  };
  return {
    open: given.filter((change) => open.has(change)).map(({ key }) => key),
    recordOf,
    isWritten,
    reads: calls,
    counted: [tally.ledgerReads, tally.ledgerWrites],
  };
}

const { linkDigest, ...undigested } = current;
const unlinkedRow = { ...undigested, knownDigest: linkDigest };

test('before the row of a former identity is a member’s again, the rows that it remembers lose their digests', async () => {
  const leased = { ...current, rowState: { is: 'leased', holder: 'another', expiresAtMs: Infinity } } as const;
  const rows: Rows = [
    [shared, former(c1, c2)],
    [c1, current],
    [c2, leased],
  ];
  const { open, recordOf, isWritten, counted } = await unlink(rows, [[shared, memberAt(60)]]);
  expect(open).toEqual([]);
  expect(await recordOf(c1)).toEqual(unlinkedRow);
  expect(await recordOf(c2)).toEqual({ ...unlinkedRow, rowState: leased.rowState });
  expect(await isWritten(shared)).toBe(false);
  expect(counted).toEqual([2, 2]);
});

test('a remembered row is written also where it has no digest, and where there is none', async () => {
  const rows: Rows = [
    [shared, former(c1, c2)],
    [c1, undigested],
  ];
  const { open, recordOf, isWritten } = await unlink(rows, [[shared, memberAt(60)]]);
  expect(open).toEqual([]);
  expect([await isWritten(c1), await recordOf(c1)]).toEqual([true, undigested]);
  expect(await recordOf(c2)).toMatchObject({ rowState: { is: 'noted' }, known: { isMember: false } });
});

test.each([
  ['that is no member’s', [shared, exitedAt(60)], former(c1)],
  ['that is older than the row', [shared, memberAt(9)], former(c1)],
  ['of a row that remembers no one', [shared, memberAt(60)], untoldRowOf(exitedAt(10))],
  ['of a key without a row', [work, memberAt(60)], former(c1)],
] as const)('a state %s takes no digest, and asks the ledger nothing', async (_, change, row) => {
  const rows: Rows = [
    [shared, row],
    [c1, current],
  ];
  const { open, recordOf, reads, counted } = await unlink(rows, [[change[0], change[1]]]);
  expect([open, reads, counted]).toEqual([[], 0, [0, 0]]);
  expect(await recordOf(c1)).toEqual(current);
});

test('the very state that a row knows makes it a member again, too', () => {
  const known = { ...exitedAt(10), isMember: false };
  const remembering = untoldRowOf(known, { formerOf: [of(c1)] });
  expect(isMemberAgain(remembering, { ...known, isMember: true })).toBe(true);
  expect(isMemberAgain(remembering, { ...known, isMember: true, sequenceNumber: known.sequenceNumber - 1 })).toBe(
    false,
  );
});

test('a row stays a former one, as of the newest export with the identities for which it was looked at', async () => {
  const rows: Rows = [
    [shared, former(c1, c2, work)],
    [c1, rowOf(memberAt(70), { linkDigest: 'both' })],
    [c2, rowOf({ ...memberAt(80), content: 'x' }, { knownDigest: 'both' })],
    // Of other identities: it says nothing about this row.
    [work, rowOf(memberAt(90), { linkDigest: 'others' })],
  ];
  const { open, recordOf, isWritten, counted } = await unlink(rows, [[shared, memberAt(60)]]);
  expect(open).toEqual([shared]);
  expect(await recordOf(shared)).toEqual({ ...former(c1, c2, work), known: { ...memberAt(80), isMember: false } });
  for (const key of [c1, c2, work]) expect(await isWritten(key)).toBe(false);
  expect(counted).toEqual([3, 1]);
});

test.each([10, 60])('an export of %d seconds after noon does not keep a row from a state of sixty', async (at) => {
  const rows: Rows = [
    [shared, former(c1)],
    [c1, rowOf(memberAt(at), { linkDigest: 'both' })],
  ];
  const { open, recordOf } = await unlink(rows, [[shared, memberAt(60)]]);
  expect(open).toEqual([]);
  expect(await recordOf(c1)).not.toHaveProperty('linkDigest');
  expect(await recordOf(shared)).toEqual(former(c1));
});

test('a change is looked at again when another process wrote a row in between that its row remembers', async () => {
  const rows: Rows = [
    [shared, former(c1, c2)],
    [work, former(c2)],
    [c1, current],
    [c2, current],
  ];
  const taken = rowOf(memberAt(20), { linkDigest: 'both' });
  const changes: Changes = [
    [shared, memberAt(60)],
    [work, memberAt(60)],
  ];
  const { open, recordOf, counted } = await unlink(rows, changes, (ledger) => {
    ledger.beforeWrite = (n) => (n === 2 ? ledger.overwrite(c1, taken) : undefined);
  });
  expect(open).toEqual([shared]);
  expect(await recordOf(c1)).toEqual(taken);
  // The row that both remember is read and written once.
  expect(await recordOf(c2)).toEqual(unlinkedRow);
  expect(counted).toEqual([2, 1]);
});

test('a change is looked at again when a row that its row remembers stays a former one', async () => {
  const rows: Rows = [
    [shared, former(work)],
    [work, former(c1)],
    [c1, rowOf(memberAt(70), { linkDigest: 'both' })],
  ];
  const changes: Changes = [
    [shared, memberAt(60)],
    [work, memberAt(60)],
  ];
  const { open, recordOf, isWritten } = await unlink(rows, changes);
  expect(open).toEqual([shared, work]);
  expect(await recordOf(work)).toEqual({ ...former(c1), known: { ...memberAt(70), isMember: false } });
  expect(await isWritten(shared)).toBe(false);
});
