import { constants, generateKeyPairSync, verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { Secret } from './secret.ts';
import { assertionKey, signedAssertion } from './signed-assertion.ts';

const pem = { type: 'pkcs8', format: 'pem' } as const;
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = assertionKey('key', new Secret(privateKey.export(pem).toString()), 'a key');

test.each([
  ['RS256', {}],
  ['PS256', { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }],
] as const)('%s is a signature that its public key verifies', (algorithm, padding) => {
  const [header = '', claims = '', signature = ''] = signedAssertion(key, algorithm, { kid: 'k' }, { iss: 'me' }).split(
    '.',
  );
  const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
  expect([read(header), read(claims)]).toEqual([{ alg: algorithm, typ: 'JWT', kid: 'k' }, { iss: 'me' }]);
  const isSigned = (text: string) =>
    verify('sha256', Buffer.from(text), { key: publicKey, ...padding }, Buffer.from(signature, 'base64url'));
  expect(isSigned(`${header}.${claims}`)).toBe(true);
  expect(isSigned(`${header}.${claims}x`)).toBe(false);
});

test.each(['not-to-be-seen', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem).toString()])(
  'what is no RSA key is set-up, without a word of it',
  (text) => {
    const read = () => assertionKey('key', new Secret(text), 'the key of the app');
    expect(read).toThrow(expect.objectContaining({ class: 'set-up' }));
    expect(read).toThrow(/^Failed to read the setting key: its secret is not the key of the app\. Store it again\.$/);
  },
);
