import type { AdobePlatform } from '@activation-hub/flow-service/testing';
import { systemClock } from '@activation-hub/delivery';
import type { Command } from 'commander';
import { loadActivations, tenantOptions } from '../activation-file/activations.ts';
import { port, rate } from '../terminal/arguments.ts';
import { listenFailure } from '../terminal/listen-failure.ts';
import { Cleanups } from '../traffic/local/cleanups.ts';
import { exampleFile } from '../traffic/local/example.ts';
import { reasonOf } from '../terminal/command-error.ts';
import { createTenant } from '../traffic/tenant.ts';
import { report } from '../terminal/reporter.ts';
import { aborted, type Terminal } from '../terminal/terminal.ts';
import type { EmulatedAzure } from './emulated-azure.ts';

interface EmulatorOptions {
  readonly port: number;
  readonly eventHubsPort: number;
  readonly managementPort: number;
  readonly activations?: string;
  readonly rate: number;
  readonly json?: true;
}

const sandbox = 'prod';
const profiles = 200;
/** So long AEP's stand-in goes on with the key that a connection had. */
const credentialsAgeMs = 2_000;

export function addEmulatorCommand(aep: Command, terminal: Terminal): void {
  aep
    .command('emulator')
    .summary("runs a stand-in of Adobe's platform, and an event hub, on this machine")
    .description(
      "Runs a stand-in of Adobe's platform on this machine until it is interrupted: tokens, Flow Service, and the audiences of a simulated tenant; and with it an event hub and the two calls of Azure that replace its keys. While a dataflow is enabled, the tenant's exports go to the event hub with the key that the connection has. Everything is in memory.",
    )
    .option('--port <number>', 'of the platform; 0 takes a free one', port, 8790)
    .option('--event-hubs-port <number>', 'of the event hub; 0 takes a free one', port, 8791)
    .option('--management-port <number>', "of Azure's management API; 0 takes a free one", port, 8792)
    .option('-a, --activations <file>', 'has the audiences of this file (default: the example)')
    .option('--rate <number>', 'exports per second; 0 for none', rate, 2)
    .option('--json', 'prints one JSON object per line')
    .addHelpText(
      'after',
      `
It prints the environment variables by which the other verbs find it.

Examples:
  $ activation aep emulator
  $ activation aep emulator --port 0 --event-hubs-port 0 --management-port 0 -a my.yaml --json`,
    )
    .action((options: EmulatorOptions) => runEmulator(options, terminal));
}

async function runEmulator(options: EmulatorOptions, terminal: Terminal): Promise<void> {
  // Loaded here: no other verb needs a platform of its own.
  const { startAdobePlatform } = await import('@activation-hub/flow-service/testing');
  const { startEmulatedAzure } = await import('./emulated-azure.ts');
  const { emulateExports } = await import('./emulated-exports.ts');
  const file = await loadActivations(options.activations ?? exampleFile, terminal);
  const tenant = createTenant(tenantOptions(file, { seed: 1, profiles }));
  const cleanups = new Cleanups();
  try {
    const audiences = [...file.audiences.values()].map(({ id, name, key }) => ({ id, name: name ?? key }));
    const platform = await startAdobePlatform({ port: options.port, sandboxes: [sandbox], audiences }).catch(
      (error: unknown) => {
        throw listenFailure(error, "the stand-in of Adobe's platform", options.port, '--port 0');
      },
    );
    cleanups.add(() => platform.stop());
    const azure = await startEmulatedAzure(options).catch((error: unknown) => {
      throw listenFailure(error, 'the event hub', 0, '--event-hubs-port 0 and --management-port 0');
    });
    cleanups.add(() => azure.stop());
    printReady(platform, azure, options, terminal);
    const exports = {
      platform,
      sandbox,
      eventHubsUrl: azure.eventHubsUrl,
      tenant,
      rate: options.rate,
      credentialsAgeMs,
      clock: systemClock,
      signal: terminal.interrupted,
    };
    await Promise.all([options.rate === 0 ? undefined : emulateExports(exports), aborted(terminal.interrupted)]);
  } finally {
    await cleanups.run((error) => terminal.say(`Failed to stop cleanly: ${reasonOf(error)}`));
  }
}

function printReady(platform: AdobePlatform, azure: EmulatedAzure, options: EmulatorOptions, terminal: Terminal): void {
  const { place, eventHubsUrl, managementUrl } = azure;
  const variables = {
    AEP_PLATFORM_URL: platform.url,
    AEP_IMS_URL: platform.url,
    AEP_CLIENT_ID: platform.clientId,
    AEP_CLIENT_SECRET: platform.clientSecret,
    AEP_ORG_ID: platform.organisation,
    AEP_SANDBOX: sandbox,
    AEP_SAS_KEY: azure.keys().primary,
    AEP_EVENT_HUBS_URL: eventHubsUrl,
    AZURE_MANAGEMENT_URL: managementUrl,
    AZURE_SUBSCRIPTION_ID: place.subscriptionId,
  };
  const words = `--namespace ${place.namespace} --event-hub ${place.eventHubName} --sas-key-name ${place.keyName}`;
  const { bold, dim } = terminal.colors;
  report(
    { event: 'ready', variables, ...place },
    () => [
      `${bold("A stand-in of Adobe's platform")} and an event hub, until Ctrl-C. In another terminal:`,
      '',
      ...Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`),
      '',
      dim(`activation aep apply -a my-activations.yaml ${words}`),
    ],
    options,
    terminal,
  );
}
