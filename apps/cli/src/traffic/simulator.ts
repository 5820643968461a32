import { encodeProfileExport } from '@activation-hub/audience-events/testing';
import type { EventSender } from './event-sender.ts';
import { pace, type PaceOptions } from './pace.ts';
import type { Tenant } from './tenant.ts';

export interface SimulatorOptions {
  readonly tenant: Tenant;
  readonly sender: EventSender;
  /** Exports per second; 0 for as fast as the hub takes them. */
  readonly rate: number;
  /** Ends after so many exports. */
  readonly count: number;
  readonly signal: AbortSignal;
  readonly clock: PaceOptions['clock'];
  /** Called after each batch with the number of exports so far. */
  readonly onSent?: (sent: number) => void;
}

/** Exports in one send, at most. */
const batchMax = 500;

/**
 * Sends the tenant's exports, one batch after another as truth requires, and gives how many. Throws
 * what `send` throws.
 */
export async function simulate(options: SimulatorOptions): Promise<number> {
  const { tenant, sender, clock, onSent } = options;
  let sent = 0;
  for await (const due of pace({ ...options, batchMax })) {
    const bodies = Array.from({ length: due }, () => encodeProfileExport(tenant.next(clock.now()).body));
    await sender.send(bodies);
    sent += due;
    onSent?.(sent);
  }
  return sent;
}
