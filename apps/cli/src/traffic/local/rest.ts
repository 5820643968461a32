import type { ChangeRow } from '@activation-hub/console-contract';
import { counted } from '../../terminal/counted.ts';
import { OutcomeCounts } from './signals.ts';

/** What did not get a line of its own in one second. */
export class Rest {
  readonly told = { entered: 0, updated: 0, exited: 0 };
  printed = 0;
  warnings = 0;
  requests = 0;
  #changes = 0;
  #events = 0;
  #batches = 0;
  readonly #outcomes = new OutcomeCounts();

  addBatch(events: number, outcomes: Parameters<OutcomeCounts['add']>[0]): void {
    this.#events += events;
    this.#batches += 1;
    this.#outcomes.add(outcomes);
  }

  addChange({ destination, outcome }: ChangeRow): void {
    this.#changes += 1;
    this.#outcomes.add({ [destination]: { [outcome]: 1 } });
  }

  isEmpty(): boolean {
    return this.toString() === '';
  }

  toString(): string {
    const { entered, updated, exited } = this.told;
    return [
      ...(this.#changes > 0 ? [`${counted(this.#changes, 'change')} more: ${this.#outcomes.toString()}`] : []),
      ...(this.requests > 0 ? [`${counted(this.requests, 'request')} more`] : []),
      ...(this.#batches > 0 ? [`${counted(this.#events, 'event')} more: ${this.#outcomes.toString()}`] : []),
      ...(entered + updated + exited > 0
        ? [`receiver told of ${entered} entered, ${updated} updated, ${exited} exited`]
        : []),
      ...(this.printed > 0 ? [`${counted(this.printed, 'line')} printed`] : []),
      ...(this.warnings > 0 ? [counted(this.warnings, 'warning')] : []),
    ].join(' · ');
  }
}
