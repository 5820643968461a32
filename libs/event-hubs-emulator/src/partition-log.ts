import { resolvePosition, type StartPosition } from './start-position.ts';

/** An event as a partition keeps it. The log never looks into the content. */
export interface StoredEvent {
  /** 0 for the first event of the partition, then one more each. */
  readonly sequenceNumber: number;
  /** The position in bytes at which the event begins: grows, with gaps. */
  readonly offset: number;
  readonly enqueuedTimeMs: number;
  readonly partitionKey: string | undefined;
  readonly content: Buffer;
}

/** What a publisher hands over. */
export interface NewEvent {
  readonly partitionKey: string | undefined;
  readonly content: Buffer;
}

/**
 * How much a partition keeps. The oldest events go first; the newest event is only ever removed for
 * its age.
 */
export interface Retention {
  readonly eventsMax: number;
  readonly bytesMax: number;
  readonly ageMaxMs: number;
}

/** Where the next event of a log goes. */
export interface LogEnd {
  readonly sequenceNumber: number;
  readonly offset: number;
  /** Undefined as long as the partition never had an event. */
  readonly lastEnqueuedTimeMs: number | undefined;
  readonly lastOffset: number;
}

export const emptyLogEnd: LogEnd = { sequenceNumber: 0, offset: 0, lastEnqueuedTimeMs: undefined, lastOffset: -1 };

/** Where a log keeps its events beyond the life of the process. */
export interface PartitionLogStorage {
  /** Keeps the events before it returns, all or none; throws when it cannot. */
  append(events: readonly StoredEvent[]): void;
  /**
   * Events before this sequence number are no longer needed; the storage may keep them a little
   * longer.
   */
  discardBefore(sequenceNumber: number): void;
  close(): void;
}

export interface PartitionLogOptions {
  readonly retention: Retention;
  readonly now: () => number;
  readonly storage?: PartitionLogStorage;
  /** What an earlier life of the storage left. */
  readonly recovered?: { readonly events: readonly StoredEvent[]; readonly end: LogEnd };
}

export interface PartitionLogState {
  /** The sequence number of the oldest event kept; of the next event when none is kept. */
  readonly beginSequenceNumber: number;
  /** -1 as long as the partition never had an event. */
  readonly lastSequenceNumber: number;
  /** "-1" as long as the partition never had an event. */
  readonly lastOffset: string;
  readonly lastEnqueuedTimeMs: number | undefined;
  readonly isEmpty: boolean;
  readonly events: number;
  /** Bytes of content kept. */
  readonly bytes: number;
}

/**
 * One partition: an append-only log with bounded retention. Any number of readers read it by
 * sequence number, each at its own pace; the log knows none of them but tells the listeners when
 * there is more.
 */
export class PartitionLog {
  readonly #options: PartitionLogOptions;
  readonly #listeners = new Set<() => void>();
  /**
   * Kept events are `#events.slice(#head)`; what is before was released and waits for the next
   * compaction.
   */
  #events: (StoredEvent | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  #end: LogEnd;

  constructor(options: PartitionLogOptions) {
    this.#options = options;
    this.#end = options.recovered?.end ?? emptyLogEnd;
    for (const event of options.recovered?.events ?? []) {
      this.#events.push(event);
      this.#bytes += event.content.length;
    }
    this.#expire();
  }

  /**
   * Appends all events or none, with consecutive sequence numbers. Throws what the storage throws.
   */
  append(newEvents: readonly NewEvent[]): void {
    const enqueuedTimeMs = Math.max(this.#options.now(), this.#end.lastEnqueuedTimeMs ?? 0);
    let { sequenceNumber, offset, lastOffset } = this.#end;
    const events = newEvents.map(({ content, partitionKey }): StoredEvent => {
      const event = { sequenceNumber, offset, enqueuedTimeMs, partitionKey, content };
      lastOffset = offset;
      sequenceNumber += 1;
      offset += Math.max(1, content.length);
      return event;
    });
    if (events.length === 0) return;
    this.#options.storage?.append(events);
    for (const event of events) {
      this.#events.push(event);
      this.#bytes += event.content.length;
    }
    this.#end = { sequenceNumber, offset, lastOffset, lastEnqueuedTimeMs: enqueuedTimeMs };
    this.#expire();
    for (const listener of this.#listeners) listener();
  }

  /**
   * At most `count` events from this sequence number on; empty at the end of the log. A reader that
   * fell behind the retention goes on with the oldest event kept.
   */
  read(sequenceNumber: number, count: number): readonly StoredEvent[] {
    this.#expire();
    const start = this.#head + Math.max(0, sequenceNumber - this.#begin());
    // Everything from #head on is an event: only released entries are undefined.
    return this.#events.slice(start, start + count) as StoredEvent[];
  }

  /**
   * The sequence number of the first event of a reader that starts here; the position `latest` is
   * the next event to come. Throws InvalidStartPosition for an offset or sequence number that the
   * partition has not reached.
   */
  startAt(position: StartPosition): number {
    this.#expire();
    return resolvePosition(position, {
      begin: this.#begin(),
      next: this.#end.sequenceNumber,
      lastOffset: this.#end.lastOffset,
      firstWhere: (predicate) => this.#firstWhere(predicate),
    });
  }

  /** Calls the listener after every append until the returned function is called. */
  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  state(): PartitionLogState {
    this.#expire();
    return {
      beginSequenceNumber: this.#begin(),
      lastSequenceNumber: this.#end.sequenceNumber - 1,
      lastOffset: String(this.#end.lastOffset),
      lastEnqueuedTimeMs: this.#end.lastEnqueuedTimeMs,
      isEmpty: this.#count() === 0,
      events: this.#count(),
      bytes: this.#bytes,
    };
  }

  close(): void {
    this.#listeners.clear();
    this.#options.storage?.close();
  }

  #count(): number {
    return this.#events.length - this.#head;
  }

  #begin(): number {
    return this.#end.sequenceNumber - this.#count();
  }

  /**
   * Binary search: the predicate must be false for the oldest events and true from some event on.
   */
  #firstWhere(predicate: (event: StoredEvent) => boolean): number {
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const event = this.#events[middle];
      if (event === undefined || predicate(event)) high = middle;
      else low = middle + 1;
    }
    return this.#begin() + low - this.#head;
  }

  #expire(): void {
    const { eventsMax, bytesMax, ageMaxMs } = this.#options.retention;
    const oldestMs = this.#options.now() - ageMaxMs;
    const before = this.#head;
    for (;;) {
      const oldest = this.#events[this.#head];
      if (oldest === undefined) break;
      const tooMany = this.#count() > 1 && (this.#count() > eventsMax || this.#bytes > bytesMax);
      if (!tooMany && oldest.enqueuedTimeMs >= oldestMs) break;
      this.#events[this.#head] = undefined;
      this.#head += 1;
      this.#bytes -= oldest.content.length;
    }
    if (this.#head === before) return;
    this.#options.storage?.discardBefore(this.#begin());
    if (this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
  }
}
