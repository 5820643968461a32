import type { Retry } from '../src/retry-queue.ts';

/** A retry of one event with two audiences for `crm`, unless the caller says otherwise. */
export function exampleRetry(over: Partial<Retry> = {}): Retry {
  return {
    id: 'b3a3f2b0-0000-4000-8000-000000000001',
    destination: 'crm',
    events: [
      {
        event: {
          body: Uint8Array.of(0x7b, 0x7d, 0xff, 0x00),
          partitionId: '2',
          sequenceNumber: 9_007_199_254_740_991,
          enqueuedAtMs: Date.UTC(2026, 0, 31, 12),
        },
        audiences: ['sports-fans', 'travellers'],
        rows: [],
      },
    ],
    rows: [],
    attempts: 3,
    firstDeferredAtMs: Date.UTC(2026, 0, 31, 13),
    class: 'throttled',
    reason: 'Failed to deliver: the destination answered 429.',
    isReplay: false,
    ...over,
  };
}
