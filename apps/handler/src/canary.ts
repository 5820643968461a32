import { canary, canaryLedgerKey } from '@activation-hub/activation-file';
import { createTarget, type Clock, type Target } from '@activation-hub/delivery';
import type { Connector } from '@activation-hub/destination-kit';
import { isUnreadableRow, type Ledger } from '@activation-hub/membership';

/** `activation canary` does not wait for a canary that the stores delay for longer. */
const giveUpAfterMs = 3_600_000;

/** The destination of canaries: accepts everything and calls no third party. */
export function canaryTarget(clock: Clock): Target {
  const take: Connector['enter'] = (deliveries) =>
    Promise.resolve(deliveries.map(({ change }) => ({ id: change.id, status: 'delivered' })));
  return createTarget(
    {
      key: canary.key,
      connector: { enter: take, update: take, exit: take },
      limits: { batchCount: 100, batchBytes: 1024 * 1024, requestsPerSecond: 100, concurrency: 1 },
      batchBy: 'destination',
      giveUpAfterMs,
    },
    clock,
  );
}

/**
 * When the newest canary was sent that went the whole way, in epoch milliseconds; undefined when
 * none has, or its row cannot be read. Throws as the ledger does.
 */
export async function canaryToldAtMs(ledger: Ledger, signal: AbortSignal): Promise<number | undefined> {
  const [row] = await ledger.read([canaryLedgerKey], signal);
  return isUnreadableRow(row) ? undefined : row?.record.delivered?.qualifiedAtMs;
}
