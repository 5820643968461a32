import { context, propagation } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
  type Sampler,
} from '@opentelemetry/sdk-trace-base';
import { exportTo } from '../src/open-telemetry.ts';
import type { TelemetryExport } from '../src/index.ts';

export interface RecordedPoint {
  readonly metric: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** A number, or what the SDK says of a histogram. */
  readonly value: unknown;
}

export interface RecordedOpenTelemetry {
  readonly exported: TelemetryExport;
  /** Those that have ended, in the order of their ends. */
  readonly spans: () => readonly ReadableSpan[];
  /** What the metrics are now. */
  readonly points: () => Promise<readonly RecordedPoint[]>;
  /** Everything that would be exported, as text in which values can be looked for. */
  readonly text: () => Promise<string>;
}

/**
 * The SDK of OpenTelemetry itself, which keeps in memory what it would export. Registers a context
 * manager and a propagator for the whole process; a later call uses the same.
 */
export function recordOpenTelemetry(options: { readonly sampler?: Sampler } = {}): RecordedOpenTelemetry {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const spans = new InMemorySpanExporter();
  const traces = new BasicTracerProvider({
    sampler: options.sampler ?? new AlwaysOnSampler(),
    spanProcessors: [new SimpleSpanProcessor(spans)],
  });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  // Collected when a test asks.
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 31 - 1 });
  const metrics = new MeterProvider({ readers: [reader] });
  const points = async (): Promise<readonly RecordedPoint[]> => {
    exporter.reset();
    await metrics.forceFlush();
    return exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap((ofScope) => ofScope.metrics)
      .flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => ({ metric: descriptor.name, attributes, value })),
      );
  };
  return {
    exported: exportTo({ tracer: traces.getTracer('recorded'), meter: metrics.getMeter('recorded') }),
    spans: () => spans.getFinishedSpans(),
    points,
    text: async () =>
      JSON.stringify([
        spans
          .getFinishedSpans()
          .map(({ name, attributes, links, status, events, resource }) => [
            name,
            attributes,
            links,
            status,
            events,
            resource.attributes,
          ]),
        await points(),
      ]),
  };
}
