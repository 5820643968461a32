import type { Sender } from 'rhea';
import { encodeDelivery } from './event-message.ts';
import type { PartitionLog } from './partition-log.ts';
import { giveCreditBack, sendableCount } from './rhea-internals.ts';
import { writeSettled } from './transfer-writer.ts';

/** Handed to the socket in one go, at most, before other links get their turn. */
const turnBytesMax = 256 * 1024;
const turnEventsMax = 256;
/** Above this many bytes that the client has not taken from the socket, nothing is added. */
const unsentBytesMax = 1024 * 1024;

export interface ReceiverLinkOptions {
  /** The link, as rhea sees it from the emulator's side. */
  readonly sender: Sender;
  readonly log: PartitionLog;
  /** Sequence number of the first event wanted. */
  readonly start: number;
  readonly trackLastEnqueued: boolean;
  readonly now: () => number;
  readonly deliveryDelayMs: () => number;
  /** Bytes that wait in the socket for the client to take them. */
  readonly unsentBytes: () => number;
  /** Called before a turn's events are sent, so that they can leave together. */
  readonly startTurn: () => void;
  /** Whether the link may go on; when not, this call has closed it. */
  readonly checkAuthorized: () => boolean;
}

/**
 * A client that receives: sends it the events of one partition, as far as its credit goes and as
 * fast as it takes them from the socket. Between turns it holds no event, only the sequence number
 * of the next one.
 */
export class ReceiverLink {
  readonly #options: ReceiverLinkOptions;
  readonly #stopListening: () => void;
  #next: number;
  #turn: { cancel(): void } | undefined;
  #closed = false;

  constructor(options: ReceiverLinkOptions) {
    this.#options = options;
    this.#next = options.start;
    this.#stopListening = options.log.onAppend(() => this.wake());
  }

  /** To be called when credit, windows or the socket have got room. */
  wake(): void {
    if (this.#closed || this.#turn !== undefined) return;
    const delayMs = this.#options.deliveryDelayMs();
    const turn = () => {
      this.#turn = undefined;
      this.#sendTurn();
    };
    if (delayMs > 0) {
      const timer = setTimeout(turn, delayMs);
      this.#turn = { cancel: () => clearTimeout(timer) };
    } else {
      const immediate = setImmediate(turn);
      this.#turn = { cancel: () => clearImmediate(immediate) };
    }
  }

  /** The client wants what is there and its remaining credit cancelled (AMQP 1.0, 2.6.7). */
  drain(): void {
    this.#sendTurn();
    giveCreditBack(this.#options.sender);
  }

  close(): void {
    this.#closed = true;
    this.#turn?.cancel();
    this.#stopListening();
  }

  #sendTurn(): void {
    const { sender, log, now, trackLastEnqueued } = this.#options;
    if (this.#closed || this.#options.unsentBytes() > unsentBytesMax) return;
    const events = log.read(this.#next, Math.min(sendableCount(sender), turnEventsMax));
    if (events.length === 0 || !this.#options.checkAuthorized()) return;
    const lastEnqueued = trackLastEnqueued ? { state: log.state(), retrievedAtMs: now() } : undefined;
    const messages: Buffer[] = [];
    let bytes = 0;
    for (const event of events) {
      const message = encodeDelivery(event, lastEnqueued);
      messages.push(message);
      bytes += message.length;
      if (bytes >= turnBytesMax) break;
    }
    let sent = writeSettled(sender, messages);
    if (sent === undefined) {
      this.#options.startTurn();
      for (const message of messages) sender.send(message, undefined, 0);
      sent = messages.length;
    }
    this.#next = (events[0]?.sequenceNumber ?? this.#next) + sent;
    // A window that is full opens with a flow, which wakes this link.
    if (sent > 0) this.wake();
  }
}
