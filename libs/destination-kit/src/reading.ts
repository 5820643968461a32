import { DestinationError } from './verdict.ts';

/**
 * For work that only asks the vendor something (signs in, looks up a list, reads a record): when it
 * fails, nothing was told, so the error is given on without `doubt`. Everything else passes
 * unchanged.
 */
export async function reading<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof DestinationError) || error.doubt === undefined) throw error;
    throw new DestinationError(error.class, error.message, {
      ...(error.notBeforeMs === undefined ? {} : { notBeforeMs: error.notBeforeMs }),
      cause: error,
    });
  }
}
