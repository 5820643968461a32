import type { ReceivedEvent } from '@activation-hub/delivery';
import type { JsonValue } from '@activation-hub/destination-kit';
import type { LedgerRow } from '@activation-hub/membership';

export interface LedgerCacheOptions {
  /**
   * How much memory the rows may take at most, by an estimate that is too high rather than too low.
   */
  readonly bytesMax: number;
  /** How long a row is believed. */
  readonly ageMaxMs: number;
  /**
   * How many keys of a destination must have been looked for before a key is expected to have no
   * row; 64 by default.
   */
  readonly expectAfterKeys?: number;
}

/**
 * What the ledger is known to have said, so that an export that changes nothing costs no read, and
 * a change only its writes. Bounded in bytes and in age. It may be behind the ledger. So it is
 * asked for two things: whether there is nothing to do, and what a row is expected to be by a write
 * that names its version and is lost when that is another.
 *
 * An export that repeats the content of a row is taken for nothing new although the row may be
 * outdated. That is right as long as this process tells the row's destination itself, and for a
 * partition that it follows without a gap. Where one person's exports are spread over partitions of
 * several workers, an attribute or a consent that changes there and back within the age can be
 * missed until it changes again; entries and exits cannot, for they bring a time of their own.
 *
 * Two generations instead of a list in order of use: the young one takes what is used, and when it
 * is full it becomes the old one, whose rest is forgotten. That costs one look-up where a true list
 * costs a deletion and an insertion.
 */
export class LedgerCache {
  readonly #bytesMax: number;
  readonly #ageMaxMs: number;
  readonly #expectAfterKeys: number;
  #young = new Generation();
  #old = new Generation();
  readonly #lastSeen = new Map<string, number>();
  readonly #lookedFor = new Map<string, LookedFor>();

  constructor({ bytesMax, ageMaxMs, expectAfterKeys = 64 }: LedgerCacheOptions) {
    this.#bytesMax = bytesMax;
    this.#ageMaxMs = ageMaxMs;
    this.#expectAfterKeys = expectAfterKeys;
  }

  /**
   * Says which events come next. When some of their partition are missing since the last, another
   * worker had it in between: what that told is not known here, so everything is forgotten.
   */
  follow(events: readonly ReceivedEvent[]): void {
    const [first] = events;
    const last = events.at(-1);
    if (first === undefined || last === undefined) return;
    const lastSeen = this.#lastSeen.get(first.partitionId) ?? first.sequenceNumber - 1;
    if (first.sequenceNumber > lastSeen + 1) {
      this.#young = new Generation();
      this.#old = new Generation();
      this.#lookedFor.clear();
    }
    this.#lastSeen.set(first.partitionId, Math.max(last.sequenceNumber, lastSeen));
  }

  /** How much memory the rows take, by the estimate. */
  get bytes(): number {
    return this.#young.bytes + this.#old.bytes;
  }

  get(keyText: string, nowMs: number): LedgerRow | undefined {
    const young = this.#young.get(keyText);
    const entry = young ?? this.#old.get(keyText);
    if (entry === undefined) return undefined;
    // What was read in the future was read by a clock that was set back since.
    const ageMs = nowMs - entry.readAtMs;
    if (ageMs < 0 || ageMs > this.#ageMaxMs) return undefined;
    if (young === undefined) this.#put(keyText, entry);
    return entry.row;
  }

  set(keyText: string, row: LedgerRow, nowMs: number): void {
    this.#put(keyText, { row, readAtMs: nowMs, bytes: bytesOf(keyText, row) });
  }

  delete(keyText: string): void {
    this.#young.delete(keyText);
    this.#old.delete(keyText);
  }

  /**
   * Says whether a key of this ledger destination, of which the cache knows nothing, turned out to
   * have a row.
   */
  countLookedFor(destination: string, isFound: boolean): void {
    const counts = this.#lookedFor.get(destination) ?? { keys: 0, absent: 0 };
    counts.keys += 1;
    if (!isFound) counts.absent += 1;
    // Halved, so that what was looked for last weighs most.
    if (counts.keys >= 4 * this.#expectAfterKeys) {
      counts.keys /= 2;
      counts.absent /= 2;
    }
    this.#lookedFor.set(destination, counts);
  }

  /**
   * Whether a key of this ledger destination, of which the cache knows nothing, is expected to have
   * no row, as when an audience fills for the first time. A process begins without that
   * expectation: it may have been restarted into exports that change nothing.
   */
  expectsNoRow(destination: string): boolean {
    const { keys, absent } = this.#lookedFor.get(destination) ?? { keys: 0, absent: 0 };
    return keys >= this.#expectAfterKeys && absent >= absentShareMin * keys;
  }

  /** How many keys of this ledger destination are still to be looked for before any is expected. */
  keysToLookFor(destination: string): number {
    return this.#expectAfterKeys - (this.#lookedFor.get(destination)?.keys ?? 0);
  }

  #put(keyText: string, entry: Entry): void {
    this.#old.delete(keyText);
    this.#young.delete(keyText);
    const halfMax = this.#bytesMax / 2;
    if (entry.bytes > halfMax) return;
    if (this.#young.bytes + entry.bytes > halfMax) {
      this.#old = this.#young;
      this.#young = new Generation();
    }
    this.#young.set(keyText, entry);
  }
}

/**
 * A key that has a row after all costs a failed write, a read and another write, one that is read
 * first a read: so most must be absent.
 */
const absentShareMin = 0.8;

interface LookedFor {
  keys: number;
  absent: number;
}

interface Entry {
  readonly row: LedgerRow;
  readonly readAtMs: number;
  readonly bytes: number;
}

class Generation {
  readonly #entries = new Map<string, Entry>();
  bytes = 0;

  get(keyText: string): Entry | undefined {
    return this.#entries.get(keyText);
  }

  set(keyText: string, entry: Entry): void {
    this.#entries.set(keyText, entry);
    this.bytes += entry.bytes;
  }

  delete(keyText: string): void {
    const entry = this.#entries.get(keyText);
    if (entry === undefined) return;
    this.#entries.delete(keyText);
    this.bytes -= entry.bytes;
  }
}

/**
 * What a row takes besides its key and its attributes: measured with Node 24, where one without
 * attributes took 950 bytes with its key.
 */
const rowBytes = 1_000;
const valueBytes = 32;

/** Two bytes for every character, which is what a string takes at most. */
function bytesOf(keyText: string, { record }: LedgerRow): number {
  return (
    rowBytes +
    2 * (keyText.length + (record.history?.length ?? 0) + charactersOf(record.formerOf)) +
    bytesOfValue(record.attributes) +
    (record.deliveredAttributes === undefined ? 0 : bytesOfValue(record.deliveredAttributes))
  );
}

function charactersOf(formerOf: LedgerRow['record']['formerOf']): number {
  if (formerOf === undefined) return 0;
  return formerOf.reduce((sum, { value }) => sum + 2 * valueBytes + value.length, 0);
}

function bytesOfValue(value: JsonValue | Readonly<Record<string, JsonValue>>): number {
  if (typeof value === 'string') return valueBytes + 2 * value.length;
  if (typeof value !== 'object' || value === null) return valueBytes;
  let bytes = valueBytes;
  const object = value as Readonly<Record<string, JsonValue>>;
  for (const name in object) bytes += 2 * name.length + bytesOfValue(object[name] ?? null);
  return bytes;
}
