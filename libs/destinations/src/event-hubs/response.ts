import { DestinationError, errorFor } from '@activation-hub/destination-kit';
import { signInError } from '../managed-identity.ts';
import { eventHubsErrors } from './errors.ts';

/**
 * What was under way: the connection was being opened, which tells nothing, or events were sent.
 */
export type Phase = 'opening' | 'sending';

/**
 * What an error of the SDK means. Its message is not kept: it may quote what was sent, or the
 * resource with its key. What was not answered while sending may have been taken.
 */
export function eventHubsError(error: unknown, phase: Phase, where: string): DestinationError {
  if (error instanceof DestinationError) return error;
  if (!(error instanceof Error)) return new DestinationError('fatal', `Failed to call ${where}: this is a defect.`);
  if (/^(CredentialUnavailableError|AuthenticationError|AggregateAuthenticationError)$/.test(error.name)) {
    return signInError(error);
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const documented = eventHubsErrors.get(code);
  if (documented !== undefined && documented.means !== 'transient')
    return errorFor(documented, `${where} answered ${code}`);
  const what = error.name === 'AbortError' ? 'no answer in time' : `no answer (${known(code)})`;
  return new DestinationError('transient', `Failed to call ${where}: ${what}. It is tried again.`, {
    doubt: phase === 'sending' ? (code === 'InternalServerError' ? 'answered' : 'unanswered') : undefined,
  });
}

/** Codes of the system and of the SDK are words; nothing else is shown. */
function known(code: string): string {
  return /^[A-Za-z_]{2,40}$/.test(code) ? code : 'unknown';
}
