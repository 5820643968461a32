import { expect, test } from 'vitest';
import { CommandError } from '../terminal/command-error.ts';
import { openDataStorage } from './data-storage.ts';

/** The data storage account of an environment, with a sign-in that gives this token or fails. */
function storageWith(getToken: () => Promise<{ token: string; expiresOnTimestamp: number }>) {
  const endpoint = (service: string): string => `https://contoso.${service}.core.windows.net`;
  return openDataStorage({
    blobEndpoint: endpoint('blob'),
    queueEndpoint: endpoint('queue'),
    tableEndpoint: endpoint('table'),
    credential: { getToken },
  });
}

const tokenOf = (claims: object) => ({
  token: `head.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sign`,
  expiresOnTimestamp: 0,
});

test('a person who is not signed in is told to sign in', async () => {
  const failed = storageWith(() =>
    Promise.reject(new Error('AADSTS700082: The refresh token has expired.')),
  ).operatorName();
  await expect(failed).rejects.toThrow(CommandError);
  await expect(failed).rejects.toThrow(
    'Failed to sign in to Azure: AADSTS700082: The refresh token has expired. Run az login.',
  );
});

test('the name is that of the person, else that of the app, and none where the token says none', async () => {
  const nameIn = (claims: object): Promise<string> =>
    storageWith(() => Promise.resolve(tokenOf(claims))).operatorName();
  expect(await nameIn({ upn: 'ada@contoso.example', appid: '1' })).toBe('ada@contoso.example');
  expect(await nameIn({ appid: '1' })).toBe('1');
  expect(await nameIn({})).toBe('unknown');
  const opaque = storageWith(() => Promise.resolve({ token: 'opaque.token', expiresOnTimestamp: 0 }));
  expect(await opaque.operatorName()).toBe('unknown');
});
