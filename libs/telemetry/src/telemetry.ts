import { catalogue, type Count, type Level, type Measured, type SignalFields, type SignalName } from './catalogue.ts';
import type { LineBudget } from './line-budget.ts';
import type { GaugeName, HistogramName, LabelsOf } from './instruments.ts';
import type { AttributesOf, SpanName, Stage } from './spans.ts';

/** Where code says what happened. Never throws on account of a signal. */
export interface Telemetry {
  emit<Name extends SignalName>(name: Name, fields: SignalFields<Name>): void;
  /** Records a value of a histogram, in its unit, for what is no signal of its own. */
  record<Name extends HistogramName>(name: Name, value: number, labels: LabelsOf<Name>): void;
  /**
   * Does the work as a span of its own, within that in which it is called. Throws what the work
   * throws.
   */
  span<Name extends SpanName, Result>(
    name: Name,
    options: SpanOptions<Name>,
    work: (span: OpenSpan<Name>) => Promise<Result>,
  ): Promise<Result>;
  /** Does the work as a span, and measures its time. Throws what the work throws. */
  stage<Result>(name: Stage, work: () => Result): Result;
  /**
   * The W3C `traceparent` of the span in which it is called; undefined when that is not exported.
   */
  traceParent(): string | undefined;
}

export interface SpanOptions<Name extends SpanName> {
  readonly attributes: AttributesOf<Name>;
  /** `traceparent` of a span of another trace that led to this one. */
  readonly link?: string | undefined;
}

/** A span while its work is done. */
export interface OpenSpan<Name extends SpanName> {
  set(attributes: AttributesOf<Name>): void;
  /**
   * Says that what it stands for failed although its work does not throw; `type` is a word of the
   * code.
   */
  fail(type: string): void;
}

/** What takes measurements and spans besides the log: `open-telemetry.ts`. */
export interface TelemetryExport extends Pick<Telemetry, 'record' | 'span' | 'stage' | 'traceParent'> {
  count(count: Count): void;
  measure(measured: Measured): void;
  /**
   * Asks for the readings of a gauge whenever metrics are collected; a later call for the same
   * gauge takes its place.
   */
  observe<Name extends GaugeName>(name: Name, readings: () => readonly Reading<Name>[]): void;
}

/** How much a gauge shows, for one set of its labels. */
export interface Reading<Name extends GaugeName> {
  readonly value: number;
  readonly labels: LabelsOf<Name>;
}

/** A counter's name and labels with its present value. */
export interface CounterValue {
  readonly counter: Count['counter'];
  readonly labels: Count['labels'];
  readonly value: number;
}

/**
 * Adds up what signals count, for as long as the process lives. Shared by all telemetry of the
 * process.
 */
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

const closedSpan = { set: () => undefined, fail: () => undefined };

/** Discards measurements and spans, for the price of a call. */
const notExported: Omit<Telemetry, 'emit'> = {
  record: () => undefined,
  span: (_name, _options, work) => work(closedSpan),
  stage: (_name, work) => work(),
  traceParent: () => undefined,
};

/** For dry runs: discards every signal. */
export const silentTelemetry: Telemetry = { ...notExported, emit: () => undefined };

/**
 * Telemetry that writes each signal as one JSON line `{"signal","message",…fields}`. `write` gets
 * the line without its end; lines below `level`, and those over the budget, are not made, but their
 * signals are counted and measured. A line that follows some that were left out has their number as
 * `leftOut`. Spans and measurements go to `exported`, and nowhere without it.
 */
export function createTelemetry(options: {
  readonly level: Level;
  readonly counters: Counters;
  readonly write: (level: Level, line: string) => void;
  readonly exported?: TelemetryExport | undefined;
  /** Without one every line is written. */
  readonly budget?: LineBudget | undefined;
}): Telemetry {
  const { exported } = options;
  const { record, span, stage, traceParent } = exported ?? notExported;
  return {
    record,
    span,
    stage,
    traceParent,
    emit(name, fields) {
      // The catalogue pairs each name with its fields; the compiler cannot carry that pairing
      // through an index.
      const { level, isByClock, sentence, counts, measures } = catalogue[name] as {
        level: Level;
        isByClock?: true;
        sentence: (fields: unknown) => string;
        counts: (fields: unknown) => readonly Count[];
        measures?: (fields: unknown) => readonly Measured[];
      };
      for (const count of counts(fields)) {
        options.counters.add(count);
        exported?.count(count);
      }
      if (exported !== undefined) for (const measured of measures?.(fields) ?? []) exported.measure(measured);
      if (isByClock !== true && severity[level] < severity[options.level]) return;
      const isFree = isByClock === true || options.budget === undefined;
      const leftOut = isFree ? 0 : options.budget.take(name);
      if (leftOut === undefined) return;
      const line = { signal: name, message: sentence(fields), ...fields, ...(leftOut === 0 ? {} : { leftOut }) };
      options.write(level, JSON.stringify(line));
    },
  };
}

const severity: Readonly<Record<Level, number>> = { debug: 0, information: 1, warning: 2, error: 3 };
