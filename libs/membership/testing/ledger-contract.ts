import { describe, expect, test } from 'vitest';
import {
  attributesCharactersMax,
  identityCharactersMax,
  ledgerKeyText,
  ledgerParts,
  type Ledger,
  type LedgerKey,
  type LedgerRecord,
  type LedgerSelection,
} from '../src/ledger.ts';
import { exampleKey, exampleRecord, exampleState } from './examples.ts';
import { readable } from './readable.ts';

/**
 * What every ledger promises, as tests. `openLedger` gives a ledger without rows, and a second door
 * to the same rows when it is called with the first, as another worker has it.
 */
export function describeLedgerContract(name: string, openLedger: (same?: Ledger) => Promise<Ledger>): void {
  const { signal } = new AbortController();
  const put = async (ledger: Ledger, key: LedgerKey, record: LedgerRecord, expected?: string): Promise<string> => {
    const [result] = await ledger.write([{ key, record, expected }], signal);
    if (result?.written !== true) throw new Error('The write lost a race that the test did not stage.');
    return result.version;
  };

  describe(name, () => {
    test('a key that was never written has no row', async () => {
      const ledger = await openLedger();
      expect(await readable(ledger).read([exampleKey(1)], signal)).toEqual([undefined]);
    });

    test('no keys and no writes are no work', async () => {
      const ledger = await openLedger();
      expect(await readable(ledger).read([], signal)).toEqual([]);
      expect(await ledger.write([], signal)).toEqual([]);
    });

    test('a row comes back as it was written, with the version of its write', async () => {
      const ledger = await openLedger();
      const full = exampleRecord({
        known: exampleState({ status: 'exited', content: 'digest', sequenceNumber: 9_007_199_254_740_991 }),
        rowState: { is: 'leased', holder: 'worker-1', expiresAtMs: 1_767_268_800_123 },
        attributes: { 'first name': 'Zoë', nested: { list: [1, null, 'x'], __proto__x: true }, empty: '' },
        delivered: exampleState({ qualifiedAtMs: 1_767_268_800_001 }),
        deliveredAtMs: 1_767_268_800_456,
        deliveredAttributes: { 'first name': 'Ada' },
        inDoubt: true,
        linkDigest: 'digest-of-links',
        formerOf: [
          { namespace: 'crmid', value: 'C-1', linkDigest: 'digest' },
          { namespace: 'email', value: 'half \ud83d of a pair', linkDigest: 'digest' },
        ],
        history: 'xe,mjv9m2s0,2s,d,4f|ru,mjv9m2s0,9,h?,b,3,throttled,429 of Zoë’s, "too many"',
      });
      const version = await put(ledger, exampleKey(1), full);
      expect(await readable(ledger).read([exampleKey(1)], signal)).toEqual([{ record: full, version }]);
    });

    test('a row without a delivered state comes back without one', async () => {
      const ledger = await openLedger();
      const never: LedgerRecord = { known: exampleState(), rowState: { is: 'noted' }, attributes: {}, inDoubt: false };
      const version = await put(ledger, exampleKey(1), never);
      expect(await readable(ledger).read([exampleKey(1)], signal)).toEqual([{ record: never, version }]);
    });

    test('rows come back in the order of the keys, absent ones included', async () => {
      const ledger = await openLedger();
      await put(ledger, exampleKey(3), exampleRecord({ known: exampleState({ content: 'three' }) }));
      await put(ledger, exampleKey(1), exampleRecord({ known: exampleState({ content: 'one' }) }));
      const rows = await readable(ledger).read([exampleKey(1), exampleKey(2), exampleKey(3)], signal);
      expect(rows.map((row) => row?.record.known.content)).toEqual(['one', undefined, 'three']);
    });

    test('the second writer of a new row loses', async () => {
      const ledger = await openLedger();
      const other = await openLedger(ledger);
      await put(ledger, exampleKey(1), exampleRecord({ known: exampleState({ content: 'first' }) }));
      const write = { key: exampleKey(1), record: exampleRecord(), expected: undefined };
      expect(await other.write([write], signal)).toEqual([{ written: false }]);
      expect((await readable(other).read([exampleKey(1)], signal))[0]?.record.known.content).toBe('first');
    });

    test('a write that names an outdated version loses, and the row stays', async () => {
      const ledger = await openLedger();
      const other = await openLedger(ledger);
      const first = await put(ledger, exampleKey(1), exampleRecord());
      await put(other, exampleKey(1), exampleRecord({ known: exampleState({ content: 'second' }) }), first);
      const write = { key: exampleKey(1), record: exampleRecord({ inDoubt: true }), expected: first };
      expect(await ledger.write([write], signal)).toEqual([{ written: false }]);
      expect((await readable(ledger).read([exampleKey(1)], signal))[0]?.record.known.content).toBe('second');
    });

    test('a write that expects a row where there is none loses', async () => {
      const ledger = await openLedger();
      const version = await put(ledger, exampleKey(1), exampleRecord());
      const write = { key: exampleKey(2), record: exampleRecord(), expected: version };
      expect(await ledger.write([write], signal)).toEqual([{ written: false }]);
      expect(await readable(ledger).read([exampleKey(2)], signal)).toEqual([undefined]);
    });

    test('a lost write among others loses alone, also among rows of one identity', async () => {
      const ledger = await openLedger();
      const keys = [1, 2, 3].map((n) => exampleKey(1, { audience: { namespace: 'ups', id: `audience-${n}` } }));
      const [, second] = keys;
      if (second === undefined) throw new Error('unreachable');
      await put(ledger, second, exampleRecord({ known: exampleState({ content: 'kept' }) }));
      const results = await ledger.write(
        keys.map((key) => ({ key, record: exampleRecord(), expected: undefined })),
        signal,
      );
      expect(results.map((result) => result.written)).toEqual([true, false, true]);
      expect((await readable(ledger).read([second], signal))[0]?.record.known.content).toBe('kept');
    });

    test.each([
      [2, 0],
      [2, 1],
      [3, 0],
      [3, 1],
      [3, 2],
    ])('of %i rows of one identity the one with an outdated version (%i) loses alone', async (count, outdated) => {
      const ledger = await openLedger();
      const other = await openLedger(ledger);
      const keys = Array.from({ length: count }, (_, n) =>
        exampleKey(1, { audience: { namespace: 'ups', id: `audience-${n}` } }),
      );
      const versions: string[] = [];
      for (const key of keys) versions.push(await put(ledger, key, exampleRecord()));
      const newer = exampleRecord({ known: exampleState({ content: 'newer' }) });
      for (const [n, key] of keys.entries()) if (n === outdated) await put(other, key, newer, versions[n]);
      const record = exampleRecord({ known: exampleState({ content: 'written' }) });
      const writes = keys.map((key, n) => ({ key, record, expected: versions[n] }));
      const results = await ledger.write(writes, signal);
      expect(results.map(({ written }) => written)).toEqual(keys.map((_, n) => n !== outdated));
      const rows = await readable(ledger).read(keys, signal);
      expect(rows.map((row) => row?.record.known.content)).toEqual(
        keys.map((_, n) => (n === outdated ? 'newer' : 'written')),
      );
      expect(results).toEqual(
        rows.map((row, n) => (n === outdated ? { written: false } : { written: true, version: row?.version })),
      );
    });

    test('rows of one identity with outdated versions all lose, and a row that is gone is not made again', async () => {
      const ledger = await openLedger();
      const keys = [1, 2, 3].map((n) => exampleKey(1, { audience: { namespace: 'ups', id: `audience-${n}` } }));
      const versions: string[] = [];
      for (const key of keys) versions.push(await put(ledger, key, exampleRecord()));
      const [first, second, third] = keys;
      if (first === undefined || second === undefined || third === undefined) throw new Error('unreachable');
      const newer = exampleRecord({ known: exampleState({ content: 'newer' }) });
      await put(ledger, first, newer, versions[0]);
      await put(ledger, second, newer, versions[1]);
      await ledger.remove(third, versions[2] ?? '', signal);
      const writes = keys.map((key, n) => ({ key, record: exampleRecord(), expected: versions[n] }));
      expect(await ledger.write(writes, signal)).toEqual([{ written: false }, { written: false }, { written: false }]);
      const rows = await readable(ledger).read(keys, signal);
      expect(rows.map((row) => row?.record.known.content)).toEqual(['newer', 'newer', undefined]);
    });

    test('new rows and known rows of one identity are written in one call, each under its own condition', async () => {
      const ledger = await openLedger();
      const keys = [1, 2, 3].map((n) => exampleKey(1, { audience: { namespace: 'ups', id: `audience-${n}` } }));
      const [known, fresh, taken] = keys;
      if (known === undefined || fresh === undefined || taken === undefined) throw new Error('unreachable');
      const version = await put(ledger, known, exampleRecord());
      await put(ledger, taken, exampleRecord({ known: exampleState({ content: 'kept' }) }));
      const record = exampleRecord({ known: exampleState({ content: 'written' }) });
      const results = await ledger.write(
        [
          { key: known, record, expected: version },
          { key: fresh, record, expected: undefined },
          { key: taken, record, expected: undefined },
        ],
        signal,
      );
      expect(results.map(({ written }) => written)).toEqual([true, true, false]);
      const rows = await readable(ledger).read(keys, signal);
      expect(rows.map((row) => row?.record.known.content)).toEqual(['written', 'written', 'kept']);
    });

    test('a row that is written again holds nothing of what it held before', async () => {
      const ledger = await openLedger();
      const keys = [1, 2, 3].map((n) => exampleKey(1, { audience: { namespace: 'ups', id: `audience-${n}` } }));
      const leased = exampleRecord({
        rowState: { is: 'leased', holder: 'worker-1', expiresAtMs: 1 },
        attributes: { text: 'x'.repeat(40_000) },
      });
      const written = await ledger.write(
        keys.map((key) => ({ key, record: leased, expected: undefined })),
        signal,
      );
      const bare: LedgerRecord = { known: exampleState(), rowState: { is: 'noted' }, attributes: {}, inDoubt: false };
      const again = keys.map((key, n) => {
        const result = written[n];
        return { key, record: bare, expected: result?.written === true ? result.version : undefined };
      });
      const [first, ...others] = again;
      if (first === undefined) throw new Error('unreachable');
      await ledger.write([first], signal);
      await ledger.write(others, signal);
      expect((await readable(ledger).read(keys, signal)).map((row) => row?.record)).toEqual([bare, bare, bare]);
    });

    test('many rows of many identities are written and read in one call', async () => {
      const ledger = await openLedger();
      const keys = Array.from({ length: 250 }, (_, n) =>
        exampleKey(n % 40, { audience: { namespace: 'ups', id: `audience-${Math.floor(n / 40)}` } }),
      );
      const writes = keys.map((key, n) => ({
        key,
        record: exampleRecord({ known: exampleState({ sequenceNumber: n }) }),
        expected: undefined,
      }));
      expect((await ledger.write(writes, signal)).every((result) => result.written)).toBe(true);
      const rows = await readable(ledger).read(keys, signal);
      expect(rows.map((row) => row?.record.known.sequenceNumber)).toEqual(keys.map((_, n) => n));
    });

    test('keys that differ anywhere are different rows, whatever characters they hold', async () => {
      const ledger = await openLedger();
      const audience = { namespace: 'ups', id: 'a' };
      const keys: LedgerKey[] = [
        { destination: 'crm', identity: { namespace: 'email', value: 'a/b\\c#d?e%f\n@x' }, audience },
        { destination: 'crm', identity: { namespace: 'email', value: 'A/b\\c#d?e%f\n@x' }, audience },
        { destination: 'crm', identity: { namespace: 'e', value: 'mail\na/b' }, audience },
        {
          destination: 'crm',
          identity: { namespace: 'e', value: 'mail' },
          audience: { namespace: 'a/b ups', id: 'a' },
        },
        { destination: 'crm', identity: { namespace: 'email', value: 'Zoë ’\u0000\u007f' }, audience },
        { destination: 'crm', identity: { namespace: 'email', value: 'x'.repeat(2_000) }, audience },
        { destination: 'crm', identity: { namespace: 'email', value: `${'x'.repeat(1_999)}y` }, audience },
        { destination: 'crm~shadow', identity: { namespace: 'email', value: 'Zoë ’\u0000\u007f' }, audience },
        {
          destination: 'crm',
          identity: { namespace: 'email', value: 'Zoë ’\u0000\u007f' },
          audience: { namespace: 'aam', id: 'a/?#\\' },
        },
        { destination: 'crm', identity: { namespace: 'e', value: 'x\ny' }, audience: { namespace: 'z', id: 'a' } },
        { destination: 'crm', identity: { namespace: 'e', value: 'x' }, audience: { namespace: 'y\nz', id: 'a' } },
      ];
      const writes = keys.map((key, n) => ({
        key,
        record: exampleRecord({ known: exampleState({ sequenceNumber: n }) }),
        expected: undefined,
      }));
      expect((await ledger.write(writes, signal)).map((result) => result.written)).toEqual(keys.map(() => true));
      const rows = await readable(ledger).read(keys, signal);
      expect(rows.map((row) => row?.record.known.sequenceNumber)).toEqual(keys.map((_, n) => n));
    });

    test('attributes of as many characters as a row takes come back whole', async () => {
      const ledger = await openLedger();
      const frame = JSON.stringify({ text: '' }).length;
      const record = exampleRecord({ attributes: { text: 'x'.repeat(attributesCharactersMax - frame) } });
      await put(ledger, exampleKey(1), record);
      expect((await readable(ledger).read([exampleKey(1)], signal))[0]?.record).toEqual(record);
    });

    test.each([
      ['one character more than a row takes', { text: 'x'.repeat(attributesCharactersMax - '{"text":""}'.length + 1) }],
      ['characters that are short but long in JSON', { text: '\u0001'.repeat(attributesCharactersMax / 6) }],
    ])('attributes of %s are refused in words, and no row of the call is written', async (_what, attributes) => {
      const ledger = await openLedger();
      const writes = [exampleRecord(), exampleRecord({ attributes })].map((record, number) => ({
        key: exampleKey(number),
        record,
        expected: undefined,
      }));
      const refused: unknown = await ledger.write(writes, signal).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(RangeError);
      expect((refused as RangeError).message).toMatch(
        /^Failed to write the ledger: the attributes of a row for crm take \d+ characters of JSON, and a row holds 192000\. This is a defect of the caller\.$/,
      );
      expect(await readable(ledger).read([exampleKey(0), exampleKey(1)], signal)).toEqual([undefined, undefined]);
    });

    test('an identity of as many characters as a row takes is listed with the others, and so is one with half a character', async () => {
      const ledger = await openLedger();
      const values = ['x'.repeat(identityCharactersMax), 'half\ud835', '\udcb3half', '"half\\ud835"', 'person-1'];
      const keys = values.map((value) => exampleKey(1, { identity: { namespace: 'crmid', value } }));
      for (const key of keys) await put(ledger, key, exampleRecord());
      for (const of of [{}, { destination: 'crm' }]) {
        const listed = (await Array.fromAsync(readable(ledger).rows(of, signal))).map(({ key }) => key.identity.value);
        expect(listed.sort()).toEqual(values.toSorted());
      }
      for (const key of keys) {
        const { identity } = key;
        const rows = await Array.fromAsync(readable(ledger).rows({ destination: 'crm', identity }, signal));
        expect(rows.map((row) => row.key)).toEqual([key]);
        expect(await ledger.remove(key, rows[0]?.version ?? '', signal)).toBe(true);
      }
    });

    test('an identity that is longer is refused in words, and no row of the call is written', async () => {
      const ledger = await openLedger();
      const value = 'x'.repeat(identityCharactersMax + 1);
      const keys = [exampleKey(1), exampleKey(1, { identity: { namespace: 'crmid', value } })];
      const writes = keys.map((key) => ({ key, record: exampleRecord(), expected: undefined }));
      await expect(ledger.write(writes, signal)).rejects.toThrow(
        /^Failed to write the ledger: an identity of a row for crm has 16385 characters, and a row holds 16384\. This is a defect of the caller\.$/,
      );
      expect(await readable(ledger).read(keys, signal)).toEqual([undefined, undefined]);
    });

    test('a row is removed while it has the version that one saw, and not after it was written again', async () => {
      const ledger = await openLedger();
      const other = await openLedger(ledger);
      const first = await put(ledger, exampleKey(1), exampleRecord());
      const second = await put(other, exampleKey(1), exampleRecord({ inDoubt: true }), first);
      expect(await ledger.remove(exampleKey(1), first, signal)).toBe(false);
      expect((await readable(ledger).read([exampleKey(1)], signal))[0]?.version).toBe(second);
      expect(await ledger.remove(exampleKey(1), second, signal)).toBe(true);
      expect(await readable(ledger).read([exampleKey(1)], signal)).toEqual([undefined]);
      expect(await ledger.remove(exampleKey(1), second, signal)).toBe(false);
    });

    test('rows are listed with their keys: all, of a destination, of an identity at a destination', async () => {
      const ledger = await openLedger();
      const crm1 = exampleKey(1);
      const crm1b = exampleKey(1, { audience: { namespace: 'aam', id: 'other' } });
      const crm2 = exampleKey(2);
      const sameValue = exampleKey(1, { identity: { namespace: 'email', value: crm1.identity.value } });
      const ads1 = exampleKey(1, { destination: 'ads' });
      const shadow = exampleKey(1, { destination: 'crm~shadow' });
      for (const key of [crm1, crm1b, crm2, sameValue, ads1, shadow]) await put(ledger, key, exampleRecord());
      const listed = async (of: LedgerSelection): Promise<LedgerKey[]> => {
        const keys: LedgerKey[] = [];
        for await (const { key, record } of readable(ledger).rows(of, signal)) {
          expect(record).toEqual(exampleRecord());
          keys.push(key);
        }
        return keys;
      };
      const asSet = (keys: readonly LedgerKey[]): Set<string> => new Set(keys.map((key) => JSON.stringify(key)));
      expect(asSet(await listed({}))).toEqual(asSet([crm1, crm1b, crm2, sameValue, ads1, shadow]));
      expect(asSet(await listed({ destination: 'crm' }))).toEqual(asSet([crm1, crm1b, crm2, sameValue]));
      expect(asSet(await listed({ destination: 'crm', identity: crm1.identity }))).toEqual(asSet([crm1, crm1b]));
      expect(await listed({ destination: 'nobody' })).toEqual([]);
    });

    test('each row of a destination is in one part of it, which can be walked by itself', async () => {
      const ledger = await openLedger();
      const keys = Array.from({ length: 60 }, (_, n) =>
        exampleKey(n % 50, { audience: { namespace: 'ups', id: `a-${n}` } }),
      );
      const others = [1, 2].map((n) => exampleKey(n, { destination: 'crm~shadow' }));
      for (const key of [...keys, ...others]) await put(ledger, key, exampleRecord());
      const texts = (listed: readonly { readonly key: LedgerKey }[]) => listed.map(({ key }) => ledgerKeyText(key));
      const parts: string[][] = [];
      for (let part = 0; part < ledgerParts; part += 1) {
        const of = { destination: 'crm', part };
        parts.push(texts(await Array.fromAsync(readable(ledger).rows(of, signal))));
        expect(texts(await Array.fromAsync(readable(ledger).rows(of, signal)))).toEqual(parts[part]);
      }
      expect(parts.flat().sort()).toEqual(keys.map(ledgerKeyText).sort());
      expect(parts.filter((part) => part.length > 0).length).toBeGreaterThan(ledgerParts / 2);
    });

    test('a walk over every row can begin elsewhere each time, and gives each row once', async () => {
      const ledger = await openLedger();
      const keys = ['CRM', 'ads', 'crm~shadow'].flatMap((destination) =>
        Array.from({ length: 15 }, (_, n) => exampleKey(n, { destination })),
      );
      for (const key of keys) await put(ledger, key, exampleRecord());
      const firsts = new Set<string | undefined>();
      for (const startAt of [0, 0.25, 0.5, 0.75, 0.999]) {
        const walked: string[] = [];
        for await (const { key } of readable(ledger).rows({ startAt }, signal)) walked.push(ledgerKeyText(key));
        expect([startAt, walked.toSorted()]).toEqual([startAt, keys.map(ledgerKeyText).toSorted()]);
        firsts.add(walked[0]);
      }
      expect(firsts.size).toBeGreaterThan(3);
      expect(await Array.fromAsync(readable(await openLedger()).rows({ startAt: 0.5 }, signal))).toEqual([]);
    });

    test('an aborted signal ends a call with its reason', async () => {
      const ledger = await openLedger();
      const aborted = AbortSignal.abort(new Error('deadline'));
      await expect(readable(ledger).read([exampleKey(1)], aborted)).rejects.toThrow('deadline');
      const write = { key: exampleKey(1), record: exampleRecord(), expected: undefined };
      await expect(ledger.write([write], aborted)).rejects.toThrow('deadline');
      const version = await put(ledger, exampleKey(1), exampleRecord());
      await expect(ledger.remove(exampleKey(1), version, aborted)).rejects.toThrow('deadline');
      await expect(Array.fromAsync(readable(ledger).rows({}, aborted))).rejects.toThrow('deadline');
      expect((await readable(ledger).read([exampleKey(1)], signal))[0]?.version).toBe(version);
    });
  });
}
