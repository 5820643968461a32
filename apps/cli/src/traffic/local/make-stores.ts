import { openDataStorage } from '../../environment/data-storage.ts';

const makeTimeoutMs = 20_000;

/**
 * Makes the stores of a function app in a storage account of this machine, as the stack does in
 * Azure: before the first event the page and the commands find them empty, instead of that they do
 * not find them. Throws `StoreFailure`.
 */
export async function makeStores(connectionString: string): Promise<void> {
  const { ledger, deadLetters, controls, retryQueue } = openDataStorage({ connectionString });
  const signal = AbortSignal.timeout(makeTimeoutMs);
  await Promise.all([
    ledger.createTables(signal),
    deadLetters.createContainer(signal),
    controls.createContainer(signal),
    retryQueue.createStores(signal),
  ]);
}
