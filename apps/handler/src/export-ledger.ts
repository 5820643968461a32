import { exportLedgerToBlob } from '@activation-hub/azure-adapters';
import type { Telemetry } from '@activation-hub/telemetry';

type ExportOptions = Parameters<typeof exportLedgerToBlob>;

/**
 * A run at the most; within it some millions of rows are read. A greater ledger is exported by the
 * command (disaster.md).
 */
const timeoutMs = 9 * 60_000;

/**
 * Exports the ledger into a blob, and says so. One that fails throws; that none succeeded for two
 * days is an alert.
 */
export async function exportLedger(
  ledger: ExportOptions[0],
  container: ExportOptions[1],
  { telemetry, now }: { readonly telemetry: Telemetry; readonly now: () => number },
): Promise<void> {
  const startedMs = now();
  const options = { nowMs: startedMs, signal: AbortSignal.timeout(timeoutMs) };
  const exported = await exportLedgerToBlob(ledger, container, options);
  telemetry.emit('ledger-exported', { ...exported, durationMs: now() - startedMs });
}
