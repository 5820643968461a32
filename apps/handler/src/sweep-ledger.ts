import type { Hub } from '@activation-hub/activation';
import { sweepLedger } from '@activation-hub/membership';
import { app, type InvocationContext, type Timer } from '@azure/functions';

/** AEP itself forgets who left after 30 days, and a hub keeps events for 90 at the most: what is older cannot come again. */
const keepMs = 120 * 86_400_000;
/** A night's work at the most; what is left is done the next night. */
const timeoutMs = 9 * 60_000;

/** Registers the function that, every night at three (UTC), removes the rows of people who left long ago. */
export function registerSweepLedger(openHub: (context: InvocationContext) => Promise<Hub>): void {
  app.timer('sweep-ledger', {
    schedule: '0 0 3 * * *',
    handler: async (_timer: Timer, context: InvocationContext): Promise<void> => {
      const hub = await openHub(context);
      const startedMs = hub.clock.now();
      const swept = await sweepLedger(hub.ledger, {
        olderThanMs: startedMs - keepMs,
        signal: AbortSignal.timeout(timeoutMs),
      });
      hub.telemetry.emit('ledger-swept', { ...swept, durationMs: hub.clock.now() - startedMs });
    },
  });
}
