import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import {
  assertionKey,
  DestinationError,
  type HttpRequest,
  type Secret,
  signedAssertion,
  type SignIn,
  tokenRequest,
} from '@activation-hub/destination-kit';

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
 * How a service account signs in: by an assertion that it signs itself (RFC 7523; "Using OAuth 2.0
 * for server to server applications" of Google). Throws `DestinationError` of class `set-up` when
 * the secret is not the JSON key of one.
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
      ...tokenRequest(tokenUrl, {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: assertion(account, tokenUrl, Math.floor(now() / 1_000)),
      }),
      timeoutMs,
    }),
    advice: 'Check that the service account and its key are there, and the clock.',
  };
}

function assertion({ email, keyId, key }: ServiceAccount, audience: string, issuedAt: number): string {
  const claims = { iss: email, scope, aud: audience, iat: issuedAt, exp: issuedAt + lifetimeSeconds };
  return signedAssertion(key, 'RS256', keyId === undefined ? {} : { kid: keyId }, claims);
}

const what = 'the JSON key of a service account, whole, as Google gave it';

function readKey(serviceAccountKey: Secret): ServiceAccount {
  let written: z.output<typeof keySchema>;
  try {
    written = keySchema.parse(JSON.parse(serviceAccountKey.reveal()));
  } catch {
    // The parsers quote what they could not read, which is the secret.
    throw new DestinationError(
      'set-up',
      `Failed to read the setting serviceAccountKey: its secret is not ${what}. Store it again.`,
    );
  }
  const { client_email: email, private_key: pem, private_key_id: keyId } = written;
  return { email, keyId, key: assertionKey('serviceAccountKey', pem, what) };
}
