export { catalogue, type Level, type SignalFields, type SignalName } from './catalogue.ts';
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
export { outcomes, type Outcome, type OutcomesByDestination } from './outcomes.ts';
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
