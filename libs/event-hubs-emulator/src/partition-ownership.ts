/** A reader of one partition in one consumer group, as far as ownership is concerned. */
export interface PartitionReader {
  readonly name: string;
  /** The owner level (epoch); undefined for a reader that does not claim the partition. */
  readonly ownerLevel: number | undefined;
  /** Called when another reader takes the partition; the reader is no longer registered then. */
  disconnect(reason: string): void;
}

export type Admission =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly because: 'owned' | 'too-many'; readonly reason: string };

/**
 * Event Hubs allows five readers of one partition in one consumer group. (Event Hubs quotas,
 * "limits common for all tiers")
 */
const readersMax = 5;

/**
 * Who reads one partition in one consumer group. A reader with an owner level is alone: it
 * disconnects every reader without one and every reader with the same or a lower level, and is
 * refused by a higher one. Readers without an owner level read side by side, but not beside an
 * owner.
 */
export class PartitionOwnership {
  readonly #readers = new Set<PartitionReader>();

  admit(reader: PartitionReader): Admission {
    const owner = [...this.#readers].find(({ ownerLevel }) => ownerLevel !== undefined);
    const level = reader.ownerLevel;
    if (owner?.ownerLevel !== undefined && (level === undefined || level < owner.ownerLevel)) {
      return {
        admitted: false,
        because: 'owned',
        reason:
          `Receiver '${owner.name}' with a higher epoch '${owner.ownerLevel}' already exists. Receiver '${reader.name}' ` +
          `with epoch ${level ?? 'none'} cannot be created. Make sure you are creating receiver with increasing epoch ` +
          'value to ensure connectivity, or ensure all old epoch receivers are closed or disconnected.',
      };
    }
    if (level !== undefined) {
      for (const other of this.#readers) {
        this.#readers.delete(other);
        other.disconnect(
          `New receiver '${reader.name}' with higher epoch of '${level}' is created hence current receiver ` +
            `'${other.name}' with epoch '${other.ownerLevel ?? 'none'}' is getting disconnected. If you are recreating ` +
            'the receiver, make sure a higher epoch is used.',
        );
      }
    } else if (this.#readers.size >= readersMax) {
      return {
        admitted: false,
        because: 'too-many',
        reason: `Exceeded the maximum number of allowed receivers per partition in a consumer group which is ${readersMax}.`,
      };
    }
    this.#readers.add(reader);
    return { admitted: true };
  }

  release(reader: PartitionReader): void {
    this.#readers.delete(reader);
  }
}
