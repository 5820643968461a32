import { DestinationError, type Delivery, type DestinationLimits } from '@activation-hub/destination-kit';
import type { Clock } from './clock.ts';
import type { Results } from './delivery-result.ts';
import { splitIntoBatches } from './batch.ts';
import type { PlaceLimits, RateLimiter } from './rate-limiter.ts';
import { unlessAborted } from './unless-aborted.ts';

/** What a request came to. */
export type Answer = Results | DestinationError;

/** A batch of one call of `deliver`, before its request. */
export interface WaitingBatch {
  readonly deliveries: readonly Delivery[];
  /** Whether the caller polls later for what the destination accepts now. */
  readonly isPolledLater: boolean;
  /** Whether some of it is held back by now; its own call finds out what. */
  readonly isHeldBack: () => boolean;
  /** The deadline of the call. */
  readonly signal: AbortSignal;
  /**
   * How long after it a request with the batch may be under way for other calls, in milliseconds.
   */
  readonly graceMs: number;
}

/**
 * How a batch was sent: by a request of its own, or by one that had changes of other calls too
 * (`isShared`).
 */
export type Sent =
  | { readonly ran: true; readonly answer: Answer; readonly isShared: boolean }
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
  readonly #clock: Clock;
  /** In the order in which they came. */
  readonly #waiting = new Set<Entry>();

  constructor(
    { limits, batchBy }: { readonly limits: DestinationLimits; readonly batchBy: 'destination' | 'route' },
    rateLimiter: RateLimiter,
    clock: Clock,
  ) {
    this.#limits = limits;
    this.#batchBy = batchBy;
    this.#rateLimiter = rateLimiter;
    this.#clock = clock;
  }

  /**
   * Waits for a place as long as `limits` say and calls `request` with the batch and those that go
   * along, or gives the answer to the request of the call that took this batch along. Each call
   * waits for an answer until its own deadline, and is in doubt then.
   */
  async send(
    batch: WaitingBatch,
    limits: Omit<PlaceLimits, 'signal'>,
    request: (deliveries: readonly Delivery[], signal: AbortSignal) => Promise<Answer>,
  ): Promise<Sent> {
    const own: Entry = { ...batch, taken: new AbortController() };
    const signal = AbortSignal.any([own.signal, own.taken.signal]);
    const shared = Promise.withResolvers<Answer>();
    this.#waiting.add(own);
    try {
      const turn = this.#rateLimiter.run(
        async () => {
          const together = this.#takeAlong(own);
          if (together.length === 1) return { answer: await request(own.deliveries, own.signal), isShared: false };
          const answer = this.#requestFor(together, request);
          for (const other of together.slice(1)) {
            other.answer = answer;
            other.taken.abort();
          }
          // The place is taken until the request ends, and this call waits no longer than it may.
          shared.resolve(answerBy(own.signal, answer));
          return { answer: await answer, isShared: true };
        },
        { ...limits, signal },
      );
      const ofShared = shared.promise.then((answer) => ({ ran: true, result: { answer, isShared: true } }) as const);
      const paced = await Promise.race([turn, ofShared]);
      if (paced.ran) return { ran: true, ...paced.result };
      if (own.answer !== undefined)
        return { ran: true, answer: await answerBy(own.signal, own.answer), isShared: true };
      return paced;
    } finally {
      this.#waiting.delete(own);
    }
  }

  /**
   * Sends what several calls have, for as long as one of them waits for it. After the first
   * deadline it is under way no longer than that call allows: a lease of its changes expires.
   */
  async #requestFor(
    together: readonly Entry[],
    request: (deliveries: readonly Delivery[], signal: AbortSignal) => Promise<Answer>,
  ): Promise<Answer> {
    const limit = new AbortController();
    const ended = new AbortController();
    let waiting = together.length;
    for (const { signal, graceMs } of together) {
      const onDeadline = async (): Promise<void> => {
        waiting -= 1;
        if (waiting > 0 && graceMs > 0) await this.#clock.sleep(graceMs, ended.signal);
        limit.abort();
      };
      signal.addEventListener('abort', () => void onDeadline(), { once: true, signal: ended.signal });
    }
    try {
      const deliveries = together.flatMap((entry) => entry.deliveries);
      return await request(deliveries, limit.signal);
    } finally {
      ended.abort();
    }
  }

  /** The batch, and those that wait and fit into its request; none of them waits any more. */
  #takeAlong(own: Entry): readonly Entry[] {
    this.#waiting.delete(own);
    const together = [own];
    let deliveries = own.deliveries;
    for (const other of this.#waiting) {
      if (other.signal.aborted || other.isPolledLater !== own.isPolledLater || other.isHeldBack()) continue;
      const more = [...deliveries, ...other.deliveries];
      if (!this.#fit(more)) continue;
      deliveries = more;
      together.push(other);
      this.#waiting.delete(other);
    }
    return together;
  }

  #fit(deliveries: readonly Delivery[]): boolean {
    if (deliveries.length > this.#limits.batchCount) return false;
    // A call whose lease another one took over can tell the same change.
    if (new Set(deliveries.map(({ change }) => change.id)).size < deliveries.length) return false;
    return splitIntoBatches(deliveries, { limits: this.#limits, batchBy: this.#batchBy }).length === 1;
  }
}

/** The answer to a request, for a call that waits no longer than until its deadline. */
async function answerBy(deadline: AbortSignal, answer: Promise<Answer>): Promise<Answer> {
  try {
    return await unlessAborted(answer, deadline);
  } catch (error) {
    if (error instanceof DestinationError) return error;
    throw error;
  }
}
