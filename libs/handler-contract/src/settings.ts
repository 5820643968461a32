/**
 * The app settings that the function app reads. Besides these it reads only the secrets, each from
 * its `secretVariable`.
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
    'ACTIVATION_LEDGER_MOVES',
    'ACTIVATION_LOG_LEVEL',
    'ACTIVATION_LOG_LINES_PER_MINUTE',
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
  /** Proxies for requests to destinations; without them they go out directly. */
  proxy: ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY', 'https_proxy', 'http_proxy', 'all_proxy', 'no_proxy'],
  /**
   * What stands for others of these: connection strings, for a machine without identities, and an
   * account by its name.
   */
  instead: ['AzureWebJobsStorage', 'AzureWebJobsStorage__accountName', 'DataStorage', 'EventHubConnection'],
} as const;

export type SettingName = (typeof settingNames)[keyof typeof settingNames][number];

/** The prefix of the app settings that hold the secrets of the activation file. */
export const secretPrefix = 'ACTIVATION_SECRET_';

export type SecretVariable = `${typeof secretPrefix}${string}`;

/**
 * The app setting that holds a secret of the activation file, by the secret's name there: upper
 * case, and `_` for `-`. On a machine it is a variable of the environment.
 */
export function secretVariable(name: string): SecretVariable {
  return `${secretPrefix}${name.toUpperCase().replaceAll('-', '_')}`;
}

/** Settings by name. A name that no stack would set is an error of types. */
export type AppSettings<Value = string> = Readonly<Partial<Record<SettingName | SecretVariable, Value>>>;
