import type { ExportedBlob } from '@activation-hub/azure-adapters';
import type { Telemetry } from '@activation-hub/telemetry';
import { app, type InvocationContext, type Timer } from '@azure/functions';

/** A run at the most; within it some millions of rows are read. A greater ledger is exported by the command (disaster.md). */
const timeoutMs = 9 * 60_000;

export interface LedgerExport {
  readonly exportLedger: (signal: AbortSignal) => Promise<ExportedBlob>;
  readonly telemetryFor: (context: InvocationContext) => Telemetry;
  readonly now: () => number;
}

/**
 * Registers the function that, every night at four (UTC), after the sweep, exports the ledger into a blob. One that fails throws; that
 * none succeeded for two days is an alert.
 */
export function registerExportLedger({ exportLedger, telemetryFor, now }: LedgerExport): void {
  app.timer('export-ledger', {
    schedule: '0 0 4 * * *',
    handler: async (_timer: Timer, context: InvocationContext): Promise<void> => {
      const startedMs = now();
      const exported = await exportLedger(AbortSignal.timeout(timeoutMs));
      telemetryFor(context).emit('ledger-exported', { ...exported, durationMs: now() - startedMs });
    },
  });
}
