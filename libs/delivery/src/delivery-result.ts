import type { Doubt } from '@activation-hub/destination-kit';

/** The outcome of one delivery. */
export type DeliveryResult =
  | { readonly status: 'delivered' }
  | { readonly status: 'not-found'; readonly reason: string }
  | {
      readonly status: 'rejected';
      readonly class: string;
      readonly reason: string;
      /** An attempt before the one that was refused, or a part of that one, may have been taken. */
      readonly doubt?: Doubt;
    }
  | {
      readonly status: 'retry';
      readonly class: string;
      readonly reason: string;
      /**
       * False when the destination was not asked at all: its circuit is open, or the time was up.
       */
      readonly wasTried: boolean;
      /** Not before this time, in epoch milliseconds. */
      readonly notBeforeMs?: number;
      /**
       * Whether the destination may have taken the change all the same, and whether it may still be
       * at it.
       */
      readonly doubt?: Doubt;
      /**
       * The destination has the change and is polled for its result with this receipt; the change
       * is not sent again meanwhile.
       */
      readonly receipt?: string;
    };

/** Results by change id. */
export type Results = ReadonlyMap<string, DeliveryResult>;
