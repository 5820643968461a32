import {
  isUnreadableRow,
  UnreadableRowCount,
  type UnreadableRow,
  type UnreadableRows,
} from '@activation-hub/membership';

/** The outcomes of the rows of a destination. */
export interface ToldLedger {
  /** Rows seen of which the destination must be told. */
  readonly rows: number;
  readonly delivered: number;
  /** Nothing to send: the destination knows it, or never knew the person. */
  readonly unchanged: number;
  /**
   * Another process wrote the row meanwhile, or has its lease: it knows the newer state. In a fill
   * also rows of the source that wait for a retry: another run sends their newer state.
   */
  readonly leftAlone: number;
  /** Not taken now; the retry queue sends it. By reason. */
  readonly deferred: number;
  /** Rejected, or not found at the destination. By reason. */
  readonly failed: number;
  /**
   * Of a fill: people of whom the source knows no identity, or no form of one, that the route
   * accepts.
   */
  readonly unresolved: number;
  readonly reasons: Readonly<Record<string, number>>;
  /** Rows that cannot be read: their people are told nothing. */
  readonly unreadable: UnreadableRows;
  /** True when a whole batch failed, so that the rest was not tried. */
  readonly gaveUp: boolean;
}

/** Counts the outcomes of a walk as it goes. */
export class WalkCounts {
  #counts = { rows: 0, delivered: 0, unchanged: 0, leftAlone: 0, deferred: 0, failed: 0, unresolved: 0, gaveUp: false };
  readonly #reasons: Record<string, number> = {};
  readonly #unreadable = new UnreadableRowCount();

  get now(): ToldLedger {
    return { ...this.#counts, reasons: { ...this.#reasons }, unreadable: this.#unreadable.now };
  }

  add(what: Exclude<keyof ToldLedger, 'reasons' | 'gaveUp' | 'unreadable'>, reason?: string): void {
    this.#counts = { ...this.#counts, [what]: this.#counts[what] + 1 };
    if (reason !== undefined) this.#reasons[reason] = (this.#reasons[reason] ?? 0) + 1;
  }

  addUnreadable(row: UnreadableRow): void {
    this.#unreadable.add(row);
  }

  giveUp(): void {
    this.#counts = { ...this.#counts, gaveUp: true };
  }
}

/** How many rows a walk would tell. */
export interface CountedRows {
  readonly rows: number;
  /** Rows that cannot be read. */
  readonly unreadable: UnreadableRows;
}

/** Counts the rows of a walk, and tells nothing. */
export async function countRows(due: AsyncIterable<object>): Promise<CountedRows> {
  let rows = 0;
  const unreadable = new UnreadableRowCount();
  for await (const row of due) {
    if (isUnreadableRow(row)) unreadable.add(row);
    else rows += 1;
  }
  return { rows, unreadable: unreadable.now };
}
