import type { ActivationFile } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import { tenantOptions } from '../../activation-file/activations.ts';
import type { EventSender } from '../event-sender.ts';
import { simulate } from '../simulator.ts';
import { createTenant } from '../tenant.ts';
import type { TenantOptions } from '../tenant-options.ts';

export interface SimulationOptions {
  readonly rate: number;
  readonly profiles: number;
  readonly seed: number;
}

/** The simulated tenant of `activation local`, which exports what the activation file asks for. */
export class Simulation {
  readonly #options: SimulationOptions;
  #tenant: TenantOptions;
  #round = new AbortController();

  /** Throws `CommandError` (2) when the file has no audience. */
  constructor(file: ActivationFile, options: SimulationOptions) {
    this.#options = options;
    this.#tenant = tenantOptions(file, options);
  }

  /**
   * Gives what begins with a new tenant where another file asks for something else. Throws as the
   * constructor does.
   */
  prepared(file: ActivationFile): () => void {
    const next = tenantOptions(file, this.#options);
    return () => {
      if (JSON.stringify(next) === JSON.stringify(this.#tenant)) return;
      this.#tenant = next;
      this.#round.abort();
    };
  }

  /** Sends until the signal aborts. Throws what `send` throws. */
  async run(sender: EventSender, signal: AbortSignal, onSent: (sent: number) => void): Promise<void> {
    let before = 0;
    while (!signal.aborted) {
      this.#round = new AbortController();
      before += await simulate({
        ...this.#options,
        tenant: createTenant(this.#tenant),
        sender,
        count: Infinity,
        signal: AbortSignal.any([signal, this.#round.signal]),
        clock: systemClock,
        onSent: (sent) => onSent(before + sent),
      });
    }
  }
}
