import type { ActivationContext } from '@activation-hub/activation';
import type { UnreadableRows } from '@activation-hub/membership';

/** Says that rows of the ledger cannot be read, and names one of them. */
export function reportUnreadableRows(
  { rows, names: [row] }: UnreadableRows,
  { telemetry }: Pick<ActivationContext, 'telemetry'>,
): void {
  if (row !== undefined) telemetry.emit('rows-unreadable', { rows, row });
}
