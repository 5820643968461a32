/**
 * In place of a row that this release cannot read: a newer release wrote it, or a person changed
 * it. It is no missing row, and it is never written: what it says, another release may know.
 */
export interface UnreadableRow {
  /** Where the store has it, and which part cannot be read; without personal data. */
  readonly unreadable: string;
}

export function isUnreadableRow(row: object | undefined): row is UnreadableRow {
  return row !== undefined && 'unreadable' in row;
}

/** The rows that a walk could not read. */
export interface UnreadableRows {
  readonly rows: number;
  /** Of the first hundred. */
  readonly names: readonly string[];
}

const namesMax = 100;

/** Counts rows that cannot be read: of the first hundred each once, however often it is met. */
export class UnreadableRowCount {
  readonly #names = new Set<string>();
  #others = 0;

  get now(): UnreadableRows {
    return { rows: this.#names.size + this.#others, names: [...this.#names] };
  }

  add({ unreadable }: UnreadableRow): void {
    if (this.#names.size < namesMax) this.#names.add(unreadable);
    else if (!this.#names.has(unreadable)) this.#others += 1;
  }

  /** Adds what another walk could not read. */
  addAll({ rows, names }: UnreadableRows): void {
    for (const unreadable of names) this.add({ unreadable });
    this.#others += rows - names.length;
  }
}
