import type { UnreadableRows } from '@activation-hub/membership';
import { CommandError } from '../terminal/command-error.ts';
import { counted } from '../terminal/counted.ts';

/** So many are named in a sentence; the JSON of a command names more. */
const namedMax = 10;

/** Which rows of the ledger cannot be read, and what to do; nothing when all can. */
export function unreadableRowsWords({ rows, names }: UnreadableRows): readonly string[] {
  if (rows === 0) return [];
  const more = rows > namedMax ? `, and ${rows - namedMax} more` : '';
  const what = `${counted(rows, 'row')} of the ledger cannot be read, for this release did not write it so: ${names.slice(0, namedMax).join('; ')}${more}.`;
  return [
    `${what} Use the release that wrote it, restore the row from an export, or delete it to forget what the destination was told.`,
  ];
}

/**
 * Throws `CommandError` (1) when rows of the ledger could not be read; `left` says in a sentence
 * what was not done for that reason.
 */
export function refuseUnreadableRows(unreadable: UnreadableRows, left: string): void {
  const [words] = unreadableRowsWords(unreadable);
  if (words !== undefined) throw new CommandError(1, `${left} ${words}`, { details: { unreadableRows: unreadable } });
}
