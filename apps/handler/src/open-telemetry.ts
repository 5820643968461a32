import { randomUUID } from 'node:crypto';
import { managedIdentity } from '@activation-hub/destinations';
import type { TelemetryExport } from '@activation-hub/telemetry';
import { exportTo } from '@activation-hub/telemetry/open-telemetry';
import {
  AI_OPERATION_NAME,
  AzureMonitorMetricExporter,
  AzureMonitorTraceExporter,
} from '@azure/monitor-opentelemetry-exporter';
import { context, propagation, SpanKind } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ExportResultCode, W3CTraceContextPropagator, type ExportResult } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  InstrumentType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type { ExportSettings } from './settings.ts';
import { TraceBudget } from './trace-budget.ts';

/** The SDK of OpenTelemetry, set up for this process. */
export interface StartedOpenTelemetry {
  readonly exported: TelemetryExport;
  /** Sends what waits, and ends. */
  close(): Promise<void>;
}

interface Receiver {
  readonly name: string;
  readonly spans: SpanExporter;
  readonly metrics: PushMetricExporter;
}

/**
 * Sets up the SDK for what the settings name: Application Insights, a collector of OTLP, or both.
 * Loaded only then. `onRefused` is called each time that a receiver did not take what it was sent.
 * Registers a context manager and a propagator for the whole process, once.
 */
export function startOpenTelemetry(
  settings: ExportSettings,
  build: string,
  onRefused: (receiver: string) => void,
): StartedOpenTelemetry {
  const receivers = receiversOf(settings);
  for (const { name, spans, metrics } of receivers) {
    noticeRefusals(spans, () => onRefused(name));
    noticeRefusals(metrics, () => onRefused(name));
    sendToldGaugesOnce(metrics);
  }
  // What the operator says in OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME wins.
  const resource = defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': 'activation-hub',
        'service.version': build,
        'service.instance.id': randomUUID(),
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }));
  const traces = new BasicTracerProvider({
    resource,
    sampler: new TraceBudget(settings.tracesPerMinute, () => performance.now()),
    spanProcessors: [
      ...(settings.applicationInsights === undefined ? [] : [operationNames]),
      ...receivers.map(({ spans }) => new BatchSpanProcessor(spans)),
    ],
  });
  const { metricsEveryMs } = settings;
  const metrics = new MeterProvider({
    resource,
    readers: receivers.map(
      (receiver) =>
        new PeriodicExportingMetricReader({
          exporter: receiver.metrics,
          exportIntervalMillis: metricsEveryMs,
          exportTimeoutMillis: Math.min(metricsEveryMs, 30_000),
        }),
    ),
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  return {
    exported: exportTo({ tracer: traces.getTracer(scope), meter: metrics.getMeter(scope) }),
    close: async () => {
      await Promise.allSettled([traces.shutdown(), metrics.shutdown()]);
    },
  };
}

/**
 * Application Insights calls what a consumer does a request, and Azure's exporter leaves its name
 * out unless this attribute has it.
 */
const operationNames: SpanProcessor = {
  onStart: (span) => {
    if (span.kind === SpanKind.CONSUMER) span.setAttribute(AI_OPERATION_NAME, span.name);
  },
  onEnd: () => undefined,
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

const scope = '@activation-hub/telemetry';

function receiversOf({ applicationInsights, otlp }: ExportSettings): readonly Receiver[] {
  const receivers: Receiver[] = [];
  if (applicationInsights !== undefined) {
    // Azure's exporter would also tell Microsoft about itself.
    process.env.APPLICATION_INSIGHTS_NO_STATSBEAT = 'true';
    const { connectionString, identity } = applicationInsights;
    const options = {
      connectionString,
      // An instance has no disk on which it would find it again.
      disableOfflineStorage: true,
      ...(identity === undefined ? {} : { credential: managedIdentity(identity.clientId) }),
    };
    receivers.push({
      name: 'Application Insights',
      spans: new AzureMonitorTraceExporter(options),
      metrics: new AzureMonitorMetricExporter(options),
    });
  }
  if (otlp !== undefined) {
    const at = (path: string) => ({ url: new URL(path, `${otlp.endpoint.replace(/\/+$/, '')}/`).href });
    receivers.push({
      name: 'The collector of OTLP',
      spans: new OTLPTraceExporter(at('v1/traces')),
      metrics: new OTLPMetricExporter(at('v1/metrics')),
    });
  }
  return receivers;
}

/**
 * A gauge that is set is sent once for each time, and not again with every export: the minute's
 * timer runs on one instance at a time, and what it measured on the one before would be sent by
 * that one for as long as it lives. On the wire a gauge has no temporality.
 */
function sendToldGaugesOnce(exporter: PushMetricExporter): void {
  const select = exporter.selectAggregationTemporality?.bind(exporter);
  exporter.selectAggregationTemporality = (type) =>
    type === InstrumentType.GAUGE
      ? AggregationTemporality.DELTA
      : (select?.(type) ?? AggregationTemporality.CUMULATIVE);
}

interface Exporter {
  export(items: unknown, done: (result: ExportResult) => void): void;
}

/** An exporter tells the SDK that an export failed, and the SDK goes on. */
function noticeRefusals(exporter: Exporter, onRefused: () => void): void {
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) => {
    send(items, (result) => {
      if (result.code !== ExportResultCode.SUCCESS) onRefused();
      done(result);
    });
  };
}
