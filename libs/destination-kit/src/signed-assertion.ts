import { constants, createPrivateKey, sign, type KeyObject } from 'node:crypto';
import type { Secret } from './secret.ts';
import { DestinationError } from './verdict.ts';

/**
 * How an assertion is signed: RSASSA-PKCS1-v1_5, or RSASSA-PSS, both with SHA-256 (RFC 7518,
 * sections 3.3 and 3.5).
 */
export type AssertionAlgorithm = 'RS256' | 'PS256';

/**
 * Reads an RSA key in PEM, not encrypted. Throws `DestinationError` of class `set-up`, which names
 * the setting and says what it should hold (`what`, as in "is not the private key of the app"), and
 * nothing of the secret.
 */
export function assertionKey(setting: string, pem: Secret | string, what: string): KeyObject {
  try {
    const key = createPrivateKey(typeof pem === 'string' ? pem : pem.reveal());
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // What the parser says quotes what it could not read, which is the secret.
  }
  throw new DestinationError(
    'set-up',
    `Failed to read the setting ${setting}: its secret is not ${what}. Store it again.`,
  );
}

/**
 * An assertion by which an application says who it is, signed by itself (RFC 7523), in the compact
 * form of a JWT.
 */
export function signedAssertion(
  key: KeyObject,
  algorithm: AssertionAlgorithm,
  header: Readonly<Record<string, string>>,
  claims: Readonly<Record<string, string | number>>,
): string {
  const parts = [{ alg: algorithm, typ: 'JWT', ...header }, claims];
  const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const padding = algorithm === 'PS256' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {};
  return `${text}.${sign('sha256', Buffer.from(text), { key, ...padding }).toString('base64url')}`;
}
