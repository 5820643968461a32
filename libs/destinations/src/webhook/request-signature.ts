import { createHmac } from 'node:crypto';
import { DestinationError, headerTextOf, type Secret } from '@activation-hub/destination-kit';
import type { WebhookSettings } from './settings.ts';

/** What is signed: the id and the time of the message, in seconds since 1970, and its body. */
export interface SignedMessage {
  readonly id: string;
  readonly timestamp: string;
  readonly body: string;
}

/** Gives the headers that sign a message. */
export type Signer = (message: SignedMessage) => Readonly<Record<string, string>>;

/**
 * Reads the secrets by which requests are signed. Throws `DestinationError` of class `set-up` when
 * one cannot be used.
 */
export function signersOf({ signingSecret, previousSigningSecret, hmac }: WebhookSettings): readonly Signer[] {
  const keys = [
    ...(signingSecret === undefined ? [] : [readSigningKey('signingSecret', signingSecret)]),
    ...(previousSigningSecret === undefined ? [] : [readSigningKey('previousSigningSecret', previousSigningSecret)]),
  ];
  return [...(keys.length > 0 ? [standardWebhooks(keys)] : []), ...(hmac === undefined ? [] : [plainHmac(hmac)])];
}

/**
 * Standard Webhooks, "Symmetric: HMAC-SHA256"; several signatures, with spaces between, are for
 * rotation ("Secret rotation").
 */
function standardWebhooks(keys: readonly Buffer[]): Signer {
  return ({ id, timestamp, body }) => ({
    'webhook-signature': keys
      .map((key) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`)
      .join(' '),
  });
}

function plainHmac({
  secret,
  header,
  algorithm,
  encoding,
  prefix,
  timestampHeader,
}: NonNullable<WebhookSettings['hmac']>): Signer {
  const key = headerTextOf('hmac.secret', secret);
  return ({ timestamp, body }) => {
    const signed = timestampHeader === undefined ? body : `${timestamp}.${body}`;
    return {
      ...(timestampHeader === undefined ? {} : { [timestampHeader.toLowerCase()]: timestamp }),
      [header.toLowerCase()]: `${prefix}${createHmac(algorithm, key).update(signed).digest(encoding)}`,
    };
  };
}

/**
 * The reference libraries strip `whsec_` where it is there, and decode the rest as base64
 * (standard-webhooks, libraries/javascript/src/index.ts); the specification wants 24 to 64 bytes.
 * What is neither would be another key to each receiver.
 */
function readSigningKey(setting: string, secret: Secret): Buffer {
  const encoded = secret.reveal().replace(/^whsec_/, '');
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(encoded);
  const key = Buffer.from(encoded, 'base64');
  if (isBase64 && key.length >= 24 && key.length <= 64) return key;
  throw new DestinationError(
    'set-up',
    `Failed to read the setting ${setting}: its secret is not 24 to 64 bytes in base64, with whsec_ before it or not. Store it again, without line ends; for a key that is a text, use hmac.`,
  );
}
