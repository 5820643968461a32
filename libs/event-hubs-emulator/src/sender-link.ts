import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, Receiver } from 'rhea';
import { amqpError, failures, type AmqpFailure } from './amqp-failure.ts';
import { MalformedMessage } from './amqp-sections.ts';
import { decodePublished } from './event-message.ts';
import type { InjectedFaults } from './faults.ts';
import type { PartitionLog } from './partition-log.ts';
import { writeOutcomes } from './rhea-internals.ts';

/** Messages that a client may send before the earlier ones are settled. */
const creditMax = 200;

export interface SenderLinkOptions {
  /** The link, as rhea sees it from the emulator's side. */
  readonly receiver: Receiver;
  readonly choosePartition: (partitionKey: string | undefined) => PartitionLog;
  readonly messageBytesMax: number;
  readonly faults: InjectedFaults;
  /** Why the link may not send now; undefined when it may. */
  readonly checkAuthorized: () => AmqpFailure | undefined;
}

/** A client that sends: stores each transfer in a partition and settles it with the outcome. */
export class SenderLink {
  readonly #options: SenderLinkOptions;
  readonly #stopped = new AbortController();
  /** The delayed sends, in order; undefined when there is none. */
  #delayed: Promise<void> | undefined;
  #creditOwed = 0;

  constructor(options: SenderLinkOptions) {
    this.#options = options;
    options.receiver.add_credit(creditMax);
  }

  receive(delivery: Delivery, message: unknown, format: number | undefined): void {
    // A copy, for what comes from the socket is a window on a larger piece of memory that an event
    // must not keep alive.
    const bytes = Buffer.isBuffer(message) ? Buffer.from(message) : undefined;
    const delayMs = this.#options.faults.sendDelayMs;
    if (delayMs === 0 && this.#delayed === undefined) {
      this.#settle(delivery, this.#store(bytes, format));
      return;
    }
    const delayed: Promise<void> = (this.#delayed ?? Promise.resolve())
      .then(() => sleep(delayMs, undefined, { signal: this.#stopped.signal }))
      .then(
        () => this.#settle(delivery, this.#store(bytes, format)),
        // Stopped: the link is gone, and nothing was stored. A delivery without an end would hold
        // its place in the window of the session, on both sides, and stop every other link of it in
        // the end.
        () => delivery.release(),
      )
      .finally(() => {
        if (this.#delayed === delayed) this.#delayed = undefined;
      });
    this.#delayed = delayed;
  }

  close(): void {
    this.#stopped.abort();
  }

  /** Why the message is refused; undefined when it is stored. */
  #store(message: Buffer | undefined, format: number | undefined): AmqpFailure | undefined {
    const { faults, messageBytesMax, checkAuthorized, choosePartition } = this.#options;
    if (message === undefined) return failures.malformed('The message is empty.');
    if (message.length > messageBytesMax) return failures.messageTooLarge(messageBytesMax);
    const unauthorized = checkAuthorized();
    if (unauthorized) return unauthorized;
    if (faults.takeThrottledSend()) return failures.serverBusy();
    try {
      const { partitionKey, events } = decodePublished(message, format);
      choosePartition(partitionKey).append(events);
      return undefined;
    } catch (error) {
      if (error instanceof MalformedMessage) return failures.malformed(error.message);
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      return failures.internal(`Failed to store the events: ${code}.`);
    }
  }

  #settle(delivery: Delivery, failure: AmqpFailure | undefined): void {
    if (failure) {
      writeOutcomes(this.#options.receiver);
      delivery.reject(amqpError(failure));
      writeOutcomes(this.#options.receiver);
    } else delivery.accept();
    this.#creditOwed += 1;
    if (this.#creditOwed < creditMax / 4) return;
    this.#options.receiver.add_credit(this.#creditOwed);
    this.#creditOwed = 0;
  }
}
