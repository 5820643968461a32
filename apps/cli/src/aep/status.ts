import { createEventHubsDestinations, destinationWords } from '@activation-hub/flow-service';
import type { StorageConnection } from '@activation-hub/azure-adapters';
import type { Command } from 'commander';
import { wholeNumber } from '../terminal/arguments.ts';
import { CommandError, reasonOf } from '../terminal/command-error.ts';
import { openDataStorage } from '../environment/data-storage.ts';
import { report } from '../terminal/reporter.ts';
import type { Terminal } from '../terminal/terminal.ts';
import {
  addActivationFileOption,
  chooseActivationFile,
  type ActivationFileOptions,
} from '../activation-file/activation-file-options.ts';
import { adobeVariablesHelp, openAdobe, withAdobe } from '../environment/adobe-access.ts';
import { azureCredential } from '../environment/azure-credential.ts';
import { hubConnectionString } from '../environment/hub-connection.ts';
import { countHubHours } from './hub-hours.ts';
import {
  addHubOptions,
  namesHub,
  readHubOptions,
  type ChosenHub,
  type HubOptions,
} from '../environment/hub-options.ts';
import { measureHandlerLag } from '../environment/handler-lag.ts';
import { outputText, type StackOutputs } from '../environment/stack-outputs.ts';
import { aepHours, hourMs, storeHours } from './status-numbers.ts';
import { legend, remarks, statusLines, type Status } from './status-words.ts';

interface StatusOptions extends HubOptions, ActivationFileOptions {
  readonly hours: number;
  readonly consumerGroup?: string;
  readonly json?: true;
}

export function addStatusCommand(aep: Command, terminal: Terminal): void {
  addHubOptions(
    addActivationFileOption(
      aep
        .command('status')
        .summary('says what AEP sent, what the event hub took and how it ended')
        .description(
          'Shows, for each of the last hours, what AEP says it sent, what the event hub took, and the outcomes in our stores: so one sees where events go missing. Parts that are not configured are left out.',
        ),
    ),
  )
    .option('--hours <number>', 'so many full hours, and the present one', wholeNumber(1, 72), 6)
    .option('--consumer-group <name>', "the function's (default: that of the stack, or activation-hub)")
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
The event hub is read with the key of the options, or with EVENT_HUB_CONNECTION_STRING; it must be allowed to listen. The function's
checkpoints are in the storage of AzureWebJobsStorage, what it keeps in that of DATA_STORAGE_CONNECTION_STRING; with
--environment both are those of the stack, by your sign-in to Azure.
${adobeVariablesHelp}

Examples:
  $ activation aep status --environment prod
  $ activation aep status -a my-activations.yaml --hours 24 --json`,
    )
    .action((options: StatusOptions) => runStatus(options, terminal));
}

async function runStatus(options: StatusOptions, terminal: Terminal): Promise<void> {
  const { client, sandbox } = openAdobe(terminal);
  const { owner } = destinationWords(chooseActivationFile(options, terminal).environment);
  const hub = namesHub(options) ? await readHubOptions(options, terminal) : undefined;
  await withAdobe(terminal, async () => {
    const destination = await createEventHubsDestinations(client).read({ owner }, terminal.interrupted);
    if (destination === undefined) {
      throw new CommandError(
        1,
        `Failed to find the destination of ${owner} in the sandbox ${sandbox}: there is none. Make it with activation aep apply.`,
      );
    }
    const nowMs = client.clock.now();
    const hours = options.hours + 1;
    const fromMs = Math.floor(nowMs / hourMs) * hourMs - options.hours * hourMs;
    const runs = await client.flowService.runs(destination.flowId, { itemsMax: hours, signal: terminal.interrupted });
    const leftOut: string[] = [];
    const rest = await lookAround({ options, hub, fromMs, hours, leftOut }, terminal);
    const status = { sandbox, destination, fromMs, nowMs, aep: aepHours(runs, fromMs, hours), leftOut, ...rest };
    reportStatus(status, options, terminal);
  });
}

interface Look {
  readonly options: StatusOptions;
  readonly hub: ChosenHub | undefined;
  readonly fromMs: number;
  readonly hours: number;
  readonly leftOut: string[];
}

/**
 * Hub, checkpoints and stores, as far as they are configured. One that cannot be read is left out,
 * and said.
 */
async function lookAround(look: Look, terminal: Terminal): Promise<Pick<Status, 'hub' | 'lag' | 'stores'>> {
  const { options, hub, fromMs, hours, leftOut } = look;
  const { environment, interrupted } = terminal;
  const attempt = async <Result>(what: string, work: () => Promise<Result>): Promise<Result | undefined> => {
    try {
      return await work();
    } catch (error) {
      interrupted.throwIfAborted();
      leftOut.push(`${what} could not be read: ${reasonOf(error)}`);
      return undefined;
    }
  };
  const given = environment.EVENT_HUB_CONNECTION_STRING ?? '';
  const ofKey = hub === undefined ? '' : hubConnectionString(hub.address, terminal);
  const connectionString = given === '' ? ofKey : given;
  const seen =
    connectionString === ''
      ? undefined
      : await attempt('The event hub', () => countHubHours(connectionString, fromMs, hours, interrupted));
  if (connectionString === '') leftOut.push('The event hub is not configured: give its options, or --environment.');

  const hostStorage = await storageOf(environment.AzureWebJobsStorage, hub, options, 'host');
  const consumerGroup = options.consumerGroup ?? outputOr(hub?.outputs, 'consumerGroup', 'activation-hub');
  const lag =
    connectionString === '' || hostStorage === undefined
      ? undefined
      : await attempt('The function’s checkpoints', () =>
          measureHandlerLag({ hub: { connectionString }, hostStorage, consumerGroup, signal: interrupted }),
        );
  if (hostStorage === undefined)
    leftOut.push("The function's checkpoints are not configured: set AzureWebJobsStorage.");

  const dataStorage = await storageOf(environment.DATA_STORAGE_CONNECTION_STRING, hub, options, 'data');
  const stores =
    dataStorage === undefined
      ? undefined
      : await attempt('The stores', () => storeHours(openDataStorage(dataStorage), fromMs, hours, interrupted));
  if (dataStorage === undefined) leftOut.push('The stores are not configured: set DATA_STORAGE_CONNECTION_STRING.');
  return {
    ...(seen === undefined ? {} : { hub: seen }),
    ...(lag === undefined ? {} : { lag }),
    ...(stores === undefined ? {} : { stores }),
  };
}

async function storageOf(
  connectionString: string | undefined,
  hub: ChosenHub | undefined,
  { environment = '' }: StatusOptions,
  which: 'host' | 'data',
): Promise<StorageConnection | undefined> {
  if (connectionString !== undefined && connectionString !== '') return { connectionString };
  if (hub?.outputs === undefined) return undefined;
  const output = (name: string): string => outputText(hub.outputs ?? {}, name, environment);
  const credential = await azureCredential();
  if (which === 'host') {
    const blobEndpoint = output('checkpointEndpoint');
    return { blobEndpoint, tableEndpoint: blobEndpoint, queueEndpoint: blobEndpoint, credential };
  }
  return {
    blobEndpoint: output('dataBlobEndpoint'),
    queueEndpoint: output('dataQueueEndpoint'),
    tableEndpoint: output('dataTableEndpoint'),
    credential,
  };
}

function outputOr(outputs: StackOutputs | undefined, name: string, otherwise: string): string {
  const value = outputs?.[name];
  return typeof value === 'string' && value !== '' ? value : otherwise;
}

function reportStatus(status: Status, options: StatusOptions, terminal: Terminal): void {
  const { sandbox, destination, fromMs, aep, hub, stores, lag, leftOut } = status;
  const hours = aep.map((run, hour) => ({
    hour: new Date(fromMs + hour * hourMs).toISOString(),
    ...(run === undefined ? {} : { aep: run }),
    ...(hub === undefined ? {} : { hub: hub.events[hour] }),
    ...(stores === undefined ? {} : { stores: stores.hours[hour] }),
  }));
  const { dim, yellow } = terminal.colors;
  report(
    { event: 'status', sandbox, destination, hours, lag, remarks: remarks(status), leftOut },
    () => [
      ...statusLines(status, terminal.colors),
      ...legend(status).map(dim),
      ...leftOut.map((line) => ({ besides: `${yellow('note')} ${line}` })),
    ],
    options,
    terminal,
  );
}
