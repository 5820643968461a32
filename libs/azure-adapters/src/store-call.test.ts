import { timersLeftBy } from '@activation-hub/delivery/testing';
import { expect, test } from 'vitest';
import { callStore, StoreFailure } from './store-call.ts';

const { signal } = new AbortController();
const store = { name: 'table store', url: 'https://ledger.table.core.windows.net', operationTimeoutMs: 60_000 };

test('an operation that ends, well or not, leaves no timer', async () => {
  expect(await timersLeftBy(() => callStore(store, 'read', signal, () => Promise.resolve('row')))).toBe(0);
  const failing = () => callStore(store, 'read', signal, () => Promise.reject(new Error('no')));
  expect(await timersLeftBy(() => expect(failing()).rejects.toThrow(StoreFailure))).toBe(0);
});

test('a store that does not answer in its time fails for that', async () => {
  const silent = callStore({ ...store, operationTimeoutMs: 1 }, 'read the ledger', signal, (abortSignal) => {
    const { promise, reject } = Promise.withResolvers<never>();
    abortSignal.addEventListener('abort', () => reject(abortSignal.reason as Error));
    return promise;
  });
  await expect(silent).rejects.toThrow(StoreFailure);
  await expect(silent).rejects.toThrow(
    'Failed to read the ledger: the table store at ledger.table.core.windows.net did not answer within 1 ms.',
  );
});
