export {
  startOtlpCollector,
  type CollectedAttributes,
  type CollectedPoint,
  type CollectedSpan,
  type OtlpCollector,
} from './otlp-collector.ts';
export { recordOpenTelemetry, type RecordedOpenTelemetry, type RecordedPoint } from './recorded-open-telemetry.ts';
