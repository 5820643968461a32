import { catalogue, type Count, type Level, type SignalFields, type SignalName } from './catalogue.ts';

/** Where code says what happened. Never throws on account of a signal. */
export interface Telemetry {
  emit<Name extends SignalName>(name: Name, fields: SignalFields<Name>): void;
}

/** A counter's name and labels with its present value. */
export interface CounterValue {
  readonly counter: Count['counter'];
  readonly labels: Count['labels'];
  readonly value: number;
}

/** Adds up what signals count, for as long as the process lives. Shared by all telemetry of the process. */
export class Counters {
  readonly #values = new Map<string, CounterValue>();

  add({ counter, labels, by }: Count): void {
    const key = JSON.stringify([counter, labels]);
    this.#values.set(key, { counter, labels, value: (this.#values.get(key)?.value ?? 0) + by });
  }

  values(): readonly CounterValue[] {
    return [...this.#values.values()];
  }
}

/**
 * Telemetry that writes each signal as one JSON line `{"signal","message",…fields}`. `write` gets the line without its
 * end; lines below `level` are not made, but their signals are counted.
 */
export function createTelemetry(options: {
  readonly level: Level;
  readonly counters: Counters;
  readonly write: (level: Level, line: string) => void;
}): Telemetry {
  return {
    emit(name, fields) {
      // The catalogue pairs each name with its fields; the compiler cannot carry that pairing through an index.
      const { level, sentence, counts } = catalogue[name] as {
        level: Level;
        sentence: (fields: unknown) => string;
        counts: (fields: unknown) => readonly Count[];
      };
      for (const count of counts(fields)) options.counters.add(count);
      if (severity[level] < severity[options.level]) return;
      options.write(level, JSON.stringify({ signal: name, message: sentence(fields), ...fields }));
    },
  };
}

const severity: Readonly<Record<Level, number>> = { debug: 0, information: 1, warning: 2, error: 3 };
