import { exampleKey } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { entityAddress } from './ledger-entity.ts';
import { accountOf, ledgerAccounts, ledgerTables } from './ledger-tables.ts';
import { ledgerAccountCounts } from './storage-address.ts';

const credential = { getToken: () => Promise.resolve(null) };
const endpointsOf = (tableEndpoint: string) => ({
  tableEndpoint,
  blobEndpoint: 'https://hub.blob.core.windows.net',
  queueEndpoint: 'https://hub.queue.core.windows.net',
  credential,
});
const people = (count: number) => Array.from({ length: count }, (_, n) => entityAddress(exampleKey(n + 1)));

test('the bits of a digest behind those of its bucket say in which account a row is, the same ones in every release', () => {
  const rowKey = `${Buffer.from([0b101_10110, 0xff]).toString('base64url')}.ups`;
  expect(ledgerAccountCounts.map((accounts) => [accounts, accountOf(rowKey, accounts)])).toEqual([
    [1, 0],
    [2, 0b1],
    [4, 0b10],
    [8, 0b101],
    [16, 0b1011],
    [32, 0b10110],
  ]);
});

test('each account has about as many people as the others, whatever their number', () => {
  const rowKeys = people(8_000).map(({ rowKey }) => rowKey);
  for (const accounts of ledgerAccountCounts) {
    const counts = new Map<number, number>();
    for (const rowKey of rowKeys) {
      const account = accountOf(rowKey, accounts);
      counts.set(account, (counts.get(account) ?? 0) + 1);
    }
    expect([...counts.keys()].toSorted((left, right) => left - right)).toEqual([...Array(accounts).keys()]);
    for (const count of counts.values()) {
      expect(count).toBeGreaterThan(0.7 * (8_000 / accounts));
      expect(count).toBeLessThan(1.3 * (8_000 / accounts));
    }
  }
});

test('each account has every bucket of a destination, so that none is a bottleneck', () => {
  const buckets = new Set(
    people(4_000).map(({ partitionKey, rowKey }) => `${partitionKey} in ${accountOf(rowKey, 4)}`),
  );
  expect(buckets.size).toBe(32);
});

test('a ledger is in the accounts that the table endpoint of its connection names, in their order', () => {
  const connection = endpointsOf('https://one.table.core.windows.net, https://two.table.core.windows.net');
  expect(ledgerAccounts(connection)).toEqual([
    { ...connection, tableEndpoint: 'https://one.table.core.windows.net' },
    { ...connection, tableEndpoint: 'https://two.table.core.windows.net' },
  ]);
  expect(
    ledgerTables(ledgerAccounts(connection)).map(({ rows, layout }) => [rows, layout].map((table) => table.tableName)),
  ).toEqual([
    ['ledger', 'ledgerlayout'],
    ['ledger', 'ledgerlayout'],
  ]);
  expect(ledgerTables(ledgerAccounts(connection)).map(({ rows }) => new URL(rows.url).host)).toEqual([
    'one.table.core.windows.net',
    'two.table.core.windows.net',
  ]);
});

test('a connection string names one account', () => {
  const connection = { connectionString: 'UseDevelopmentStorage=true' };
  expect(ledgerAccounts(connection)).toEqual([connection]);
});

test.each([0, 3, 5, 64])('%d accounts are none that a ledger can be spread over', (accounts) => {
  const connections = Array.from({ length: accounts }, () => endpointsOf('https://one.table.core.windows.net'));
  expect(() => ledgerTables(connections)).toThrow(
    `Failed to open the ledger: a ledger cannot be spread over ${accounts} accounts. Give 1, 2, 4, 8, 16, 32 of them.`,
  );
});
