import {
  BlobDeadLetters,
  containerClient,
  queueClient,
  StorageRetryQueue,
  tableClient,
  TableLedger,
  type StorageConnection,
} from '@activation-hub/azure-adapters';
import type { Command } from 'commander';
import { CommandError, reasonOf } from './command-error.ts';
import type { Terminal } from './terminal.ts';

export interface DataStorageOptions {
  readonly connectionString?: string;
}

/** What the function app keeps in its data storage account. */
export interface DataStorage {
  readonly ledger: TableLedger;
  readonly deadLetters: BlobDeadLetters;
  readonly retryQueue: StorageRetryQueue;
  /** Whether it is an emulator on this machine. */
  readonly isLocal: boolean;
}

const variable = 'DATA_STORAGE_CONNECTION_STRING';
/** The SDKs' own word for Azurite on its usual ports, where `activation local` has its storage too. */
const usualConnectionString = 'UseDevelopmentStorage=true';

/** Adds the option by which a command finds the data storage account; without it, it is that of `activation local` on its usual ports. */
export function addDataStorageOption(command: Command): Command {
  return command.option(
    '-c, --connection-string <text>',
    `of the data storage account (or ${variable}; default: activation local on its usual ports)`,
  );
}

/**
 * Runs a verb on the data storage account. What fails there, or is stopped by the person, is thrown as `CommandError`; a
 * connection string that cannot be understood as one with exit code 2.
 */
export async function withDataStorage(
  { connectionString }: DataStorageOptions,
  terminal: Terminal,
  work: (storage: DataStorage) => Promise<void>,
): Promise<void> {
  const given = connectionString ?? terminal.environment[variable] ?? '';
  const storage = openDataStorage({ connectionString: given === '' ? usualConnectionString : given });
  try {
    await work(storage);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    if (terminal.interrupted.aborted) throw new CommandError(1, 'Stopped, as asked.', { cause: error });
    // The libraries' own failures are sentences; anything else is a defect.
    if (!(error instanceof Error) || !error.message.startsWith('Failed to ')) throw error;
    const hint = given === '' ? ` Start activation local, or give --connection-string or ${variable}.` : '';
    throw new CommandError(1, `${error.message}${hint}`, { cause: error });
  }
}

/** Calls nobody. Throws `CommandError` (2) when the connection cannot be understood. */
export function openDataStorage(connection: StorageConnection): DataStorage {
  try {
    const retries = containerClient(connection, 'retries');
    return {
      ledger: new TableLedger(tableClient(connection, 'ledger')),
      deadLetters: new BlobDeadLetters(containerClient(connection, 'dead-letters')),
      retryQueue: new StorageRetryQueue(retries, queueClient(connection, 'retries')),
      isLocal: new URL(retries.url).protocol === 'http:',
    };
  } catch (error) {
    throw new CommandError(2, reasonOf(error), { cause: error });
  }
}
