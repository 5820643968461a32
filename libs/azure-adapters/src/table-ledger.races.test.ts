import { randomUUID } from 'node:crypto';
import type { LedgerKey } from '@activation-hub/membership';
import { exampleKey, exampleRecord, exampleState, readable } from '@activation-hub/membership/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { tableClient } from './storage-connections.ts';
import { TableLedger } from './table-ledger.ts';

const { signal } = new AbortController();
let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

/**
 * Few people, each with few audiences, so that rows meet in transactions and writers meet in rows.
 */
function keyOf(row: number): LedgerKey {
  return exampleKey(row % 3, { audience: { namespace: 'ups', id: `audience-${Math.floor(row / 3)}` } });
}

test('whatever writers of three processes interleave, each version of a row has one winner, and every loser is told', async () => {
  const call = fc.record({
    process: fc.nat(2),
    rows: fc.uniqueArray(fc.nat(8), { minLength: 1, maxLength: 9 }),
    /** Some write what they have read, some assume that there is no row. */
    reads: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 2, maxLength: 10 }), async (calls) => {
      const tableName = `ledger${randomUUID().replaceAll('-', '')}`;
      const processes = [0, 1, 2].map(() => new TableLedger(tableClient(azurite, tableName)));
      await processes[0]?.createTable(signal);
      /** By row: which version each winner replaced, and what it wrote. */
      const won = new Map<number, { readonly replaced: string | undefined; version: string; writer: number }[]>();
      let writers = 0;
      await Promise.all(
        calls.map(async ({ process, rows, reads }) => {
          const ledger = processes[process];
          if (ledger === undefined) throw new Error('unreachable');
          const keys = rows.map(keyOf);
          const found = reads ? await readable(ledger).read(keys, signal) : keys.map(() => undefined);
          const writes = keys.map((key, index) => {
            writers += 1;
            const known = exampleState({ sequenceNumber: writers });
            return { key, record: exampleRecord({ known }), expected: found[index]?.version };
          });
          const results = await ledger.write(writes, signal);
          for (const [index, result] of results.entries()) {
            const [row, write] = [rows[index] ?? -1, writes[index]];
            if (!result.written || write === undefined) continue;
            const winner = {
              replaced: write.expected,
              version: result.version,
              writer: write.record.known.sequenceNumber,
            };
            won.set(row, [...(won.get(row) ?? []), winner]);
          }
        }),
      );
      const [reader] = processes;
      for (const [row, winners] of won) {
        // The winners form a chain, from no row to the present row: each version was replaced once.
        const [stored] = reader === undefined ? [] : await readable(reader).read([keyOf(row)], signal);
        const next = new Map(winners.map((winner) => [winner.replaced, winner]));
        expect(next.size).toBe(winners.length);
        let last = next.get(undefined);
        for (let n = 1; n < winners.length; n += 1) last = next.get(last?.version);
        expect(stored?.version).toBe(last?.version);
        expect(stored?.record.known.sequenceNumber).toBe(last?.writer);
      }
    }),
    { numRuns: 60 },
  );
});
