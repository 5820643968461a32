import { ledgerKeyText, type LedgerRecord, type LedgerWrite } from '@activation-hub/membership';
import { readable } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { fansKey, memberAt, openActivation, putRow, rowOf } from '../testing/index.ts';
import { writePlans } from './write-plans.ts';

const { signal } = new AbortController();

/** Writes these rows under the versions that the ledger has, or under one that it has not. */
async function write(records: Readonly<Record<string, LedgerRecord>>, expected?: string) {
  const { context } = openActivation();
  const tally = { ledgerWrites: 0 };
  const planned: { readonly write: LedgerWrite }[] = [];
  for (const [person, record] of Object.entries(records)) {
    const key = fansKey(person);
    await putRow(context.ledger, key, rowOf(memberAt()));
    const [row] = await readable(context.ledger).read([key], signal);
    if (row === undefined) expect.unreachable();
    else {
      context.ledgerCache.set(ledgerKeyText(key), row, context.clock.now());
      planned.push({ write: { key, record, expected: expected ?? row.version } });
    }
  }
  const done = await writePlans(planned, context, tally, signal);
  const cached = (person: string) => context.ledgerCache.get(ledgerKeyText(fansKey(person)), context.clock.now());
  return { ...done, planned, cached, tally };
}

const leased = rowOf(memberAt(60), { rowState: { is: 'leased', holder: 'this', expiresAtMs: Infinity } });

test('the cache knows a row as it is written, and nothing of one that is leased', async () => {
  const { written, lost, planned, cached, tally } = await write({ p1: rowOf(memberAt(60)), p2: leased });
  expect(cached('p1')?.record).toEqual(rowOf(memberAt(60)));
  expect(cached('p1')?.version).toBe(written[0]?.after.version);
  expect(cached('p2')).toBeUndefined();
  expect(written.map(({ planned: { write: each } }) => each)).toEqual(planned.map(({ write: each }) => each));
  expect(written[1]?.after.record).toEqual(leased);
  expect(lost).toEqual([]);
  expect(tally.ledgerWrites).toBe(2);
});

test('the cache forgets a row that another process wrote first', async () => {
  const { written, lost, planned, cached, tally } = await write({ p1: rowOf(memberAt(60)) }, 'outdated');
  expect(cached('p1')).toBeUndefined();
  expect([written, lost, tally.ledgerWrites]).toEqual([[], planned, 0]);
});
