import { userInfo } from 'node:os';
import {
  BlobControls,
  BlobDeadLetters,
  containerClient,
  openLedger,
  queueClient,
  roleOfStore,
  StorageRetryQueue,
  StoreFailure,
  type SpreadLedger,
  type StorageConnection,
} from '@activation-hub/azure-adapters';
import { dataStores } from '@activation-hub/handler-contract';
import type { Command } from 'commander';
import { azureCredential } from './azure-credential.ts';
import { outputText, readStackOutputs } from './stack-outputs.ts';
import { CommandError, reasonOf } from '../terminal/command-error.ts';
import type { Terminal } from '../terminal/terminal.ts';

export interface DataStorageOptions {
  readonly connectionString?: string;
  /** The stack whose account it is. */
  readonly environment?: string;
}

/** What the function app keeps in its data storage account. */
export interface DataStorage {
  readonly ledger: SpreadLedger;
  readonly deadLetters: BlobDeadLetters;
  readonly retryQueue: StorageRetryQueue;
  readonly controls: BlobControls;
  /**
   * Who is signed in, to Azure where the account is there, else on this machine. Throws
   * `CommandError` (1) without a sign-in.
   */
  readonly operatorName: () => Promise<string>;
  /** Whether it is an emulator on this machine. */
  readonly isLocal: boolean;
}

const variable = 'DATA_STORAGE_CONNECTION_STRING';
/**
 * The SDKs' own word for Azurite on its usual ports, where `activation local` has its storage too.
 */
const usualConnectionString = 'UseDevelopmentStorage=true';

/**
 * Adds the options by which a command finds the data storage account; without them, it is that of
 * `activation local` on its usual ports.
 */
export function addDataStorageOption(command: Command): Command {
  return command
    .option('-e, --environment <name>', 'the data storage account of this stack, with your own sign-in to Azure')
    .option(
      '-c, --connection-string <text>',
      `of the data storage account (or ${variable}; default: activation local on its usual ports)`,
    );
}

/** The data storage account that the options name. */
export interface FoundStorage {
  readonly storage: DataStorage;
  /**
   * What fails there as a `CommandError` that says what to do; anything else as it is, for that is
   * a defect.
   */
  readonly explained: (error: unknown) => unknown;
}

/**
 * Finds a data storage account, and calls only Pulumi, for `--environment`. Throws `CommandError`
 * (2) when a connection string cannot be understood, or the options contradict each other.
 */
export async function findDataStorage(options: DataStorageOptions, terminal: Terminal): Promise<FoundStorage> {
  const { connection, hintFor } = await placeOf(options, terminal);
  return {
    storage: openDataStorage(connection),
    explained: (error) => {
      if (error instanceof CommandError) return error;
      if (terminal.interrupted.aborted) return new CommandError(1, 'Stopped, as asked.', { cause: error });
      // The libraries' own failures are sentences; anything else is a defect.
      if (!(error instanceof Error) || !error.message.startsWith('Failed to ')) return error;
      return new CommandError(1, `${error.message}${hintFor(error)}`, { cause: error });
    },
  };
}

/**
 * Runs a verb on the data storage account. Throws what `findDataStorage` throws, and what fails
 * there in its words.
 */
export async function withDataStorage(
  options: DataStorageOptions,
  terminal: Terminal,
  work: (storage: DataStorage) => Promise<void>,
): Promise<void> {
  const { storage, explained } = await findDataStorage(options, terminal);
  try {
    await work(storage);
  } catch (error) {
    throw explained(error);
  }
}

interface Place {
  readonly connection: StorageConnection;
  /**
   * What to do about a failure of this place, with a space before it; empty when there is nothing
   * to add.
   */
  readonly hintFor: (error: Error) => string;
}

async function placeOf({ connectionString, environment }: DataStorageOptions, terminal: Terminal): Promise<Place> {
  if (environment !== undefined) {
    if (connectionString === undefined) return placeOfStack(environment, terminal);
    throw new CommandError(2, 'Failed to find the storage: give --environment or --connection-string, not both.');
  }
  const given = connectionString ?? terminal.environment[variable] ?? '';
  const hint = ` Start activation local, or give --environment, --connection-string or ${variable}.`;
  return {
    connection: { connectionString: given === '' ? usualConnectionString : given },
    hintFor: () => (given === '' ? hint : ''),
  };
}

/** In Azure the account has no shared key: the user needs roles. */
async function placeOfStack(stack: string, terminal: Terminal): Promise<Place> {
  const outputs = await readStackOutputs(stack, terminal, '--connection-string');
  const connection = {
    blobEndpoint: outputText(outputs, 'dataBlobEndpoint', stack),
    queueEndpoint: outputText(outputs, 'dataQueueEndpoint', stack),
    tableEndpoint: outputText(outputs, 'dataTableEndpoint', stack),
    credential: await azureCredential(),
  };
  return { connection, hintFor: storageHint };
}

/**
 * What a person needs besides whom a storage account of Azure turns away, whose own sentence names
 * the role that is missing now: the roles that are missing next, or a sign-in. After "Troubleshoot
 * 403 errors in Azure Storage" (learn.microsoft.com).
 */
export function storageHint(error: Error): string {
  if (!(error instanceof StoreFailure)) return '';
  const { store, code, cause } = error;
  if (code === 'AuthorizationPermissionMismatch') {
    const others = Object.values(roleOfStore).filter((role) => role !== roleOfStore[store]);
    return ` ${others.join(' and ')} are needed too.`;
  }
  return cause instanceof Error && /Credential|Authentication/.test(cause.name)
    ? ' There is no sign-in to Azure: run az login.'
    : '';
}

/** Sends no request. Throws `CommandError` (2) when the connection cannot be understood. */
export function openDataStorage(connection: StorageConnection): DataStorage {
  try {
    const retries = containerClient(connection, dataStores.containers.retries);
    return {
      ledger: openLedger(connection),
      deadLetters: new BlobDeadLetters(containerClient(connection, dataStores.containers.deadLetters)),
      retryQueue: new StorageRetryQueue(retries, queueClient(connection, dataStores.queues.retries)),
      controls: new BlobControls(containerClient(connection, dataStores.containers.controls)),
      operatorName: () => operatorName(connection),
      isLocal: new URL(retries.url).protocol === 'http:',
    };
  } catch (error) {
    throw new CommandError(2, reasonOf(error), { cause: error });
  }
}

/**
 * The scope for which an Azure token of the storage services is asked ("Authorize access to blobs
 * using Microsoft Entra ID").
 */
const storageScope = 'https://storage.azure.com/.default';

/**
 * A token names its owner: a person by `upn` or `unique_name`, an app by `appid` ("Access token
 * claims reference"). Throws `CommandError` (1) without a sign-in.
 */
async function operatorName(connection: StorageConnection): Promise<string> {
  if (!('credential' in connection)) return userInfo().username;
  const { token = '' } =
    (await connection.credential.getToken(storageScope).catch((error: unknown) => {
      throw new CommandError(1, `Failed to sign in to Azure: ${reasonOf(error)} Run az login.`, { cause: error });
    })) ?? {};
  const claims = claimsOf(token);
  return claims.upn ?? claims.unique_name ?? claims.appid ?? 'unknown';
}

/** Of a token that is none of JSON there are no claims. */
function claimsOf(token: string): Claims {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims;
  } catch {
    return {};
  }
}

interface Claims {
  readonly upn?: string;
  readonly unique_name?: string;
  readonly appid?: string;
}
