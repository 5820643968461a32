import type { ReceivedEvent } from '@activation-hub/delivery';
import type { LedgerRow } from '@activation-hub/membership';

/**
 * What the ledger is known to have said, so that an export that changes nothing costs no read. Bounded in entries and
 * in age. It may be behind the ledger and is therefore only asked whether there is nothing to do; whoever wants to
 * act reads the ledger itself.
 *
 * An export that repeats the content of a row is taken for nothing new although the row may be outdated. That is right
 * as long as this process tells the row's destination itself, and for a partition that it follows without a gap. Where
 * one person's exports are spread over partitions of several workers, an attribute or a consent that changes there and
 * back within the age can be missed until it changes again; entries and exits cannot, for they bring a time of their own.
 *
 * Two generations instead of a list in order of use: the young one takes what is used, and when it is full it becomes
 * the old one, whose rest is forgotten. That costs one look-up where a true list costs a deletion and an insertion.
 */
export class LedgerCache {
  readonly #entriesMax: number;
  readonly #ageMaxMs: number;
  #young = new Map<string, Entry>();
  #old = new Map<string, Entry>();
  readonly #lastSeen = new Map<string, number>();

  /** `entriesMax` rows of some hundred bytes each, none older than `ageMaxMs`. */
  constructor(options: { readonly entriesMax: number; readonly ageMaxMs: number }) {
    this.#entriesMax = options.entriesMax;
    this.#ageMaxMs = options.ageMaxMs;
  }

  /**
   * Says which events come next. When some of their partition are missing since the last, another worker had it in
   * between: what that told is not known here, so everything is forgotten.
   */
  follow(events: readonly ReceivedEvent[]): void {
    const [first] = events;
    const last = events.at(-1);
    if (first === undefined || last === undefined) return;
    const lastSeen = this.#lastSeen.get(first.partitionId) ?? first.sequenceNumber - 1;
    if (first.sequenceNumber > lastSeen + 1) {
      this.#young.clear();
      this.#old.clear();
    }
    this.#lastSeen.set(first.partitionId, Math.max(last.sequenceNumber, lastSeen));
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(keyText: string, nowMs: number): LedgerRow | undefined {
    const young = this.#young.get(keyText);
    const entry = young ?? this.#old.get(keyText);
    if (entry === undefined || nowMs - entry.readAtMs > this.#ageMaxMs) return undefined;
    if (young === undefined) this.#put(keyText, entry);
    return entry.row;
  }

  set(keyText: string, row: LedgerRow, nowMs: number): void {
    this.#put(keyText, { row, readAtMs: nowMs });
  }

  delete(keyText: string): void {
    this.#young.delete(keyText);
    this.#old.delete(keyText);
  }

  #put(keyText: string, entry: Entry): void {
    this.#old.delete(keyText);
    this.#young.set(keyText, entry);
    if (this.#young.size * 2 < this.#entriesMax) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}

interface Entry {
  readonly row: LedgerRow;
  readonly readAtMs: number;
}
