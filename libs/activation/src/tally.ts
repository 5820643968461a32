import type { Outcome } from '@activation-hub/telemetry';
import type { Hub } from './hub.ts';
import type { IncomingEvent } from './read-events.ts';

/** Counts the outcomes of one batch. Every change is counted once, at the place where its outcome becomes certain. */
export class Tally {
  readonly #startedMs: number;
  readonly #outcomes: Record<string, Partial<Record<Outcome, number>>> = {};
  ledgerReads = 0;
  ledgerWrites = 0;

  constructor(startedMs: number) {
    this.#startedMs = startedMs;
  }

  count(destination: string, outcome: Outcome): void {
    const byOutcome = (this.#outcomes[destination] ??= {});
    byOutcome[outcome] = (byOutcome[outcome] ?? 0) + 1;
  }

  /** Says what became of the batch. */
  report(events: readonly IncomingEvent[], exports: number, hub: Hub): void {
    hub.telemetry.emit('batch-settled', {
      partitionId: events[0]?.partitionId ?? '',
      events: events.length,
      exports,
      firstSequenceNumber: events[0]?.sequenceNumber ?? 0,
      lastSequenceNumber: events.at(-1)?.sequenceNumber ?? 0,
      outcomes: this.#outcomes,
      ledgerReads: this.ledgerReads,
      ledgerWrites: this.ledgerWrites,
      durationMs: hub.clock.now() - this.#startedMs,
    });
  }
}
