import { createHash } from 'node:crypto';
import {
  type ClientCertificate,
  clientCertificate,
  configuredUrl,
  type Delivery,
  DestinationError,
  headerTextOf,
  type HttpRequest,
  type JsonValue,
  Secret,
} from '@activation-hub/destination-kit';
import { type ChangeDocument, changeDocument } from '../change-document.ts';
import type { WebhookSettings } from './settings.ts';
import { type Signer, signersOf } from './request-signature.ts';
import { renderBody, renderUrl, urlTemplateRefusal } from './request-template.ts';

/** What stays the same over all requests of one webhook. */
export interface WebhookTarget {
  /** May hold templates. */
  readonly url: string;
  /** Of a body that tells one change; `undefined` for the usual one. */
  readonly body: JsonValue | undefined;
  readonly clientCertificate: ClientCertificate | undefined;
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  /** None when requests are not signed. */
  readonly signers: readonly Signer[];
}

/**
 * Reads the settings' secrets. Throws `DestinationError` of class `set-up` when one of them cannot
 * be used.
 */
export function webhookTarget(settings: WebhookSettings): WebhookTarget {
  const { timeoutMs } = settings;
  const headers: Record<string, string> = { 'user-agent': 'activation-hub' };
  for (const [name, value] of Object.entries(settings.headers)) {
    headers[name.toLowerCase()] = value instanceof Secret ? headerTextOf(`headers.${name}`, value) : value;
  }
  return {
    url: settings.url instanceof Secret ? readSecretUrl(settings.url) : settings.url,
    body: settings.body,
    clientCertificate: settings.clientCertificate && clientCertificate('clientCertificate', settings.clientCertificate),
    timeoutMs,
    headers,
    signers: signersOf(settings),
  };
}

function readSecretUrl(url: Secret): string {
  const text = url.reveal();
  if (configuredUrl().safeParse(text).success && urlTemplateRefusal(text) === undefined) return text;
  throw new DestinationError(
    'set-up',
    'Failed to read the setting url: its secret is not an https URL without credentials and fragment. Store it again, without line ends.',
  );
}

/**
 * Describes the request that tells of these changes, signed as of `nowMs`; or says why their values
 * make none. Headers of the settings win over `traceHeaders`.
 */
export function webhookRequest(
  target: WebhookTarget,
  deliveries: readonly Delivery[],
  nowMs: number,
  traceHeaders: Readonly<Record<string, string>> = {},
): HttpRequest | { readonly refusal: string } {
  const data = deliveries.map(({ change }) => changeDocument(change));
  const [first] = deliveries;
  if (first === undefined) throw new Error('Failed to deliver: the batch is empty. This is a defect of the caller.');
  const url = renderUrl(target.url, first.change);
  if (url.status === 'refused') return { refusal: url.reason };
  const usual = { type: 'audience.changes', timestamp: new Date(nowMs).toISOString(), data };
  const body = JSON.stringify(target.body === undefined ? usual : renderBody(target.body, first.change));
  const id = messageId(data);
  const timestamp = String(Math.floor(nowMs / 1000));
  return {
    method: 'POST',
    url: url.value,
    headers: {
      ...traceHeaders,
      ...target.headers,
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      ...Object.fromEntries(target.signers.flatMap((sign) => Object.entries(sign({ id, timestamp, body })))),
    },
    body,
    timeoutMs: target.timeoutMs,
    // Only an object could decide change by change.
    isEnough: (begun) => /^\s*[^\s{]/.test(begun),
    ...(target.clientCertificate && { clientCertificate: target.clientCertificate }),
  };
}

/**
 * The same for the same changes in any order, so that a receiver recognises a repetition; the time
 * of the attempt has no part in it. Without a dot, which separates what is signed (Standard
 * Webhooks, "Signature scheme").
 */
function messageId(data: readonly ChangeDocument[]): string {
  const content = data.map((change) => JSON.stringify(change)).sort();
  return `msg_${createHash('sha256').update(content.join('\n')).digest('base64url')}`;
}
