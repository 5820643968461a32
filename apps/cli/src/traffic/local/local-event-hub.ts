/**
 * What `activation local` listens as. Like the account of Azurite the key is no secret: it is the
 * same on every machine.
 */
export const localEventHub = {
  name: 'profile-exports',
  consumerGroup: 'activation-hub',
  port: 5672,
  keyName: 'RootManageSharedAccessKey',
  key: Buffer.from('activation local, not a secret!!').toString('base64'),
} as const;

/** The key of the emulator on this machine. */
export const localKeys = [
  {
    name: localEventHub.keyName,
    rights: ['Manage', 'Send', 'Listen'],
    primaryKey: localEventHub.key,
    secondaryKey: localEventHub.key,
  },
] as const;

/** Where `activation local` listens when nothing else is said. */
export const usualConnectionString =
  `Endpoint=sb://127.0.0.1:${localEventHub.port}/;SharedAccessKeyName=${localEventHub.keyName};` +
  `SharedAccessKey=${localEventHub.key};EntityPath=${localEventHub.name};UseDevelopmentEmulator=true`;
