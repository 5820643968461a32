export {
  catalogue,
  counters,
  outcomes,
  type Level,
  type Outcome,
  type OutcomesByDestination,
  type SignalFields,
  type SignalName,
} from './catalogue.ts';
export { Counters, createTelemetry, type CounterValue, type Telemetry } from './telemetry.ts';
