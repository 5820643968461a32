import { randomUUID } from 'node:crypto';
import { createHttpHeaders, type PipelineRequest, type PipelineResponse } from '@azure/core-rest-pipeline';
import { AzureNamedKeyCredential, TableClient } from '@azure/data-tables';
import type { LedgerKey, LedgerWrite } from '@activation-hub/membership';
import { exampleKey, exampleRecord } from '@activation-hub/membership/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { TableLedger } from './table-ledger.ts';

const { signal } = new AbortController();
let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

type Answer = (request: PipelineRequest) => Pick<PipelineResponse, 'status' | 'bodyAsText'> | undefined;

/**
 * A ledger at an address of Cosmos DB, behind which Azurite answers, but where a test answers in
 * its place; and the requests that were sent.
 */
async function open() {
  const requests: PipelineRequest[] = [];
  const world: { answer: Answer } = { answer: () => undefined };
  const [, key = ''] = /AccountKey=([^;]+)/.exec(azurite.connectionString) ?? [];
  const client = new TableClient(
    'http://ledger.table.cosmos.azure.com/devstoreaccount1',
    `ledger${randomUUID().replaceAll('-', '')}`,
    new AzureNamedKeyCredential('devstoreaccount1', key),
    {
      allowInsecureConnection: true,
      additionalPolicies: [
        {
          position: 'perRetry',
          policy: {
            name: 'azuriteInPlaceOfCosmos',
            sendRequest: async (request, next) => {
              requests.push(request);
              const answer = world.answer(request);
              if (answer === undefined) {
                request.url = request.url.replace('ledger.table.cosmos.azure.com', `127.0.0.1:${azurite.tablePort}`);
                return next(request);
              }
              const headers = createHttpHeaders({ 'content-type': 'application/json', 'x-ms-retry-after-ms': '1' });
              return { ...answer, headers, request };
            },
          },
        },
      ],
    },
  );
  const ledger = new TableLedger(client);
  await ledger.createTable(signal);
  requests.length = 0;
  const transactions = () => requests.filter(({ url }) => url.includes('$batch')).length;
  return { ledger, requests, world, transactions };
}

/** Rows of one person, one per audience. */
function creations(count: number, attributes = {}): LedgerWrite[] {
  const keys = Array.from({ length: count }, (_, n): LedgerKey =>
    exampleKey(1, { audience: { namespace: 'ups', id: `audience-${n}` } }),
  );
  return keys.map((key) => ({ key, record: exampleRecord({ attributes }), expected: undefined }));
}

const refusal = (status: number, code: string) => ({
  status,
  bodyAsText: JSON.stringify({ 'odata.error': { code, message: { lang: 'en-us', value: 'No.' } } }),
});

test('a transaction takes half the bytes of one of Azure Storage', async () => {
  const { ledger, transactions } = await open();
  const results = await ledger.write(creations(12, { text: 'x'.repeat(100_000) }), signal);
  expect(results.every(({ written }) => written)).toBe(true);
  expect(transactions()).toBe(6);
});

test('what is throttled is sent again as soon as the store says', async () => {
  const { ledger, world, requests } = await open();
  let refused = 0;
  world.answer = () => {
    refused += 1;
    return refused <= 2 ? refusal(429, 'TooManyRequests') : undefined;
  };
  const results = await ledger.write(creations(3), signal);
  expect(results.every(({ written }) => written)).toBe(true);
  expect(requests).toHaveLength(3);
});

test('throttling that goes on is a failure of the store, which says what to raise', async () => {
  const { ledger, world } = await open();
  world.answer = () => refusal(429, 'TooManyRequests');
  await expect(ledger.write(creations(3), signal)).rejects.toThrow(
    'answered 429 TooManyRequests. The requests need more request units than the table has.',
  );
});

test('a transaction that the store finds too large goes again in smaller ones', async () => {
  const { ledger, world, transactions } = await open();
  world.answer = ({ url, body }) => {
    const rows = url.includes('$batch') ? (body as Buffer).toString().split('POST ').length - 1 : 1;
    return rows > 2 ? refusal(413, 'RequestBodyTooLarge') : undefined;
  };
  const results = await ledger.write(creations(8), signal);
  expect(results.every(({ written }) => written)).toBe(true);
  expect(transactions()).toBeGreaterThan(3);
});

test('a row that is too large by itself fails its call', async () => {
  const { ledger, world } = await open();
  world.answer = () => refusal(413, 'RequestBodyTooLarge');
  await expect(ledger.write(creations(1), signal)).rejects.toThrow('answered 413 RequestBodyTooLarge');
});

test('a lost race is named by its place in the transaction, the first place too', async () => {
  const { ledger } = await open();
  const writes = creations(5);
  await ledger.write(writes.slice(0, 1), signal);
  const results = await ledger.write(writes, signal);
  expect(results.map(({ written }) => written)).toEqual([false, true, true, true, true]);
});
