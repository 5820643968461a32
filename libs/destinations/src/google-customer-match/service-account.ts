import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { z } from 'zod';
import { DestinationError, type HttpRequest, type Secret, type SignIn } from '@activation-hub/destination-kit';

const keySchema = z.object({
  client_email: z.string().min(1),
  private_key: z.string(),
  private_key_id: z.string().optional(),
});

interface ServiceAccount {
  readonly email: string;
  readonly keyId: string | undefined;
  readonly key: KeyObject;
}

const scope = 'https://www.googleapis.com/auth/datamanager';
/** The longest that Google allows an assertion to live, in seconds. */
const lifetimeSeconds = 3_600;

/**
 * How a service account signs in: by an assertion that it signs itself (RFC 7523; "Using OAuth 2.0 for server to server
 * applications" of Google). Throws `DestinationError` of class `set-up` when the secret is not the JSON key of one.
 */
export function serviceAccountSignIn(
  serviceAccountKey: Secret,
  tokenUrl: string,
  timeoutMs: number,
  now: () => number,
): SignIn {
  const account = readKey(serviceAccountKey);
  return {
    tokenRequest: (): HttpRequest => ({
      method: 'POST',
      url: tokenUrl,
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: assertion(account, tokenUrl, Math.floor(now() / 1_000)),
      }).toString(),
      timeoutMs,
    }),
    advice: 'Check that the service account and its key are there, and the clock.',
  };
}

function assertion({ email, keyId, key }: ServiceAccount, audience: string, issuedAt: number): string {
  const header = { alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) };
  const claims = { iss: email, scope, aud: audience, iat: issuedAt, exp: issuedAt + lifetimeSeconds };
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

function readKey(serviceAccountKey: Secret): ServiceAccount {
  try {
    const {
      client_email: email,
      private_key: pem,
      private_key_id: keyId,
    } = keySchema.parse(JSON.parse(serviceAccountKey.reveal()));
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== 'rsa') throw new Error('not an RSA key');
    return { email, keyId, key };
  } catch {
    // The parsers quote what they could not read, which is the secret.
    throw new DestinationError(
      'set-up',
      'Failed to read the setting serviceAccountKey: its secret is not the JSON key of a service account. Store the file as Google gave it, whole.',
    );
  }
}
