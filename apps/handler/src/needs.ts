/*
 * What the app needs of its surroundings, as data. The code here takes its names from this file,
 * and a test of `infra` compares it with what the stack makes; so it imports nothing.
 */

/**
 * The app settings that our code reads; secrets (`ACTIVATION_SECRET_…`) come besides. Nothing else
 * is read.
 */
export const settingNames = {
  /** Without one of these the app does not start in Azure, where it signs in with an identity. */
  required: [
    'ACTIVATION_FILE',
    'AzureWebJobsStorage__blobServiceUri',
    'DataStorage__blobServiceUri',
    'DataStorage__queueServiceUri',
    'DataStorage__tableServiceUri',
    'EVENT_HUB_CONSUMER_GROUP',
    'EVENT_HUB_NAME',
    'EventHubConnection__fullyQualifiedNamespace',
  ],
  /** The user-assigned identity; without them it would be the system-assigned one. */
  identity: ['AzureWebJobsStorage__clientId', 'DataStorage__clientId', 'EventHubConnection__clientId'],
  /** What has a default that is right in Azure. */
  optional: [
    'ACTIVATION_ALLOW_PRIVATE_ADDRESSES',
    'ACTIVATION_LEASE_SECONDS',
    'ACTIVATION_LOG_LEVEL',
    'ACTIVATION_OBSERVER_URL',
  ],
  /** Where metrics and spans go; without them nowhere. */
  telemetry: [
    'ACTIVATION_TRACES_PER_MINUTE',
    'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
    'APPLICATIONINSIGHTS_CONNECTION_STRING',
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_METRIC_EXPORT_INTERVAL',
  ],
  /** Proxies for what destinations are told; without them it goes out directly. */
  proxy: ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'https_proxy', 'http_proxy', 'no_proxy'],
  /**
   * What stands for others of these: connection strings, for a machine without identities, and an
   * account by its name.
   */
  instead: ['AzureWebJobsStorage', 'AzureWebJobsStorage__accountName', 'DataStorage', 'EventHubConnection'],
} as const;

export type SettingName = (typeof settingNames)[keyof typeof settingNames][number];

/** What the app keeps in the account of `DataStorage`. */
export const dataStores = {
  tables: { ledger: 'ledger' },
  containers: {
    deadLetters: 'dead-letters',
    retries: 'retries',
    ledgerExports: 'ledger-exports',
    controls: 'controls',
  },
  queues: { retries: 'retries', poisonedRetries: 'retries-poison' },
} as const;

/**
 * Where the Event Hubs extension keeps the trigger's checkpoints, in the account of
 * `AzureWebJobsStorage`. It makes it itself.
 */
export const checkpointContainer = 'azure-webjobs-eventhub';

/**
 * What starts the functions that are not started by time or by a request: by function, the
 * connection and what is read there.
 */
export const triggers = {
  'on-audience-events': { connection: 'EventHubConnection', eventHub: '%EVENT_HUB_NAME%' },
  'on-retry-due': { connection: 'DataStorage', queue: dataStores.queues.retries },
  'on-retry-poisoned': { connection: 'DataStorage', queue: dataStores.queues.poisonedRetries },
} as const;
