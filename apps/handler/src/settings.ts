import { leaseSeconds } from '@activation-hub/activation/activation-context';
import {
  addressFault,
  connectionStringFault,
  ledgerAccountsFault,
  ledgerAddresses,
} from '@activation-hub/azure-adapters/storage-address';
import { proxySettings, type ProxySettings } from '@activation-hub/destination-kit/proxies';
import { secretVariable, type AppSettings, type SettingName } from '@activation-hub/handler-contract';
import type { Level } from '@activation-hub/telemetry';

/** What the app settings say, checked once at the start. */
export interface Settings {
  /** Where the activation file is: absolute, or relative to the app's folder. */
  readonly activationFile: string;
  /** The account of ledger and dead letters. */
  readonly dataStorage: StorageSettings;
  /** The hub that the trigger reads, for measuring how far it is behind. */
  readonly eventHub: EventHubSettings;
  /** The account in which the host keeps the trigger's checkpoints. */
  readonly hostStorage: HostStorageSettings;
  /** Local runs only: lets destinations be on this machine or in a private network. */
  readonly allowPrivateAddresses: boolean;
  /** The proxies through which requests to destinations go. */
  readonly proxies: ProxySettings;
  /** How long a lease in the ledger lives; the deadlines of an invocation follow from it. */
  readonly leaseSeconds: number;
  /** The ledger is being moved to where the settings say, and is used only after an import. */
  readonly ledgerMoves: boolean;
  readonly logLevel: Level;
  /** How many log lines of each signal a process writes in a minute, at most; undefined for all. */
  readonly logLinesPerMinute: number | undefined;
  /**
   * Local runs only: the address that receives every change one by one, with personal data; on this
   * machine.
   */
  readonly observerUrl: string | undefined;
  /**
   * Where metrics and spans go besides the log; undefined when nowhere, and then nothing of
   * OpenTelemetry is loaded.
   */
  readonly exported: ExportSettings | undefined;
  /** The value of a secret that the activation file names, or undefined. */
  readonly secret: (name: string) => string | undefined;
}

export type StorageSettings =
  | { readonly connectionString: string }
  | {
      /** Several, separated by commas, where the ledger is spread over as many accounts. */
      readonly tableEndpoint: string;
      readonly blobEndpoint: string;
      readonly queueEndpoint: string;
      /** Of the user-assigned identity; absent for the system-assigned one. */
      readonly clientId?: string;
    };

export interface EventHubSettings {
  readonly connection:
    { readonly connectionString: string } | { readonly fullyQualifiedNamespace: string; readonly clientId?: string };
  readonly name: string;
  readonly consumerGroup: string;
}

export type HostStorageSettings =
  { readonly connectionString: string } | { readonly blobEndpoint: string; readonly clientId?: string };

/** Where metrics and spans go besides the log; at least one of both is there. */
export interface ExportSettings {
  readonly applicationInsights?: {
    readonly connectionString: string;
    /** The app signs in; with the user-assigned identity of that client id, else with its own. */
    readonly identity?: { readonly clientId?: string };
  };
  /** A collector that takes OTLP over HTTP, by its base address. */
  readonly otlp?: { readonly endpoint: string };
  /** How many batches of each process are traced in a minute, at most. */
  readonly tracesPerMinute: number;
  readonly metricsEveryMs: number;
}

/** Only what the contract names can be read: what it does not name, no stack would set. */
export type Environment = AppSettings<string | undefined>;

/**
 * Reads the app settings:
 *
 * - `ACTIVATION_FILE`: the activation file;
 * - `DataStorage` (a connection string), or `DataStorage__tableServiceUri`,
 *   `DataStorage__blobServiceUri`, `DataStorage__queueServiceUri` and `DataStorage__clientId` (a
 *   managed identity); where the ledger is spread over several accounts, the first names the table
 *   services of all, separated by commas and always in the same order;
 * - `EventHubConnection` or `EventHubConnection__fullyQualifiedNamespace` and `__clientId`,
 *   `EVENT_HUB_NAME`, `EVENT_HUB_CONSUMER_GROUP`: what the trigger reads;
 * - `AzureWebJobsStorage`, or `AzureWebJobsStorage__blobServiceUri` (or `__accountName`) and
 *   `__clientId`: the host's own;
 * - `ACTIVATION_SECRET_<NAME>`: secrets by name, in upper case and with `_` for `-`;
 * - `ACTIVATION_ALLOW_PRIVATE_ADDRESSES`: `true` for local runs; default `false`;
 * - `ACTIVATION_LEASE_SECONDS`: how long a lease in the ledger lives, a whole number from 15 to
 *   480; default 180. A change that a crash has left in doubt is told again after so long;
 * - `ACTIVATION_LEDGER_MOVES`: `true` while the ledger is moved to where the settings say; it is
 *   then used only after an import; default `false`;
 * - `ACTIVATION_OBSERVER_URL`: for local runs, with `ACTIVATION_ALLOW_PRIVATE_ADDRESSES`: an
 *   address of this machine that also receives every change, with the person, and every request;
 *   none by default;
 * - `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, also in lower case: the way out to
 *   destinations; directly by default;
 * - `ACTIVATION_LOG_LEVEL`: `debug`, `information` (default), `warning` or `error`;
 * - `ACTIVATION_LOG_LINES_PER_MINUTE`: how many log lines of each signal a process writes in a
 *   minute, at most; by default all;
 * - `APPLICATIONINSIGHTS_CONNECTION_STRING`, with `APPLICATIONINSIGHTS_AUTHENTICATION_STRING` where
 *   it takes signed-in senders only, and `OTEL_EXPORTER_OTLP_ENDPOINT`, the base address of a
 *   collector that takes OTLP over HTTP: where metrics and spans go; by default nowhere;
 * - `OTEL_METRIC_EXPORT_INTERVAL`: how often metrics are sent, in milliseconds; default 60000;
 * - `ACTIVATION_TRACES_PER_MINUTE`: how many batches of each process are traced in a minute, at
 *   most; default 10, 0 for none.
 *
 * Throws one error that names every setting that is missing or wrong.
 */
export function readSettings(environment: Environment): Settings {
  const problems: string[] = [];
  const settings = {
    activationFile: required(environment, 'ACTIVATION_FILE', problems),
    dataStorage: storageSettings(environment, problems),
    eventHub: eventHubSettings(environment, problems),
    hostStorage: hostStorageSettings(environment, problems),
    allowPrivateAddresses:
      oneOf(environment, 'ACTIVATION_ALLOW_PRIVATE_ADDRESSES', ['false', 'true'], problems) === 'true',
    proxies: proxySettings(environment),
    leaseSeconds: wholeNumber(environment, 'ACTIVATION_LEASE_SECONDS', leaseSeconds, problems),
    ledgerMoves: oneOf(environment, 'ACTIVATION_LEDGER_MOVES', ['false', 'true'], problems) === 'true',
    logLevel: oneOf(environment, 'ACTIVATION_LOG_LEVEL', ['information', 'debug', 'warning', 'error'], problems),
    logLinesPerMinute: isSet(environment, 'ACTIVATION_LOG_LINES_PER_MINUTE')
      ? wholeNumber(environment, 'ACTIVATION_LOG_LINES_PER_MINUTE', logLinesPerMinute, problems)
      : undefined,
    observerUrl: observerUrl(environment, problems),
    exported: exportSettings(environment, problems),
    secret: (name: string) => environment[secretVariable(name)],
  };
  if (problems.length > 0) throw new Error(`Failed to start: ${problems.join(' ')}`);
  return settings;
}

function storageSettings(environment: Environment, problems: string[]): StorageSettings {
  if (isSet(environment, 'DataStorage')) return connectionStringAt(environment, 'DataStorage', problems);
  const clientId = environment.DataStorage__clientId;
  return {
    tableEndpoint: ledgerAddressesAt(environment, problems),
    blobEndpoint: addressAt(environment, 'DataStorage__blobServiceUri', problems),
    queueEndpoint: addressAt(environment, 'DataStorage__queueServiceUri', problems),
    ...(clientId === undefined ? {} : { clientId }),
  };
}

function eventHubSettings(environment: Environment, problems: string[]): EventHubSettings {
  const connectionString = environment.EventHubConnection ?? '';
  const clientId = environment.EventHubConnection__clientId;
  return {
    connection:
      connectionString === ''
        ? {
            fullyQualifiedNamespace: required(environment, 'EventHubConnection__fullyQualifiedNamespace', problems),
            ...(clientId === undefined ? {} : { clientId }),
          }
        : { connectionString },
    name: required(environment, 'EVENT_HUB_NAME', problems),
    consumerGroup: required(environment, 'EVENT_HUB_CONSUMER_GROUP', problems),
  };
}

function hostStorageSettings(environment: Environment, problems: string[]): HostStorageSettings {
  if (isSet(environment, 'AzureWebJobsStorage'))
    return connectionStringAt(environment, 'AzureWebJobsStorage', problems);
  const accountName = environment.AzureWebJobsStorage__accountName ?? '';
  const clientId = environment.AzureWebJobsStorage__clientId;
  return {
    blobEndpoint:
      accountName === ''
        ? addressAt(environment, 'AzureWebJobsStorage__blobServiceUri', problems)
        : `https://${accountName}.blob.core.windows.net`,
    ...(clientId === undefined ? {} : { clientId }),
  };
}

function required(environment: Environment, name: SettingName, problems: string[]): string {
  const value = environment[name] ?? '';
  if (value === '') problems.push(`The app setting ${name} is missing.`);
  return value;
}

function isSet(environment: Environment, name: SettingName): boolean {
  return (environment[name] ?? '') !== '';
}

/** The connection string of a storage account. */
function connectionStringAt(
  environment: Environment,
  name: SettingName,
  problems: string[],
): { readonly connectionString: string } {
  const connectionString = environment[name] ?? '';
  const fault = connectionStringFault(connectionString);
  if (fault !== undefined)
    problems.push(`The app setting ${name} is no connection string of a storage account: ${fault}`);
  return { connectionString };
}

/** The addresses of the table services over which the ledger is spread, separated by commas. */
function ledgerAddressesAt(environment: Environment, problems: string[]): string {
  const name = 'DataStorage__tableServiceUri';
  const urls = required(environment, name, problems);
  if (urls === '') return urls;
  const addresses = ledgerAddresses(urls);
  const faults = new Set(addresses.map(addressFault).filter((fault) => fault !== undefined));
  for (const fault of faults) problems.push(`The app setting ${name} is no address of a storage account: ${fault}`);
  const countFault = ledgerAccountsFault(addresses.length);
  if (countFault !== undefined)
    problems.push(`The app setting ${name} names ${addresses.length} addresses: ${countFault}`);
  return urls;
}

/** The address of a service of a storage account. */
function addressAt(environment: Environment, name: SettingName, problems: string[]): string {
  const url = required(environment, name, problems);
  const fault = url === '' ? undefined : addressFault(url);
  if (fault !== undefined) problems.push(`The app setting ${name} is no address of a storage account: ${fault}`);
  return url;
}

/**
 * What goes there is personal data, so that it stays on this machine, and no app in Azure sends
 * it.
 */
function observerUrl(environment: Environment, problems: string[]): string | undefined {
  const text = environment.ACTIVATION_OBSERVER_URL ?? '';
  if (text === '') return undefined;
  const url = URL.parse(text);
  const isHere = url?.protocol === 'http:' && ['127.0.0.1', '[::1]'].includes(url.hostname);
  if (isHere && environment.ACTIVATION_ALLOW_PRIVATE_ADDRESSES === 'true') return text;
  problems.push(
    'The app setting ACTIVATION_OBSERVER_URL must be an http address of 127.0.0.1, and goes with ACTIVATION_ALLOW_PRIVATE_ADDRESSES=true: it is for local runs. Remove it elsewhere.',
  );
  return undefined;
}

const logLinesPerMinute = { least: 0, most: 60_000, usual: 60 };
/**
 * A trace of ten spans is about 8 KB in Application Insights: ten a minute are 3.5 GB a month, of
 * an instance that is always busy.
 */
const tracesPerMinute = { least: 0, most: 60_000, usual: 10 };
/** Application Insights keeps metrics by the minute. */
const metricsEveryMs = { least: 100, most: 3_600_000, usual: 60_000 };

/**
 * Reads where metrics and spans go; undefined when nowhere. Adds a sentence to `problems` for each
 * setting that is wrong.
 *
 * The exporter of OTLP reads the rest of its settings itself, as the OpenTelemetry specification
 * names them (`OTEL_EXPORTER_OTLP_HEADERS`, `…_COMPRESSION`, `…_TIMEOUT`, `…_CERTIFICATE`), and the
 * SDK `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_BSP_…`.
 */
function exportSettings(environment: Environment, problems: string[]): ExportSettings | undefined {
  const applicationInsights = applicationInsightsSettings(environment, problems);
  const otlp = otlpSettings(environment, problems);
  const settings = {
    ...(applicationInsights === undefined ? {} : { applicationInsights }),
    ...(otlp === undefined ? {} : { otlp }),
    tracesPerMinute: wholeNumber(environment, 'ACTIVATION_TRACES_PER_MINUTE', tracesPerMinute, problems),
    metricsEveryMs: wholeNumber(environment, 'OTEL_METRIC_EXPORT_INTERVAL', metricsEveryMs, problems),
  };
  return applicationInsights === undefined && otlp === undefined ? undefined : settings;
}

/** The sentence of Azure's that says where telemetry goes, and by which identity it is sent. */
function applicationInsightsSettings(
  environment: Environment,
  problems: string[],
): ExportSettings['applicationInsights'] {
  const connectionString = environment.APPLICATIONINSIGHTS_CONNECTION_STRING ?? '';
  const signIn = environment.APPLICATIONINSIGHTS_AUTHENTICATION_STRING ?? '';
  if (connectionString === '') return undefined;
  // What Azure's exporter accepts as a key; its own error would appear in no log.
  if (!/(?:^|;)\s*InstrumentationKey=[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\s*(?:;|$)/i.test(connectionString)) {
    problems.push(
      'The app setting APPLICATIONINSIGHTS_CONNECTION_STRING has no InstrumentationKey. Copy it from the Application Insights resource, or remove it.',
    );
    return undefined;
  }
  if (signIn === '') return { connectionString };
  const parts = new Map(
    signIn.split(';').map((part): [string, string] => {
      const [name = '', value = ''] = part.split('=', 2);
      return [name.trim().toLowerCase(), value.trim()];
    }),
  );
  if (parts.get('authorization')?.toUpperCase() !== 'AAD') {
    problems.push(
      'The app setting APPLICATIONINSIGHTS_AUTHENTICATION_STRING must be Authorization=AAD, with ClientId=<id>; before it for a user-assigned identity.',
    );
  }
  const clientId = parts.get('clientid') ?? '';
  return { connectionString, identity: clientId === '' ? {} : { clientId } };
}

function otlpSettings(environment: Environment, problems: string[]): ExportSettings['otlp'] {
  const endpoint = environment.OTEL_EXPORTER_OTLP_ENDPOINT ?? '';
  if (endpoint === '') return undefined;
  const url = URL.parse(endpoint);
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '') return { endpoint };
  problems.push(
    'The app setting OTEL_EXPORTER_OTLP_ENDPOINT must be the http or https address of a collector, such as https://collector.example.com:4318, without credentials or a query: those go into OTEL_EXPORTER_OTLP_HEADERS.',
  );
  return undefined;
}

/** The first of the words is the default. */
function oneOf<Word extends string>(
  environment: Environment,
  name: SettingName,
  words: readonly [Word, ...Word[]],
  problems: string[],
): Word {
  const value = environment[name];
  if (value === undefined || value === '') return words[0];
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) problems.push(`The app setting ${name} must be one of ${words.join(', ')}.`);
  return word ?? words[0];
}

function wholeNumber(
  environment: Environment,
  name: SettingName,
  { least, most, usual }: { readonly least: number; readonly most: number; readonly usual: number },
  problems: string[],
): number {
  const value = environment[name] ?? '';
  if (value === '') return usual;
  const number = /^\d+$/.test(value) ? Number(value) : NaN;
  if (number >= least && number <= most) return number;
  problems.push(`The app setting ${name} must be a whole number from ${least} to ${most}.`);
  return usual;
}
