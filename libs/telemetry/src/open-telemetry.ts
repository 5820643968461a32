import {
  context,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Counter,
  type Gauge,
  type Histogram,
  type Link,
  type Meter,
  type ObservableCallback,
  type ObservableGauge,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import {
  counters,
  gauges,
  histograms,
  instruments,
  labels as labelDefinitions,
  metricName,
  type GaugeName,
  type Label,
} from './instruments.ts';
import { spans } from './spans.ts';
import type { OpenSpan, TelemetryExport } from './telemetry.ts';

/** OpenTelemetry's API, as an SDK gives it. */
export interface OpenTelemetry {
  readonly tracer: Tracer;
  readonly meter: Meter;
  /** A clock for durations in milliseconds; `performance.now` by default. */
  readonly now?: () => number;
}

/** Gauges that are read when metrics are collected; the others are set. */
const observedGauges = ['circuit-state', 'cache-bytes'] as const satisfies readonly GaugeName[];

/**
 * Takes what the catalogue names to OpenTelemetry. Spans follow each other through its active
 * context, so an SDK that exports spans has to have registered a context manager, and for
 * `traceHeaders` and `withinTrace` a propagator.
 */
export function exportTo({ tracer, meter, now = () => performance.now() }: OpenTelemetry): TelemetryExport {
  const { counterOf, histogramOf, gaugeOf, observedOf } = createInstruments(meter);
  const observing = new Map<GaugeName, ObservableCallback>();
  const record: TelemetryExport['record'] = (name, value, labels) =>
    histogramOf.get(name)?.record(value, attributesOf(labels));
  return {
    record,
    count: ({ counter, by, labels }) => {
      // Zeros would only make series of what never happened.
      if (by > 0) counterOf.get(counter)?.add(by, attributesOf(labels));
    },
    measure: ({ instrument, value, labels }) => {
      (histogramOf.get(instrument) ?? gaugeOf.get(instrument))?.record(value, attributesOf(labels));
    },
    observe: (name, readings) => {
      const gauge = observedOf.get(name);
      const before = observing.get(name);
      if (before !== undefined) gauge?.removeCallback(before);
      const callback: ObservableCallback = (result) => {
        for (const { value, labels } of readings()) result.observe(value, attributesOf(labels));
      };
      observing.set(name, callback);
      gauge?.addCallback(callback);
    },
    span: (name, { attributes, link }, work) => {
      const linked = link === undefined ? [] : linkTo(link);
      const options = { kind: kinds[spans[name].kind], attributes, links: linked };
      return tracer.startActiveSpan(name, options, (span) => whenEnded(() => work(openSpan(span)), ending(span)));
    },
    stage: (name, work) => {
      const startedMs = now();
      return tracer.startActiveSpan(name, (span) => {
        const end = ending(span);
        return whenEnded(work, (failure) => {
          end(failure);
          record('stage-duration', (now() - startedMs) / 1_000, { stage: name });
        });
      });
    },
    traceParent: () => {
      const spanContext = trace.getActiveSpan()?.spanContext();
      return spanContext === undefined ? undefined : traceParentOf(spanContext);
    },
  };
}

/** The headers of W3C Trace Context for a request that is sent now; none outside of a span. */
export function traceHeaders(): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  propagation.inject(context.active(), headers);
  return headers;
}

/**
 * Does the work within the trace of the caller, by the headers of W3C Trace Context; in a new trace
 * when there are none.
 */
export function withinTrace<Result>(
  headers: { readonly traceparent?: string | undefined; readonly tracestate?: string | undefined },
  work: () => Result,
): Result {
  return context.with(propagation.extract(ROOT_CONTEXT, headers), work);
}

const kinds = { consumer: SpanKind.CONSUMER, internal: SpanKind.INTERNAL, client: SpanKind.CLIENT } as const;

function createInstruments(meter: Meter) {
  const counterOf = new Map<string, Counter>();
  const histogramOf = new Map<string, Histogram>();
  const gaugeOf = new Map<string, Gauge>();
  const observedOf = new Map<string, ObservableGauge>();
  const optionsOf = (name: keyof typeof instruments) => {
    const { unit, meaning: description } = instruments[name];
    return { unit, description };
  };
  for (const name of namesOf(counters)) counterOf.set(name, meter.createCounter(metricName(name), optionsOf(name)));
  for (const name of namesOf(histograms)) {
    const advice = { explicitBucketBoundaries: [...histograms[name].bounds] };
    histogramOf.set(name, meter.createHistogram(metricName(name), { ...optionsOf(name), advice }));
  }
  for (const name of namesOf(gauges)) {
    if (observedGauges.some((observed) => observed === name))
      observedOf.set(name, meter.createObservableGauge(metricName(name), optionsOf(name)));
    else gaugeOf.set(name, meter.createGauge(metricName(name), optionsOf(name)));
  }
  return { counterOf, histogramOf, gaugeOf, observedOf };
}

const namesOf = <Name extends string>(of: Readonly<Record<Name, unknown>>): readonly Name[] =>
  Object.keys(of) as Name[];

function attributesOf(labels: Readonly<Partial<Record<Label, string>>>): Attributes {
  const attributes: Attributes = {};
  for (const label in labels) attributes[labelDefinitions[label as Label].attribute] = labels[label as Label];
  return attributes;
}

function openSpan(span: Span): OpenSpan<never> {
  return {
    set: (attributes) => void span.setAttributes(attributes),
    fail: (type) => fail(span, type),
  };
}

function fail(span: Span, type: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute('error.type', type);
}

/**
 * Ends the span. Of an error only its kind is said: its words are for the log, and those of others
 * may hold anything.
 */
const ending =
  (span: Span) =>
  (failure?: { readonly error: unknown }): void => {
    if (failure !== undefined) fail(span, failure.error instanceof Error ? failure.error.name : 'unknown');
    span.end();
  };

/**
 * Does the work, which may go on after the call, and says when it has ended, and with which error.
 */
function whenEnded<Result>(work: () => Result, ended: (failure?: { readonly error: unknown }) => void): Result {
  let result: Result;
  try {
    result = work();
  } catch (error) {
    ended({ error });
    throw error;
  }
  if (!(result instanceof Promise)) {
    ended();
    return result;
  }
  const following = result.then(
    (value: unknown) => {
      ended();
      return value;
    },
    (error: unknown) => {
      ended({ error });
      throw error;
    },
  );
  return following as Result;
}

/**
 * W3C Trace Context, section 3.2: version, trace, span and flags. Undefined for a span that no one
 * will find.
 */
function traceParentOf({ traceId, spanId, traceFlags }: SpanContext): string | undefined {
  if ((traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
  return `00-${traceId}-${spanId}-01`;
}

/** A link to the span that a `traceparent` names; none when it names none. */
function linkTo(traceParent: string): Link[] {
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceParent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return [];
  const linked = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(linked) ? [{ context: linked }] : [];
}
