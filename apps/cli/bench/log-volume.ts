import { Counters, createTelemetry, type Telemetry } from '@activation-hub/telemetry';
import { stackDefaults } from './scale-plan.ts';

/** Bytes of what is written into the logs. */
export interface LogSizes {
  /** A line of a settled batch, and what its row has besides. */
  readonly batchLine: number;
  /** The three lines that the host writes for a run when it may. */
  readonly hostLines: number;
  /** A line of the lag of a partition. */
  readonly lagLine: number;
  /** A trace of a batch. */
  readonly trace: number;
  /** A minute of all metrics of an instance. */
  readonly metrics: number;
}

/** Gigabytes a day. */
export interface LogVolume {
  /** A line and three of the host for each batch, and the usual traces. */
  readonly withoutBudgetGb: number;
  /** With the defaults of a stack. */
  readonly usualGb: number;
  /** With a tenth of these lines and traces. */
  readonly littleGb: number;
}

/**
 * What a row of `AppTraces` has besides its message: ids, names and the host's properties. From
 * memory of what such rows are billed.
 */
const rowBytes = 500;

/** As the Functions host writes them, of a run that succeeds. */
const hostMessages = [
  "Executing 'Functions.on-audience-events' (Reason='(null)', Id=00000000-0000-0000-0000-000000000000)",
  'Trigger Details: PartitionId: 0, Offset: 0000000000000, EnqueueTimeUtc: 2026-01-31T12:00:00.0000000+00:00, SequenceNumber: 00000000, Count: 300, PartionId: 0',
  "Executed 'Functions.on-audience-events' (Succeeded, Id=00000000-0000-0000-0000-000000000000, Duration=1000ms)",
] as const;

/** How long a line is that the telemetry of the app writes, with the rest of its row. */
function rowOf(emit: (telemetry: Telemetry) => void): number {
  const lines: string[] = [];
  const write = (_level: string, line: string): unknown => lines.push(line);
  emit(createTelemetry({ level: 'information', counters: new Counters(), write }));
  return Buffer.byteLength(lines.join('')) + rowBytes;
}

/**
 * Measures the lines of a batch of a hundred exports for three destinations, and of a lag. Traces
 * and metrics are those of docs/operating/costs.md: 8 KB for a trace, and 0.6 KB a minute for each
 * of about 50 series, which a file of three destinations has.
 */
export function logSizes(): LogSizes {
  const outcomes = { delivered: 30, unchanged: 60, superseded: 2, unresolved: 8 };
  return {
    batchLine: rowOf((telemetry) =>
      telemetry.emit('batch-settled', {
        partitionId: '31',
        events: 100,
        exports: 100,
        firstSequenceNumber: 12_345_678,
        lastSequenceNumber: 12_345_777,
        outcomes: { crm: outcomes, 'meta-ads': outcomes, braze: outcomes },
        ledgerReads: 45,
        ledgerWrites: 180,
        formerIdentities: 1,
        durationMs: 187,
      }),
    ),
    hostLines: hostMessages.reduce((sum, message) => sum + message.length + rowBytes, 0),
    lagLine: rowOf((telemetry) =>
      telemetry.emit('lag-measured', { partitionId: '31', events: 1_000, oldestAgeMs: 10_000 }),
    ),
    trace: 8_000,
    metrics: 50 * 600,
  };
}

const minutesPerDay = 1_440;

/** Of so many batches a day and instances that are always busy, each with a partition. */
export function logVolume(
  { batches, instances }: { readonly batches: number; readonly instances: number },
  sizes: LogSizes,
): LogVolume {
  const { logLinesPerMinute, tracesPerMinute } = stackDefaults;
  const minutes = instances * minutesPerDay;
  const always = minutes * (sizes.lagLine + sizes.metrics);
  const within = (perMinute: number): number => Math.min(batches, minutes * perMinute);
  const bytesOf = (lines: number, traces: number): number =>
    always + within(lines) * sizes.batchLine + within(traces) * sizes.trace;
  const traced = within(tracesPerMinute) * sizes.trace;
  return {
    withoutBudgetGb: (always + traced + batches * (sizes.batchLine + sizes.hostLines)) / 1e9,
    usualGb: bytesOf(logLinesPerMinute, tracesPerMinute) / 1e9,
    littleGb: bytesOf(logLinesPerMinute / 10, tracesPerMinute / 10) / 1e9,
  };
}
