import { DestinationError, type DestinationErrorClass } from '@activation-hub/destination-kit';
import { signInError } from '../managed-identity.ts';

/** What was under way: the connection was being opened, which tells nothing, or events were sent. */
export type Phase = 'opening' | 'sending';

/** Codes of `MessagingError` that stand for an answer of Event Hubs which rules out that the events were taken. */
const refusals: ReadonlyMap<string, readonly [DestinationErrorClass, string]> = new Map([
  ['ServerBusyError', ['throttled', 'it is too busy. It is tried again; more throughput units take more']],
  ['QuotaExceededError', ['throttled', 'a quota is used up. It is tried again; check the quotas of the namespace']],
  [
    'UnauthorizedError',
    [
      'set-up',
      'it refuses the credentials. Give the app the role Azure Event Hubs Data Sender, or check the connection string',
    ],
  ],
  ['MessagingEntityNotFoundError', ['set-up', 'there is no such Event Hub. Create it, or correct eventHub']],
  ['ServiceCommunicationError', ['set-up', 'there is no such Event Hub. Create it, or correct eventHub']],
  ['MessagingEntityDisabledError', ['set-up', 'the Event Hub is disabled. Enable it']],
  ['ResourceDeletedError', ['set-up', 'the Event Hub was deleted. Create it, or correct eventHub']],
  ['InvalidOperationError', ['set-up', 'it does not allow to send there. Check what eventHub names']],
  ['MessageTooLargeError', ['invalid', 'the events are larger than it takes. Map fewer attributes']],
  ['ArgumentError', ['invalid', 'it refuses the events. Check the version of the connector']],
  // These two come from the client, before anything is sent.
  ['SenderBusyError', ['throttled', 'there is no room on the link just now. It is tried again']],
  ['InsufficientCreditError', ['throttled', 'there is no room on the link just now. It is tried again']],
]);

/**
 * What an error of the SDK means. Its message is not kept: it may quote what was sent, or the resource with its key. What was
 * not answered while sending may have been taken.
 */
export function eventHubsError(error: unknown, phase: Phase, where: string): DestinationError {
  if (error instanceof DestinationError) return error;
  if (!(error instanceof Error)) return new DestinationError('fatal', `Failed to call ${where}: this is a defect.`);
  if (/^(CredentialUnavailableError|AuthenticationError|AggregateAuthenticationError)$/.test(error.name)) {
    return signInError(error);
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const refusal = refusals.get(code);
  if (refusal !== undefined) return new DestinationError(refusal[0], `Failed to call ${where}: ${refusal[1]}.`);
  const what = error.name === 'AbortError' ? 'no answer in time' : `no answer (${known(code)})`;
  return new DestinationError('transient', `Failed to call ${where}: ${what}. It is tried again.`, {
    doubt: phase === 'sending' ? (code === 'InternalServerError' ? 'answered' : 'unanswered') : undefined,
  });
}

/** Codes of the system and of the SDK are words; nothing else is shown. */
function known(code: string): string {
  return /^[A-Za-z_]{2,40}$/.test(code) ? code : 'unknown';
}
