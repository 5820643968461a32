import { createHash, X509Certificate } from 'node:crypto';
import {
  assertionKey,
  DestinationError,
  type HttpRequest,
  type HttpSender,
  type Secret,
  signedAssertion,
  tokenRequest,
  withClientCredentials,
  withSignIn,
} from '@activation-hub/destination-kit';
import { managedIdentity, withManagedIdentity } from '../managed-identity.ts';
import type { Dynamics365Settings } from './settings.ts';

/** How long an assertion lives, in seconds; Microsoft advises five to ten minutes. */
const lifetimeSeconds = 300;

/**
 * Signs requests as the application user that the settings name: by a client secret, by a
 * certificate, or as a managed identity of the app. A dry run asks no managed identity.
 * Throws `DestinationError` of class `set-up` when a secret cannot be used.
 */
export function signedIn(
  http: HttpSender,
  settings: Dynamics365Settings,
  isDryRun: boolean,
  now: () => number,
): HttpSender {
  const { clientId, clientSecret, clientCertificate } = settings;
  const tokenUrl = `${new URL(settings.signInUrl).origin}/${settings.tenantId}/oauth2/v2.0/token`;
  const scope = `${new URL(settings.environmentUrl).origin}/.default`;
  if (clientSecret !== undefined) return withClientCredentials(http, { tokenUrl, clientId, clientSecret, scope }, now);
  if (clientCertificate === undefined) {
    return isDryRun ? http : withManagedIdentity(http, managedIdentity(clientId), scope, now);
  }
  const assertion = certificateAssertion(clientCertificate, clientId, tokenUrl);
  const request = (): HttpRequest =>
    tokenRequest(tokenUrl, {
      grant_type: 'client_credentials',
      client_id: clientId,
      scope,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion(Math.floor(now() / 1_000)),
    });
  const advice = 'Check that the certificate is one of the application, and has not expired.';
  return withSignIn(http, { tokenRequest: request, advice }, now);
}

/**
 * Assertions that the application signs with its certificate ("Microsoft identity platform
 * application authentication certificate credentials",
 * learn.microsoft.com/entra/identity-platform/certificate-credentials).
 */
function certificateAssertion(
  { certificate, key: pem }: { readonly certificate: Secret; readonly key: Secret },
  clientId: string,
  audience: string,
): (issuedAt: number) => string {
  const key = assertionKey('clientCertificate.key', pem, 'the private key of the certificate, RSA, in PEM');
  const thumbprint = createHash('sha256').update(derOf(certificate)).digest('base64url');
  let count = 0;
  return (issuedAt) => {
    count += 1;
    const claims = {
      aud: audience,
      iss: clientId,
      sub: clientId,
      jti: createHash('sha256').update(`${clientId} ${issuedAt} ${count}`).digest('hex').slice(0, 32),
      nbf: issuedAt,
      iat: issuedAt,
      exp: issuedAt + lifetimeSeconds,
    };
    return signedAssertion(key, 'PS256', { 'x5t#S256': thumbprint }, claims);
  };
}

function derOf(certificate: Secret): Buffer {
  try {
    return new X509Certificate(certificate.reveal()).raw;
  } catch {
    throw new DestinationError(
      'set-up',
      'Failed to read the setting clientCertificate.certificate: its secret is not a certificate in PEM. Store it again.',
    );
  }
}
