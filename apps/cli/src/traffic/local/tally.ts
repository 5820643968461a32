import type { Summary } from './narrator.ts';
import type { Receiver, ToldChange } from './receiver.ts';
import { OutcomeCounts, type Signal } from './signals.ts';

/** Adds up what happens, for the summary at the end. */
export class Tally {
  exportsSent = 0;
  #eventsReceived = 0;
  #unreadable = 0;
  readonly #outcomes = new OutcomeCounts();
  readonly #told = { entered: 0, updated: 0, exited: 0 };

  count(signal: Signal): void {
    if (signal.name === 'event-unreadable') this.#unreadable += 1;
    if (signal.name === 'batch-settled') this.#eventsReceived += signal.events;
    if (signal.name === 'batch-settled' || signal.name === 'retry-settled') this.#outcomes.add(signal.outcomes);
  }

  countTold(changes: readonly ToldChange[]): void {
    for (const { change } of changes) this.#told[change] += 1;
  }

  summary(receiver: Receiver | undefined): Summary {
    return {
      exportsSent: this.exportsSent,
      eventsReceived: this.#eventsReceived,
      outcomes: this.#outcomes,
      unreadable: this.#unreadable,
      ...(receiver === undefined
        ? {}
        : { receiver: { ...this.#told, refusedRequests: receiver.refused(), members: receiver.members() } }),
    };
  }
}
