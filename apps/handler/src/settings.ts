import type { Level } from '@activation-hub/telemetry';

/** What the app settings say, checked once at the start. */
export interface Settings {
  /** Where the activation file is: absolute, or relative to the app's folder. */
  readonly activationFile: string;
  /** The account of ledger and dead letters. */
  readonly dataStorage: StorageSettings;
  /** Local runs only: lets destinations be on this machine or in a private network. */
  readonly allowPrivateAddresses: boolean;
  readonly logLevel: Level;
  /** The value of a secret that the activation file names, or undefined. */
  readonly secret: (name: string) => string | undefined;
}

export type StorageSettings =
  | { readonly connectionString: string }
  | {
      readonly tableEndpoint: string;
      readonly blobEndpoint: string;
      readonly queueEndpoint: string;
      /** Of the user-assigned identity; absent for the system-assigned one. */
      readonly clientId?: string;
    };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the app settings:
 *
 * - `ACTIVATION_FILE`: the activation file;
 * - `DataStorage` (a connection string), or `DataStorage__tableServiceUri`, `DataStorage__blobServiceUri`,
 *   `DataStorage__queueServiceUri` and `DataStorage__clientId` (a managed identity);
 * - `ACTIVATION_SECRET_<NAME>`: secrets by name, in upper case and with `_` for `-`;
 * - `ACTIVATION_ALLOW_PRIVATE_ADDRESSES`: `true` for local runs; default `false`;
 * - `ACTIVATION_LOG_LEVEL`: `debug`, `information` (default), `warning` or `error`.
 *
 * Throws one error that names every setting that is missing or wrong.
 */
export function readSettings(environment: Environment): Settings {
  const problems: string[] = [];
  const settings = {
    activationFile: required(environment, 'ACTIVATION_FILE', problems),
    dataStorage: storageSettings(environment, problems),
    allowPrivateAddresses:
      oneOf(environment, 'ACTIVATION_ALLOW_PRIVATE_ADDRESSES', ['false', 'true'], problems) === 'true',
    logLevel: oneOf(environment, 'ACTIVATION_LOG_LEVEL', ['information', 'debug', 'warning', 'error'], problems),
    secret: (name: string) => environment[secretVariable(name)],
  };
  if (problems.length > 0) throw new Error(`Failed to start: ${problems.join(' ')}`);
  return settings;
}

/** The app setting that holds a secret of the activation file. */
export function secretVariable(name: string): string {
  return `ACTIVATION_SECRET_${name.toUpperCase().replaceAll('-', '_')}`;
}

function storageSettings(environment: Environment, problems: string[]): StorageSettings {
  const connectionString = environment.DataStorage;
  if (connectionString !== undefined && connectionString !== '') return { connectionString };
  const clientId = environment.DataStorage__clientId;
  return {
    tableEndpoint: required(environment, 'DataStorage__tableServiceUri', problems),
    blobEndpoint: required(environment, 'DataStorage__blobServiceUri', problems),
    queueEndpoint: required(environment, 'DataStorage__queueServiceUri', problems),
    ...(clientId === undefined ? {} : { clientId }),
  };
}

function required(environment: Environment, name: string, problems: string[]): string {
  const value = environment[name] ?? '';
  if (value === '') problems.push(`The app setting ${name} is missing.`);
  return value;
}

/** The first of the words is the default. */
function oneOf<Word extends string>(
  environment: Environment,
  name: string,
  words: readonly [Word, ...Word[]],
  problems: string[],
): Word {
  const value = environment[name];
  if (value === undefined || value === '') return words[0];
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) problems.push(`The app setting ${name} must be one of ${words.join(', ')}.`);
  return word ?? words[0];
}
