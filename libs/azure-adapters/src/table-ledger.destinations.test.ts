import { randomUUID } from 'node:crypto';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { exampleKey, exampleRecord } from '@activation-hub/membership/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { entityAddress } from './ledger-entity.ts';
import { tableClient } from './storage-connections.ts';
import { TableLedger } from './table-ledger.ts';

const { signal } = new AbortController();
let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

test('it names each destination that has rows once, whatever the number of its buckets', async () => {
  const client = tableClient(azurite, `ledger${randomUUID().replaceAll('-', '')}`);
  const ledger = new TableLedger(client);
  await ledger.createTable(signal);
  const named = () => Array.fromAsync(ledger.destinations(signal));
  expect(await named()).toEqual([]);
  const names = ['a', 'crm', 'crm-eu', 'crm2', 'crm~link', 'crm~shadow', 'crm~shadow~link', 'z'];
  const keys = names.flatMap((destination) => [1, 2, 3, 4, 5].map((person) => exampleKey(person, { destination })));
  expect(new Set(keys.map((key) => entityAddress(key).partitionKey)).size).toBeGreaterThan(2 * names.length);
  await ledger.write(
    keys.map((key) => ({ key, record: exampleRecord(), expected: undefined })),
    signal,
  );
  expect((await named()).toSorted()).toEqual(names);
});

test('a row that cannot be read hides no destination', async () => {
  const client = tableClient(azurite, `ledger${randomUUID().replaceAll('-', '')}`);
  const ledger = new TableLedger(client);
  await ledger.createTable(signal);
  const keys = ['ads', 'crm-eu', 'crm~shadow~link', 'z'].map((destination) => exampleKey(1, { destination }));
  await ledger.write(
    keys.map((key) => ({ key, record: exampleRecord(), expected: undefined })),
    signal,
  );
  for (const [index, columns] of [{ identityValue: 7 }, { destination: 'other' }, { destination: 7 }].entries()) {
    const key = keys[index];
    if (key !== undefined) await client.updateEntity({ ...entityAddress(key), ...columns }, 'Merge');
  }
  const named = await Array.fromAsync(ledger.destinations(signal));
  expect(named.toSorted()).toEqual(keys.map(({ destination }) => destination));
});
