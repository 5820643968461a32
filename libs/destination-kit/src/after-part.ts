import { DestinationError } from './verdict.ts';

/**
 * For the second of two requests that tell of the same changes: the vendor took the first one, so
 * where this one fails without doubt, there is doubt all the same. Gives what `call` gives, and
 * throws what it throws.
 */
export async function afterPart<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof DestinationError) || error.doubt !== undefined) throw error;
    const { notBeforeMs } = error;
    const until = notBeforeMs === undefined ? {} : { notBeforeMs };
    throw new DestinationError(error.class, error.message, { doubt: 'answered', ...until });
  }
}
