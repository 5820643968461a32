import { exampleKey, exampleRecord, exampleState } from '@activation-hub/membership/testing';
import { attributesCharactersMax, identityCharactersMax, settle, type LedgerRecord } from '@activation-hub/membership';
import type { TableEntityResult } from '@azure/data-tables';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  entityAddress,
  identityRange,
  partitionKeyPrefix,
  rowKeyPrefixOf,
  settlingColumns,
  toEntity,
  toKey,
  toRow,
} from './ledger-entity.ts';

function stored(entity: Record<string, unknown>): TableEntityResult<Record<string, unknown>> {
  return { ...entity, etag: 'version' };
}

test('of a row whose state stays the outcome alone is sent', () => {
  const known = exampleState();
  const row: LedgerRecord = {
    known,
    rowState: { is: 'leased', holder: 'worker', expiresAtMs: 1 },
    attributes: { name: 'Zoë' },
    inDoubt: false,
    knownDigest: 'a',
    history: 'xe',
  };
  const settled = settle(row, 'delivered', false, { atMs: 1, deliveredAtMs: 0, linkDigest: 'b' });
  const columns = settlingColumns(exampleKey(1), settled, row, 'id');
  expect(columns).toStrictEqual({
    ...entityAddress(exampleKey(1)),
    rowState: 'delivered',
    inDoubt: false,
    deliveredIsKnown: true,
    deliveredAt: new Date(0),
    linkDigest: 'b',
    history: settled.history,
    writeId: 'id',
  });
  // The table keeps the columns that are not sent; of the two digests the new one counts.
  const merged = { ...toEntity(exampleKey(1), row, 'earlier'), ...columns };
  expect(merged).toMatchObject({ knownDigest: 'a', linkDigest: 'b' });
  expect(toRow(stored(merged)).record).toStrictEqual(settled);
});

test('a row that would keep a column that has to go is replaced', () => {
  const known = exampleState();
  const other = exampleState({ content: 'other' });
  const leased = { is: 'leased', holder: 'worker', expiresAtMs: 1 } as const;
  const row: LedgerRecord = {
    known,
    rowState: leased,
    attributes: {},
    delivered: other,
    deliveredAtMs: 1,
    deliveredAttributes: { name: 'Zoë' },
    inDoubt: false,
    linkDigest: 'a',
    formerOf: [{ namespace: 'crmid', value: 'C-1', linkDigest: 'a' }],
    history: 'xe',
  };
  const settled: LedgerRecord = { ...row, rowState: { is: 'rejected' } };
  const isMerged = (after: LedgerRecord, before: LedgerRecord = row): boolean =>
    settlingColumns(exampleKey(1), after, before, 'id') !== undefined;
  const without = (name: keyof LedgerRecord): LedgerRecord =>
    Object.fromEntries(Object.entries(settled).filter(([each]) => each !== name)) as unknown as LedgerRecord;
  expect(isMerged(settled)).toBe(true);
  expect(isMerged(settled, { ...row, rowState: { is: 'noted' } })).toBe(false);
  for (const name of [
    'delivered',
    'deliveredAtMs',
    'deliveredAttributes',
    'linkDigest',
    'formerOf',
    'history',
  ] as const)
    expect([name, isMerged(without(name))]).toEqual([name, false]);
  for (const changed of [{ known: other }, { attributes: { name: 'Zoë' } }, { deliveredAttributes: {} }])
    expect(isMerged({ ...settled, ...changed })).toBe(false);
  expect(isMerged({ ...settled, delivered: known })).toBe(true);
  expect(isMerged({ ...settled, delivered: exampleState({ content: 'third' }) })).toBe(false);
  const none = without('linkDigest');
  const unfollowed: LedgerRecord = { ...none, rowState: leased, knownDigest: 'a' };
  expect(isMerged(none, { ...none, rowState: leased })).toBe(true);
  expect(isMerged(none, unfollowed)).toBe(false);
  expect(isMerged({ ...none, knownDigest: 'b' }, unfollowed)).toBe(true);
  expect(isMerged({ ...none, linkDigest: 'b' }, unfollowed)).toBe(true);
});

test('a row whose destination has what it knows holds that once, and one that differs in anything holds both', () => {
  const known = exampleState({ content: 'digest' });
  const columnsOf = (delivered: LedgerRecord['known']) =>
    toEntity(exampleKey(1), exampleRecord({ known, delivered }), 'id');
  const once = columnsOf({ ...known });
  expect(once).toHaveProperty('deliveredIsKnown', true);
  expect(Object.keys(once).filter((column) => column.startsWith('delivered'))).toEqual(['deliveredIsKnown']);
  expect(toRow(stored(once)).record).toEqual(exampleRecord({ known, delivered: known }));
  for (const other of [
    { status: 'exited' },
    { isMember: false },
    { qualifiedAtMs: known.qualifiedAtMs + 1 },
    { enqueuedAtMs: known.enqueuedAtMs + 1 },
    { sequenceNumber: known.sequenceNumber + 1 },
    { content: 'other' },
  ] as const) {
    const both = columnsOf({ ...known, ...other });
    expect(both).not.toHaveProperty('deliveredIsKnown');
    expect(toRow(stored(both)).record.delivered).toEqual({ ...known, ...other });
  }
  expect(() => toRow(stored({ ...once, deliveredIsKnown: 'yes' }))).toThrow('column deliveredIsKnown');
});

test('a person can read the columns in a table browser', () => {
  const qualifiedAtMs = Date.UTC(2026, 0, 1, 12);
  const leased: LedgerRecord = {
    known: exampleState({ qualifiedAtMs, content: 'digest' }),
    rowState: { is: 'leased', holder: 'worker-1', expiresAtMs: qualifiedAtMs + 1 },
    attributes: { name: 'Zoë' },
    inDoubt: true,
  };
  expect(toEntity(exampleKey(1), leased, 'id')).toStrictEqual({
    ...entityAddress(exampleKey(1)),
    destination: 'crm',
    identityNamespace: 'crmid',
    identityValue: 'person-1',
    audienceNamespace: 'ups',
    audienceId: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02',
    rowState: 'leased',
    holder: 'worker-1',
    leaseExpiresAt: new Date('2026-01-01T12:00:00.001Z'),
    inDoubt: true,
    knownStatus: 'realized',
    knownIsMember: true,
    knownQualifiedAt: new Date('2026-01-01T12:00:00.000Z'),
    knownEnqueuedAt: new Date('2026-01-01T12:01:00.000Z'),
    knownSequenceNumber: 1n,
    knownContent: 'digest',
    attributes: '{"name":"Zoë"}',
    writeId: 'id',
  });
});

test('rows of one destination and identity are one range of one bucket, and no key shows who it is', () => {
  const first = entityAddress(exampleKey(1));
  const other = entityAddress(exampleKey(1, { audience: { namespace: 'ups', id: 'other' } }));
  const { partitionKey, rowKeyPrefix } = identityRange('crm', exampleKey(1).identity);
  expect(first.partitionKey).toBe(partitionKey);
  expect(other.partitionKey).toBe(partitionKey);
  expect(other.rowKey).not.toBe(first.rowKey);
  for (const { rowKey } of [first, other]) expect(rowKeyPrefixOf(rowKey)).toBe(rowKeyPrefix);
  expect(rowKeyPrefix).toMatch(/^[\w-]{43}\.$/);
  expect(first.rowKey).toMatch(/^[\w-]{43}\.[\w-]{43}$/);
  expect(first.partitionKey).toMatch(/^crm\.[0-7]$/);
  expect(entityAddress(exampleKey(1, { destination: 'crm~shadow' })).partitionKey).toMatch(/^crm~shadow\.[0-7]$/);
});

test('people are spread over all eight buckets of a destination, each about as often', () => {
  const buckets = new Map<string, number>();
  for (let person = 0; person < 4_000; person += 1) {
    const { partitionKey } = entityAddress(exampleKey(person));
    buckets.set(partitionKey, (buckets.get(partitionKey) ?? 0) + 1);
  }
  expect(buckets.size).toBe(8);
  // 500 each on average; five standard deviations are 105.
  for (const people of buckets.values()) expect(Math.abs(people - 500)).toBeLessThan(105);
});

test('the rows of one audience have distinct keys whatever destination and person they are of', () => {
  const keys = ['crm', 'crm~link', 'mail'].flatMap((destination) =>
    [1, 2, 3].map((person) => entityAddress(exampleKey(person, { destination })).rowKey),
  );
  expect(new Set(keys).size).toBe(9);
});

test('no column holds half a character, which a table need not keep', () => {
  for (const value of ['half\ud835', '\udcb3half', '\ud835'.repeat(identityCharactersMax)]) {
    const key = exampleKey(1, { identity: { namespace: 'crmid', value } });
    // Pairs of surrogates behind an even and an odd number of characters, so that a piece would end
    // inside a pair.
    for (const before of ['', 'x']) {
      const pairs = (attributesCharactersMax - '{"text":"x"}'.length) / 2;
      const record = exampleRecord({ attributes: { text: before + '𝒳'.repeat(pairs) } });
      const entity = stored(toEntity(key, record, 'id'));
      const texts = Object.values(entity).filter((text) => typeof text === 'string');
      expect(texts.filter((text) => !text.isWellFormed())).toEqual([]);
      expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(32_768);
      expect(entity).toHaveProperty('attributes6');
      expect(entity).not.toHaveProperty('attributes13');
      expect(toRow(entity).record).toEqual(record);
      expect(toKey(entity)).toEqual(key);
    }
  }
});

test('a row state of another version is named, not taken for one of ours', () => {
  const entity = toEntity(exampleKey(1), exampleRecord(), 'id');
  for (const rowState of ['told', '', 'constructor', 7])
    expect(() => toRow(stored({ ...entity, rowState }))).toThrow(
      /^Failed to read the ledger: column rowState of row crm\.\d\/[\w-]{43}\.[\w-]{43} is not what the ledger writes/,
    );
});

test('attributes that a person changed into something else are named', () => {
  const entity = toEntity(exampleKey(1), exampleRecord(), 'id');
  for (const attributes of ['', '[]', 'null', '"somebody"', '{"a":'])
    expect(() => toRow(stored({ ...entity, attributes }))).toThrow(
      /^Failed to read the ledger: column attributes of row crm\.\d\/[\w-]{43}\.[\w-]{43} is not what the ledger writes/,
    );
  expect(() => toRow(stored({ ...entity, attributes: undefined }))).toThrow('column attributes of row');
});

test('a deferred row without a digest has no column for it', () => {
  const deferred = exampleRecord({ rowState: { is: 'deferred', chainId: 'chain' } });
  expect(toEntity(exampleKey(1), deferred, 'id')).not.toHaveProperty('retryLinkDigest');
});

test.each([
  ['identityJson', '7'],
  ['identityJson', '"half'],
  ['destination', 7],
  ['RowKey', 'somebody else’s'],
])('a key whose column %s somebody changed to %j is named', (column, value) => {
  const changed = column === 'RowKey' ? { rowKey: value } : { [column]: value };
  const entity = { ...toEntity(exampleKey(1), exampleRecord(), 'id'), ...changed };
  expect(() => toKey(stored(entity))).toThrow(`Failed to read the ledger: column ${column} of row `);
});

test.each([
  ['knownStatus', 'existing'],
  ['knownIsMember', 'true'],
  ['knownSequenceNumber', '1'],
  ['deliveredEnqueuedAt', '2026-01-01'],
  ['inDoubt', 1],
  ['linkDigest', 7],
  ['formerOf', '{}'],
  ['formerOf', '["crmid"]'],
  ['formerOf', '[["crmid","C-1"]]'],
  ['formerOf', '[["crmid",1,"digest"]]'],
  ['formerOf', '[[1,"C-1","digest"]]'],
])('a row whose column %s somebody changed to %j is named', (column, value) => {
  const delivered = exampleState({ status: 'exited' });
  const entity = toEntity(exampleKey(1), exampleRecord({ delivered, linkDigest: 'digest' }), 'id');
  expect(() => toRow(stored({ ...entity, [column]: value }))).toThrow(
    `Failed to read the ledger: column ${column} of row ${entity.partitionKey}/${entity.rowKey} is not what the ledger writes.`,
  );
});

test('a partition key has letters that a table takes and no more of a long name than its length allows', () => {
  expect(partitionKeyPrefix('crm eu/west#1~link')).toBe('crm_eu_west_1~link.');
  expect(partitionKeyPrefix('x'.repeat(300))).toBe(`${'x'.repeat(200)}.`);
});

test('a time is a date as far as a table holds dates, and a number beyond', () => {
  const columnOf = (qualifiedAtMs: number): unknown =>
    toEntity(exampleKey(1), exampleRecord({ known: exampleState({ qualifiedAtMs }) }), 'id').knownQualifiedAt;
  const [first, last] = [Date.UTC(1601, 0, 1), Date.UTC(9999, 11, 31)];
  expect([first - 1, first, last, last + 1].map(columnOf)).toEqual([
    BigInt(first - 1),
    new Date(first),
    new Date(last),
    BigInt(last + 1),
  ]);
});

test.each(['\u{10000}', '𝒳', '\u{10ffff}'])('the character %s at the end of a column stays whole', (character) => {
  const attributes = { text: `${'x'.repeat(32_768 - '{"text":"'.length - 1)}${character}x` };
  const entity = stored(toEntity(exampleKey(1), exampleRecord({ attributes }), 'id'));
  expect(entity.attributes).toHaveLength(32_767);
  expect(entity.attributes2).toBe(`${character}x"}`);
  expect(toRow(entity).record.attributes).toEqual(attributes);
});

const milliseconds = fc.maxSafeInteger();
const state = fc.record({
  status: fc.constantFrom('realized' as const, 'exited' as const),
  isMember: fc.boolean(),
  qualifiedAtMs: milliseconds,
  enqueuedAtMs: milliseconds,
  sequenceNumber: fc.maxSafeNat(),
  content: fc.string(),
});
const rowState = fc.oneof(
  fc.record({
    is: fc.constantFrom(
      'delivered' as const,
      'noted' as const,
      'rejected' as const,
      'not-found' as const,
      'given-up' as const,
      'paused' as const,
    ),
  }),
  fc.record(
    { is: fc.constant('deferred' as const), chainId: fc.string(), linkDigest: fc.string() },
    { requiredKeys: ['is', 'chainId'] },
  ),
  fc.record({ is: fc.constant('leased' as const), holder: fc.string(), expiresAtMs: milliseconds }),
);
/** As JSON has them: it cannot tell -0 from 0. */
const attributes = fc
  .dictionary(fc.string(), fc.jsonValue())
  .map((value) => JSON.parse(JSON.stringify(value)) as LedgerRecord['attributes']);
const fullRecord = fc.record(
  {
    known: state,
    rowState,
    attributes,
    delivered: state,
    deliveredAtMs: milliseconds,
    deliveredAttributes: attributes,
    inDoubt: fc.boolean(),
    linkDigest: fc.string(),
    knownDigest: fc.string(),
    formerOf: fc.array(
      fc.record({ namespace: fc.string(), value: fc.string({ unit: 'binary' }), linkDigest: fc.string() }),
      { minLength: 1 },
    ),
    history: fc.string(),
  },
  { requiredKeys: ['known', 'rowState', 'attributes', 'inDoubt'] },
);
/** A row with a digest with which the person was followed has no other. */
const record = fullRecord.map(({ knownDigest, ...others }): LedgerRecord =>
  knownDigest === undefined || others.linkDigest !== undefined ? others : { ...others, knownDigest },
);

test('every record comes back from its columns', () => {
  fc.assert(
    fc.property(record, (original) => {
      const row = toRow(stored(toEntity(exampleKey(1), original, 'id')));
      expect(row.record).toEqual(original);
      expect(row.version).toBe('version');
    }),
  );
});

test('what settles a leased row reads as the settled one when it is merged into it', () => {
  const outcome = fc.oneof(
    fc.constantFrom('delivered' as const, 'rejected' as const, 'not-found' as const, 'given-up' as const),
    fc.record({ is: fc.constant('deferred' as const), chainId: fc.string() }),
  );
  const how = fc.record(
    { atMs: milliseconds, deliveredAtMs: milliseconds, linkDigest: fc.string() },
    {
      requiredKeys: ['atMs'],
    },
  );
  let merged = 0;
  fc.assert(
    fc.property(record, outcome, fc.boolean(), fc.option(how, { nil: undefined }), (before, is, inDoubt, ended) => {
      const row = { ...before, rowState: { is: 'leased', holder: 'worker', expiresAtMs: 1 } } as const;
      const settled = settle(row, is, inDoubt, ended);
      const columns = settlingColumns(exampleKey(1), settled, row, 'after');
      if (columns === undefined) return;
      merged += 1;
      const entity = { ...toEntity(exampleKey(1), row, 'before'), ...columns };
      expect(toRow(stored(entity)).record).toEqual(settled);
      expect(toKey(stored(entity))).toEqual(exampleKey(1));
      expect(entity.writeId).toBe('after');
    }),
    { numRuns: 1_000 },
  );
  expect(merged).toBeGreaterThan(300);
});

test('every key comes back from its columns, whatever its identity holds', () => {
  const text = fc.string({ unit: 'grapheme' });
  // Any code units, halves of characters among them.
  const value = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units));
  const key = fc.record({
    destination: text,
    identity: fc.record({ namespace: text, value }),
    audience: fc.record({ namespace: text, id: text }),
  });
  fc.assert(
    fc.property(key, (original) => {
      expect(toKey(stored(toEntity(original, exampleRecord(), 'id')))).toEqual(original);
    }),
  );
});
