import { expect, test } from 'vitest';
import { credentialOf, Settings, storageServiceUri, type IdentityConnection } from './settings.ts';

function identity(values: Record<string, string>): IdentityConnection {
  const connection = new Settings(values).connection('Storage', 'a test');
  if (connection.kind !== 'identity') throw new Error('expected an identity-based connection');
  return connection;
}

test('expressions in percent signs become the settings that they name', () => {
  const settings = new Settings({ HUB: 'exports', Stage: 'dev' });
  expect(settings.expand('%hub%-%STAGE%', 'function f')).toBe('exports-dev');
  expect(settings.expand('plain', 'function f')).toBe('plain');
  expect(() => settings.expand('%GROUP%', 'function f')).toThrow(
    "Failed to start function f: the setting GROUP is missing. Add it to the app's settings.",
  );
});

test('a connection is a connection string, also under the prefix AzureWebJobs', () => {
  const expected = { kind: 'connectionString', connectionString: 'Endpoint=sb://x' };
  expect(new Settings({ Hub: 'Endpoint=sb://x' }).connection('Hub', 'f')).toEqual(expected);
  expect(new Settings({ AzureWebJobsHub: 'Endpoint=sb://x' }).connection('Hub', 'f')).toEqual(expected);
});

test('a connection without a connection string is made of its parts, with __ or : between', () => {
  expect(identity({ Storage__blobServiceUri: 'https://b' }).part('BlobServiceUri')).toBe('https://b');
  expect(identity({ 'Storage:accountName': 'acct' }).part('accountName')).toBe('acct');
});

test('an empty or absent connection is missing', () => {
  expect(() => new Settings({ Storage: '' }).connection('Storage', 'function f')).toThrow(
    'the setting Storage is missing',
  );
});

test('the address of a storage service comes from its own setting or from the name of the account', () => {
  expect(storageServiceUri(identity({ Storage__queueServiceUri: 'https://q' }), 'queue', 'f')).toBe('https://q');
  expect(storageServiceUri(identity({ Storage__accountName: 'acct' }), 'blob', 'f')).toBe(
    'https://acct.blob.core.windows.net',
  );
  expect(() => storageServiceUri(identity({ Storage__credential: 'managedidentity' }), 'blob', 'f')).toThrow(
    'the setting Storage__blobServiceUri is missing',
  );
});

test('managedidentity gives that credential, all else the default chain', async () => {
  const nameOf = async (values: Record<string, string>): Promise<string> =>
    (await credentialOf(identity(values))).constructor.name;
  expect(await nameOf({ Storage__credential: 'managedidentity', Storage__clientId: 'id' })).toBe(
    'ManagedIdentityCredential',
  );
  expect(await nameOf({ Storage__accountName: 'acct' })).toBe('DefaultAzureCredential');
});
