import type { ActivationFile } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import { emulateExports } from '../../aep/emulated-exports.ts';
import { localSide } from '../../aep/local-side.ts';
import { tenantOptions } from '../../activation-file/activations.ts';
import { listenFailure } from '../../terminal/listen-failure.ts';
import { createTenant } from '../tenant.ts';
import type { Cleanups } from './cleanups.ts';
import type { SimulationOptions } from './simulation.ts';

/** What stands for Adobe's side on this machine. */
export interface AdobeSide {
  /** Of the platform and of the identity service. */
  readonly url: string;
  /**
   * Exports a simulated tenant over the dataflows that are enabled, with the key that each has,
   * until the signal aborts: nothing before there is one. Tells how many exports the hub took so
   * far.
   */
  run(signal: AbortSignal, onSent: (sent: number) => void): Promise<void>;
}

/** So long it goes on with what it knows of dataflows and keys. */
const credentialsAgeMs = 1_000;

/**
 * Starts it with the audiences of the file in its sandbox. Throws `CommandError` where the port is
 * taken, and (2) where the file has no audience.
 */
export async function startAdobeSide(
  file: ActivationFile,
  {
    port,
    eventHubsConnectionString,
    simulation,
    cleanups,
  }: {
    readonly port: number;
    readonly eventHubsConnectionString: string;
    readonly simulation: SimulationOptions;
    readonly cleanups: Cleanups;
  },
): Promise<AdobeSide> {
  // Loaded here: no other run needs a platform of its own.
  const { startAdobePlatform } = await import('@activation-hub/flow-service/testing');
  const tenant = createTenant(tenantOptions(file, simulation));
  const { sandbox, clientId, clientSecret, organisation } = localSide;
  const audiences = [...file.audiences.values()].map(({ id, name, key }) => ({ id, name: name ?? key }));
  const started = startAdobePlatform({ port, sandboxes: [sandbox], audiences, clientId, clientSecret, organisation });
  const platform = await started.catch((error: unknown) => {
    throw listenFailure(error, "the stand-in of Adobe's platform", port, '--aep 0');
  });
  cleanups.add(() => platform.stop());
  const [eventHubsUrl = ''] = /sb:\/\/[^/;]+/.exec(eventHubsConnectionString) ?? [];
  return {
    url: platform.url,
    async run(signal, onSent) {
      let sent = 0;
      await emulateExports({
        platform,
        sandbox,
        eventHubsUrl,
        tenant,
        rate: simulation.rate,
        credentialsAgeMs,
        clock: systemClock,
        signal,
        onExport: (taken) => {
          if (!taken) return;
          sent += 1;
          onSent(sent);
        },
      });
    },
  };
}
