/** What the app keeps in the account of `DataStorage`. */
export const dataStores = {
  tables: { ledger: 'ledger', ledgerLayout: 'ledgerlayout' },
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
