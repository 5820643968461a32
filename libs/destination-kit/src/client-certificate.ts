import { createSecureContext } from 'node:tls';
import type { Secret } from './secret.ts';
import { DestinationError } from './verdict.ts';

/**
 * What a client shows of itself when a connection is made (mutual TLS). Made once per destination:
 * connections are kept by it.
 */
export interface ClientCertificate {
  /** PEM, the whole chain. */
  readonly certificate: Secret;
  /** PEM, not encrypted. */
  readonly key: Secret;
}

/**
 * Checks that certificate and key can be used, and belong together. Throws `DestinationError` of
 * class `set-up`, which names the setting, when they do not.
 */
export function clientCertificate(setting: string, { certificate, key }: ClientCertificate): ClientCertificate {
  try {
    createSecureContext({ cert: certificate.reveal(), key: key.reveal() });
  } catch {
    // The words of OpenSSL help only readers of its source, and the key must not get near a log.
    throw new DestinationError(
      'set-up',
      `Failed to read the setting ${setting}: it is not a certificate in PEM with its own key, not encrypted. Store both again.`,
    );
  }
  return { certificate, key };
}
