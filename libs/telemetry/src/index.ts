export {
  catalogue,
  outcomes,
  type Level,
  type Outcome,
  type OutcomesByDestination,
  type SignalFields,
  type SignalName,
} from './catalogue.ts';
export {
  circuitStates,
  counters,
  gauges,
  histograms,
  instruments,
  labels,
  metricName,
  type CircuitState,
} from './instruments.ts';
export { LineBudget } from './line-budget.ts';
export { spanAttributes, spans, stages, type SpanName } from './spans.ts';
export {
  Counters,
  createTelemetry,
  silentTelemetry,
  type CounterValue,
  type SpanOptions,
  type Telemetry,
  type TelemetryExport,
} from './telemetry.ts';
