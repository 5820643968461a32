import type { ActivationContext } from '@activation-hub/activation';
import { sweepRetries } from '@activation-hub/delivery';
import { sweepLedger } from '@activation-hub/membership';
import { app, type InvocationContext, type Timer } from '@azure/functions';

/** AEP itself forgets who left after 30 days, and a hub keeps events for 90 at the most: what is older cannot come again. */
const keepMs = 120 * 86_400_000;
/** A night's work at the most; what is left is done the next night. */
const timeoutMs = 9 * 60_000;

/** A retry may be on its way for so long after it was to be given up. */
const retryMarginMs = 6 * 3_600_000;

/**
 * Registers the function that, every night at three (UTC), removes the rows of people who left long ago, and makes
 * retries due that a crash has left behind.
 */
export function registerSweepLedger(openActivation: (context: InvocationContext) => Promise<ActivationContext>): void {
  app.timer('sweep-ledger', {
    schedule: '0 0 3 * * *',
    handler: async (_timer: Timer, context: InvocationContext): Promise<void> => {
      const activation = await openActivation(context);
      const startedMs = activation.clock.now();
      const signal = AbortSignal.timeout(timeoutMs);
      const { madeDue } = await sweepRetries(activation.retryQueue, {
        nowMs: startedMs,
        ageMaxMs: (destination) => (activation.targets.get(destination)?.giveUpAfterMs ?? 0) + retryMarginMs,
        signal,
      });
      const swept = await sweepLedger(activation.ledger, { olderThanMs: startedMs - keepMs, signal });
      activation.telemetry.emit('ledger-swept', {
        ...swept,
        retriesMadeDue: madeDue,
        durationMs: activation.clock.now() - startedMs,
      });
    },
  });
}
