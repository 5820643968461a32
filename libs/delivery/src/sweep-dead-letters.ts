import { dayOf, deadLetterKeepMs, type DeadLetters } from './dead-letters.ts';

const dayPattern = /^\d{4}-\d{2}-\d{2}\//;

/**
 * Removes the letters of events that the hub took longer ago than `deadLetterKeepMs`, unreadable
 * ones included: their names say the day. A store's own rule counts from the last writing, and a
 * letter is written anew when a person in it is erased or when it fails again. Gives the number of
 * letters removed.
 */
export async function sweepDeadLetters(
  deadLetters: Pick<DeadLetters, 'names' | 'remove'>,
  options: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<{ readonly removed: number }> {
  const firstKept = dayOf(options.nowMs - deadLetterKeepMs);
  let removed = 0;
  for await (const name of deadLetters.names('', options.signal)) {
    if (!dayPattern.test(name)) continue;
    if (name >= firstKept) break;
    await deadLetters.remove(name, options.signal);
    removed += 1;
  }
  return { removed };
}
