import type { ManagedIdentityCredential } from '@azure/identity';
import { DestinationError, type HttpSender, CachedLookup } from '@activation-hub/destination-kit';

/** The part of a credential that is needed here. */
export type TokenSource = Pick<ManagedIdentityCredential, 'getToken'>;

/**
 * The identity of the app in which this runs: the one with this client id, or the one that the app
 * itself has. The SDK's part of it is large, and is loaded with the first request for a token.
 */
export function managedIdentity(clientId: string | undefined): TokenSource {
  let loaded: Promise<TokenSource> | undefined;
  const load = async (): Promise<TokenSource> => {
    const { ManagedIdentityCredential: Credential } = await import('@azure/identity');
    return new Credential(clientId === undefined ? {} : { clientId });
  };
  return { getToken: async (scopes, options) => (await (loaded ??= load())).getToken(scopes, options) };
}

/** How long before its expiry a token is renewed, so that none expires on its way. */
const renewBeforeMs = 120_000;

/**
 * Signs each request as the managed identity of the app. All share one token for `scope`, which is
 * asked for again when it is about to expire, and after a 401. A sign-in that fails throws
 * `DestinationError` without doubt: `set-up` when there is no such identity.
 */
export function withManagedIdentity(
  http: HttpSender,
  source: TokenSource,
  scope: string,
  now: () => number,
): HttpSender {
  const tokens = new CachedLookup(async () => {
    try {
      return await source.getToken(scope);
    } catch (error) {
      throw signInError(error);
    }
  }, 2);
  // Counts renewals, so that of many who find a token worn out, one renews it.
  let round = 0;
  const renewAfter = (worn: number): void => {
    if (round === worn) round += 1;
  };
  return {
    send: async (request, signal) => {
      const asked = round;
      const { expiresOnTimestamp } = await tokens.get(String(asked), signal);
      if (now() >= expiresOnTimestamp - renewBeforeMs) renewAfter(asked);
      const used = round;
      const { token } = await tokens.get(String(used), signal);
      const headers = { ...request.headers, authorization: `Bearer ${token}` };
      const response = await http.send({ ...request, headers }, signal);
      if (response.status === 401) renewAfter(used);
      return response;
    },
  };
}

/**
 * What a failed sign-in as a managed identity means. The error of the SDK is not kept: it may quote
 * what was answered.
 */
export function signInError(error: unknown): DestinationError {
  const isSetUp = error instanceof Error && /^(CredentialUnavailableError|AuthenticationError)$/.test(error.name);
  return isSetUp
    ? new DestinationError(
        'set-up',
        'Failed to sign in as the managed identity: there is none. Give the app the identity, check its client id, or set a key.',
      )
    : new DestinationError('transient', 'Failed to sign in as the managed identity. It is tried again.');
}
