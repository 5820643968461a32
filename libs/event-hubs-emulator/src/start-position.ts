/** Where a reader begins. `inclusive` says whether the event at the position itself is wanted. */
export type StartPosition =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'offset'; readonly offset: number; readonly inclusive: boolean }
  | { readonly kind: 'sequence-number'; readonly sequenceNumber: number; readonly inclusive: boolean }
  | { readonly kind: 'enqueued-time'; readonly timeMs: number; readonly inclusive: boolean };

/** A position that is not understood, or that the partition has not reached. */
export class InvalidStartPosition extends Error {
  override name = 'InvalidStartPosition';
}

const selectorPattern =
  /^\s*amqp\.annotation\.x-opt-(?<field>offset|sequence-number|enqueued-time(?:-utc)?)\s*(?<operator>>=?)\s*'(?<value>[^']*)'\s*$/;

/**
 * Reads the selector with which the Event Hubs SDKs say where to begin, for example
 * `amqp.annotation.x-opt-sequence-number >= '42'`. No selector means the earliest event.
 * Throws InvalidStartPosition for any other text.
 */
export function parseStartPosition(selector: string | undefined): StartPosition {
  if (selector === undefined) return { kind: 'earliest' };
  const { field, operator, value } = selectorPattern.exec(selector)?.groups ?? {};
  if (field === undefined || value === undefined) {
    throw new InvalidStartPosition(`The filter expression "${selector.slice(0, 200)}" is not supported.`);
  }
  const inclusive = operator === '>=';
  if (field === 'offset' && value === '-1') return { kind: 'earliest' };
  if (field === 'offset' && value === '@latest') return { kind: 'latest' };
  const number = Number(value);
  if (!/^-?\d+$/.test(value) || !Number.isSafeInteger(number)) {
    throw new InvalidStartPosition(`The supplied ${field.replace('-', ' ')} '${value.slice(0, 100)}' is invalid.`);
  }
  if (field === 'offset') return { kind: 'offset', offset: number, inclusive };
  if (field === 'sequence-number') return { kind: 'sequence-number', sequenceNumber: number, inclusive };
  return { kind: 'enqueued-time', timeMs: number, inclusive };
}

/** What a position is resolved against: the kept events, in order. */
export interface PositionIndex {
  /** Sequence number of the oldest event kept. */
  readonly begin: number;
  /** Sequence number of the next event to come. */
  readonly next: number;
  /** Offset of the last event ever, -1 before the first. */
  readonly lastOffset: number;
  /** Sequence number of the first kept event for which this is true; `next` when there is none. */
  firstWhere(predicate: (event: { readonly offset: number; readonly enqueuedTimeMs: number }) => boolean): number;
}

/**
 * The sequence number of the first event wanted. As the service does, a position before the oldest
 * event means the oldest event, and an offset or sequence number beyond the last one is refused: it
 * throws InvalidStartPosition.
 */
export function resolvePosition(position: StartPosition, index: PositionIndex): number {
  switch (position.kind) {
    case 'earliest':
      return index.begin;
    case 'latest':
      return index.next;
    case 'offset': {
      const { offset, inclusive } = position;
      if (offset > index.lastOffset) {
        throw new InvalidStartPosition(
          `The supplied offset '${offset}' is invalid. The last offset in the system is '${index.lastOffset}'.`,
        );
      }
      return index.firstWhere((event) => (inclusive ? event.offset >= offset : event.offset > offset));
    }
    case 'sequence-number': {
      const { sequenceNumber, inclusive } = position;
      if (sequenceNumber >= index.next) {
        throw new InvalidStartPosition(
          `The supplied sequence number '${sequenceNumber}' is invalid. ` +
            `The last sequence number in the system is '${index.next - 1}'.`,
        );
      }
      return Math.max(index.begin, inclusive ? sequenceNumber : sequenceNumber + 1);
    }
    case 'enqueued-time': {
      const { timeMs, inclusive } = position;
      return index.firstWhere((event) => (inclusive ? event.enqueuedTimeMs >= timeMs : event.enqueuedTimeMs > timeMs));
    }
  }
}
