import type { UnreadableRow } from '@activation-hub/membership';

/** What is in a row is not what this release writes. */
export class UnreadableRowError extends Error {
  override readonly name = 'UnreadableRowError';
  /** Where the row is, and which column cannot be read; without personal data. */
  readonly row: string;

  constructor(row: string) {
    super(`Failed to read the ledger: ${row} is not what the ledger writes.`);
    this.row = row;
  }
}

/** What `toRow` or `toKey` reads in an entity; which row it is where they cannot. */
export function orUnreadable<Read>(read: () => Read): Read | UnreadableRow {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnreadableRowError) return { unreadable: error.row };
    throw error;
  }
}
