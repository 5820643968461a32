import { outcomes, type OutcomesByDestination, type SignalFields, type SignalName } from '@activation-hub/telemetry';

/** A signal of the handler, as its log line says it. */
export type Signal = { [Name in SignalName]: { readonly name: Name } & SignalFields<Name> }[SignalName];

/** The signal that a line of the handler's log holds; undefined for any other line. */
export function readSignal(line: string): Signal | undefined {
  if (!line.startsWith('{"signal":')) return undefined;
  try {
    const { signal, ...fields } = JSON.parse(line) as { signal: SignalName };
    return { name: signal, ...fields } as Signal;
  } catch {
    return undefined;
  }
}

/** Counts of changes by destination and outcome that add up. */
export class OutcomeCounts {
  readonly #counts = new Map<string, Map<string, number>>();

  add(more: OutcomesByDestination): void {
    for (const [destination, byOutcome] of Object.entries(more)) {
      const counts = this.#counts.get(destination) ?? new Map<string, number>();
      this.#counts.set(destination, counts);
      for (const [outcome, by] of Object.entries(byOutcome)) counts.set(outcome, (counts.get(outcome) ?? 0) + by);
    }
  }

  toJSON(): Readonly<Record<string, Readonly<Record<string, number>>>> {
    return Object.fromEntries(
      [...this.#counts].map(([destination, counts]) => [destination, Object.fromEntries(counts)]),
    );
  }

  /**
   * Such as `receiver 3 delivered, 9 unchanged · trial 12 shadowed`; empty when there is nothing.
   */
  toString(): string {
    return [...this.#counts]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([destination, counts]) => {
        const known = outcomes.filter((outcome) => counts.has(outcome));
        return `${destination} ${known.map((outcome) => `${counts.get(outcome) ?? 0} ${outcome}`).join(', ')}`;
      })
      .join(' · ');
  }
}
