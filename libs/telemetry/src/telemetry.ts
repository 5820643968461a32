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

/**
 * Telemetry that writes each signal as one JSON line `{"signal","message",…fields}` and adds up the counters.
 * `write` gets the line without its end; lines below `level` are not made. Their counters are.
 */
export function createTelemetry(options: {
  readonly level: Level;
  readonly write: (level: Level, line: string) => void;
}): Telemetry & { readonly counters: () => readonly CounterValue[] } {
  const values = new Map<string, CounterValue>();

  const add = ({ counter, labels, by }: Count): void => {
    const key = JSON.stringify([counter, labels]);
    values.set(key, { counter, labels, value: (values.get(key)?.value ?? 0) + by });
  };

  return {
    emit(name, fields: object) {
      // The catalogue pairs each name with its fields; the compiler cannot carry that pairing through an index.
      const { level, sentence, counts } = catalogue[name] as {
        level: Level;
        sentence: (fields: unknown) => string;
        counts: (fields: unknown) => readonly Count[];
      };
      for (const count of counts(fields)) add(count);
      if (severity[level] < severity[options.level]) return;
      options.write(level, JSON.stringify({ signal: name, message: sentence(fields), ...fields }));
    },
    counters: () => [...values.values()],
  };
}

const severity: Readonly<Record<Level, number>> = { debug: 0, information: 1, warning: 2, error: 3 };
