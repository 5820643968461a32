import { DestinationError, errorOfAnswer, type HttpResponse } from '@activation-hub/destination-kit';
import { blobArchiveErrors } from './errors.ts';

/**
 * Codes of a blob that is there already. Its name is the digest of its content, so it is this one.
 */
const thereAlready = new Set(['BlobAlreadyExists', 'BlobImmutableDueToPolicy', 'ConditionNotMet']);

/** Throws what a write came to unless the blob is there now. */
export function judgeWrite(response: HttpResponse, nowMs: number): void {
  const code = response.headers['x-ms-error-code'] ?? '';
  if (response.status === 201) return;
  if ((response.status === 409 || response.status === 412) && thereAlready.has(code)) return;
  throw blobError(response, nowMs);
}

/**
 * What an answer other than the expected means for the whole request, by its code, else by its
 * status.
 */
export function blobError(response: HttpResponse, nowMs: number): DestinationError {
  if (response.status < 300) {
    const message = `Failed to read the answer (${response.status}): it is not one of the Blob service. Check containerUrl.`;
    return new DestinationError('transient', message, { doubt: 'answered' });
  }
  const code = response.headers['x-ms-error-code'] ?? '';
  return errorOfAnswer(blobArchiveErrors, [code], response, nowMs, { vendor: 'the Blob service' });
}
