import { dataStores } from './stores.ts';

/**
 * What starts the functions that are not started by time or by a request: by function, the
 * connection and what is read there.
 */
export const triggers = {
  'on-audience-events': { connection: 'EventHubConnection', eventHub: '%EVENT_HUB_NAME%' },
  'on-retry-due': { connection: 'DataStorage', queue: dataStores.queues.retries },
  'on-retry-poisoned': { connection: 'DataStorage', queue: dataStores.queues.poisonedRetries },
} as const;
