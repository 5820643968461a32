import type { Delivery, DestinationError, DestinationLimits } from '@activation-hub/destination-kit';
import type { Results } from './delivery-result.ts';
import { splitIntoBatches } from './batch.ts';
import type { RateLimiter } from './rate-limiter.ts';

/** What a request came to. */
export type Answer = Results | DestinationError;

/** A batch of one call of `deliver`, before its request. */
export interface WaitingBatch {
  readonly deliveries: readonly Delivery[];
  /** Whether the caller polls later for what the destination accepts now. */
  readonly isPolledLater: boolean;
  /** The deadline of the call. */
  readonly signal: AbortSignal;
}

/**
 * How a batch was sent: by a request of its own, or by one that had changes of other calls too
 * (`isShared`); `isReported` when another call says to breaker and rate limiter how that ended.
 */
export type Sent =
  | { readonly ran: true; readonly answer: Answer; readonly isShared: boolean; readonly isReported: boolean }
  | { readonly ran: false; readonly earliestMs: number };

interface Entry extends WaitingBatch {
  /** Aborted when the request of another call takes the batch along. */
  readonly taken: AbortController;
  answer?: Promise<Answer>;
}

/**
 * Sends the batches of all calls for one target, each when the rate limiter has a place for it. The
 * batch whose place comes takes along those of other calls that wait for theirs, as far as they may
 * share a request, so that a destination of few requests is told as much with each as there is.
 * Nothing waits for company: a batch that finds a free place goes at once.
 */
export class SharedRequests {
  readonly #limits: DestinationLimits;
  readonly #batchBy: 'destination' | 'route';
  readonly #rateLimiter: RateLimiter;
  /** In the order in which they came. */
  readonly #waiting = new Set<Entry>();

  constructor(
    { limits, batchBy }: { readonly limits: DestinationLimits; readonly batchBy: 'destination' | 'route' },
    rateLimiter: RateLimiter,
  ) {
    this.#limits = limits;
    this.#batchBy = batchBy;
    this.#rateLimiter = rateLimiter;
  }

  /**
   * Waits for a place until `notAfterMs` and calls `request` with the batch and those that go
   * along, under the earliest of their deadlines; or gives the answer to the request of the call
   * that took this batch along. Nothing is sent when `heldUntilMs` names a time by then.
   */
  async send(
    batch: WaitingBatch,
    { notAfterMs, heldUntilMs }: { readonly notAfterMs: number; readonly heldUntilMs: () => number | undefined },
    request: (deliveries: readonly Delivery[], signal: AbortSignal) => Promise<Answer>,
  ): Promise<Sent> {
    const own: Entry = { ...batch, taken: new AbortController() };
    const signal = AbortSignal.any([own.signal, own.taken.signal]);
    this.#waiting.add(own);
    try {
      const paced = await this.#rateLimiter.run(
        async () => {
          const together = this.#takeAlong(own);
          const signals = together.map((entry) => entry.signal);
          const answer = request(
            together.flatMap(({ deliveries }) => deliveries),
            together.length === 1 ? own.signal : AbortSignal.any(signals),
          );
          for (const other of together.slice(1)) {
            other.answer = answer;
            other.taken.abort();
          }
          return { answer: await answer, isShared: together.length > 1 };
        },
        { notAfterMs, heldUntilMs, signal },
      );
      if (paced.ran) return { ran: true, ...paced.result, isReported: false };
      if (own.answer !== undefined) return { ran: true, answer: await own.answer, isShared: true, isReported: true };
      return paced;
    } finally {
      this.#waiting.delete(own);
    }
  }

  /** The batch, and those that wait and fit into its request; none of them waits any more. */
  #takeAlong(own: Entry): readonly Entry[] {
    this.#waiting.delete(own);
    const together = [own];
    let deliveries = own.deliveries;
    for (const other of this.#waiting) {
      if (deliveries.length >= this.#limits.batchCount) break;
      if (other.signal.aborted || other.isPolledLater !== own.isPolledLater) continue;
      const more = [...deliveries, ...other.deliveries];
      if (!this.#fit(more)) continue;
      deliveries = more;
      together.push(other);
      this.#waiting.delete(other);
    }
    return together;
  }

  #fit(deliveries: readonly Delivery[]): boolean {
    const [first, last] = [deliveries[0]?.change.kind, deliveries.at(-1)?.change.kind];
    if (first !== last || deliveries.length > this.#limits.batchCount) return false;
    // A call whose lease another one took over can tell the same change.
    if (new Set(deliveries.map(({ change }) => change.id)).size < deliveries.length) return false;
    return splitIntoBatches(deliveries, { limits: this.#limits, batchBy: this.#batchBy }).length === 1;
  }
}
