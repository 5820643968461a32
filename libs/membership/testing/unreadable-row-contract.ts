import { describe, expect, test } from 'vitest';
import { ledgerParts, type Ledger, type LedgerKey } from '../src/ledger.ts';
import { isUnreadableRow } from '../src/unreadable-row.ts';
import { exampleKey, exampleRecord } from './examples.ts';

/**
 * What every ledger promises of rows that it cannot read, as tests. `openLedger` gives a ledger
 * without rows; `spoil` changes a row of it into one that cannot be read.
 */
export function describeUnreadableRowContract(
  name: string,
  openLedger: () => Promise<Ledger>,
  spoil: (ledger: Ledger, key: LedgerKey) => Promise<unknown>,
): void {
  const { signal } = new AbortController();
  const put = async (ledger: Ledger, key: LedgerKey): Promise<string> => {
    const [result] = await ledger.write([{ key, record: exampleRecord(), expected: undefined }], signal);
    if (result?.written !== true) throw new Error('The row was there before.');
    return result.version;
  };

  describe(`${name}, with a row that cannot be read`, () => {
    test('the row hides no other, and is given as such', async () => {
      const ledger = await openLedger();
      const spoiled = exampleKey(2);
      const keys = [exampleKey(1), spoiled, exampleKey(3)];
      for (const key of keys) await put(ledger, key);
      await spoil(ledger, spoiled);
      const read = await ledger.read(keys, signal);
      expect(read.map(isUnreadableRow)).toEqual([false, true, false]);
      const [, unreadable] = read;
      const { destination, identity } = spoiled;
      for (const of of [{}, { destination }, { startAt: 0.5 }]) {
        const listed = await Array.fromAsync(ledger.rows(of, signal));
        expect(listed.filter(isUnreadableRow)).toEqual([unreadable]);
        expect(listed).toHaveLength(3);
      }
      expect(await Array.fromAsync(ledger.rows({ destination, identity }, signal))).toEqual([unreadable]);
      const parts: unknown[] = [];
      for (let part = 0; part < ledgerParts; part += 1)
        parts.push(...(await Array.fromAsync(ledger.rows({ destination, part }, signal))).filter(isUnreadableRow));
      expect(parts).toEqual([unreadable]);
      expect(JSON.stringify(unreadable)).not.toContain(identity.value);
      expect(JSON.stringify(unreadable)).toContain(destination);
    });

    test('the row loses every write, and stays', async () => {
      const ledger = await openLedger();
      const key = exampleKey(1);
      const version = await put(ledger, key);
      await spoil(ledger, key);
      for (const expected of [undefined, version]) {
        const write = { key, record: exampleRecord({ inDoubt: true }), expected };
        expect(await ledger.write([write], signal)).toEqual([{ written: false }]);
      }
      expect(await ledger.remove(key, version, signal)).toBe(false);
      expect((await ledger.read([key], signal)).map(isUnreadableRow)).toEqual([true]);
    });
  });
}
