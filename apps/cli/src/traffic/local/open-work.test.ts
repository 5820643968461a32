import { startAzurite } from '@activation-hub/azurite';
import { containerClient, queueClient } from '@activation-hub/azure-adapters';
import type { Retry } from '@activation-hub/delivery';
import { lease, settle } from '@activation-hub/membership';
import { exampleState } from '@activation-hub/membership/testing';
import { expect, onTestFinished, test } from 'vitest';
import { openDataStorage } from '../../environment/data-storage.ts';
import { findOpenWork, openWorkLines } from './open-work.ts';

const { signal } = new AbortController();
const audience = { namespace: 'ups', id: 'fans' };
const rowOf = (person: string) => ({
  destination: 'crm',
  identity: { namespace: 'crmid', value: person },
  audience,
});

function retry(id: string, destination: string, people: readonly string[]): Retry {
  const event = { partitionId: '0', sequenceNumber: 1, enqueuedAtMs: 1, body: Buffer.from('{}') };
  return {
    id,
    destination,
    events: people.map((person) => ({ event, audiences: ['fans'], rows: [rowOf(person)] })),
    rows: [],
    attempts: 7,
    firstDeferredAtMs: 1,
    class: 'transient',
    reason: '503',
    isReplay: false,
  };
}

test('changes that wait are counted once, in however many retries they are, and not when another way has settled them', async () => {
  const azurite = await startAzurite({});
  onTestFinished(() => azurite.stop());
  const storage = openDataStorage(azurite);
  await storage.ledger.createTables(signal);
  // Nothing has been deferred yet: the function app has not made the containers.
  expect(await findOpenWork(storage, 0, signal)).toEqual({ waiting: {}, deadLetters: 0, events: 0, isCut: false });

  await containerClient(azurite, 'retries').create();
  await queueClient(azurite, 'retries').create();
  const dueAtMs = Date.now() + 60_000;
  await storage.retryQueue.put(retry('a', 'crm', ['C-1', 'C-2']), dueAtMs, signal);
  await storage.retryQueue.put(retry('b', 'crm', ['C-2', 'C-3']), dueAtMs, signal);
  await storage.retryQueue.put({ ...retry('c', 'ads', []), rows: [rowOf('C-1')] }, dueAtMs, signal);
  await storage.retryQueue.put(retry('d', 'told', ['C-9']), dueAtMs, signal);
  const told = settle(
    lease(undefined, { state: exampleState(), attributes: {} }, { holder: 'me', expiresAtMs: 1 }),
    'delivered',
  );
  await storage.ledger.write([{ key: rowOf('C-9'), record: told, expected: undefined }], signal);
  const open = await findOpenWork(storage, 4, signal);
  expect(open).toEqual({ waiting: { crm: 3, ads: 1 }, deadLetters: 0, events: 4, isCut: false });
});

test('what is open is said with how it is kept, and nothing where nothing is', () => {
  const open = { waiting: { crm: 3, ads: 1 }, deadLetters: 2, events: 1, isCut: false };
  expect(openWorkLines(open, undefined)).toEqual([
    'Still open:',
    '  3 changes wait for crm',
    '  1 change waits for ads',
    '  1 event is not settled',
    '  2 dead letters are for a person',
    'It is gone with this run. Start with --data <folder>, and the next start with that folder goes on with it.',
  ]);
  expect(openWorkLines(open, './kept').at(-1)).toBe('It is kept: the next start with --data ./kept goes on with it.');
  expect(openWorkLines({ ...open, isCut: true }, undefined)[1]).toBe('  at least 3 changes wait for crm');
  expect(openWorkLines({ waiting: {}, deadLetters: 0, events: 0, isCut: false }, './kept')).toEqual([]);
});
