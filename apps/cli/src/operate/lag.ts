import { counted } from '../terminal/counted.ts';
import type { PartitionLag } from '@activation-hub/azure-adapters';
import { systemClock } from '@activation-hub/delivery';
import { Option, type Command } from 'commander';
import { measureHandlerLag } from '../environment/handler-lag.ts';
import { CommandError, reasonOf } from '../terminal/command-error.ts';
import { lagOfStack, type ReadLag } from '../console/environment-place.ts';
import { addEventHubOptions, readEventHubOptions, type EventHubOptions } from '../environment/event-hub-options.ts';
import { seconds } from '../traffic/local/change-lines.ts';
import { localEventHub, usualConnectionString } from '../traffic/local/local-event-hub.ts';
import { report } from '../terminal/reporter.ts';
import { tableLines } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface LagOptions extends EventHubOptions {
  readonly environment?: string;
  readonly hostStorage?: string;
  readonly consumerGroup: string;
  readonly json?: true;
}

const storageVariable = 'AzureWebJobsStorage';
/**
 * The SDKs' own word for Azurite on its usual ports, where `activation local` has its storage too.
 */
const usualStorage = 'UseDevelopmentStorage=true';

export function addLagCommand(program: Command, terminal: Terminal): void {
  addEventHubOptions(program.command('lag'))
    .summary('says how far the function app is behind, partition by partition')
    .description(
      'Says for each partition which event was enqueued last, up to where the checkpoint of the function app is, how many events are between them, and how old the oldest of these is.',
    )
    .addOption(
      new Option(
        '--environment <name>',
        'event hub and checkpoints of this stack, with your own sign-in to Azure (needs pulumi)',
      ).conflicts(['connectionString', 'eventHub', 'hostStorage', 'consumerGroup']),
    )
    .option(
      '--host-storage <text>',
      `connection string of the account with the checkpoints (or ${storageVariable}; default: activation local on its usual ports)`,
    )
    .option('--consumer-group <name>', "the function's", localEventHub.consumerGroup)
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
The key of the event hub must be allowed to listen. With --environment you need the roles Azure Event Hubs Data Receiver on the namespace and Storage Blob
Data Reader on the account of the checkpoints. No checkpoint moves: the command reads in the consumer group $Default.

Examples:
  $ activation lag                              activation local on its usual ports
  $ activation lag --environment dev
  $ activation lag --connection-string "Endpoint=sb://…;EntityPath=…" --host-storage "AccountName=…"`,
    )
    .action((options: LagOptions) => runLag(options, terminal));
}

async function runLag(options: LagOptions, terminal: Terminal): Promise<void> {
  const { environment } = options;
  const read = environment === undefined ? lagOfOptions(options, terminal) : await lagOfStack(environment, terminal);
  const partitions = await read(terminal.interrupted);
  const nowMs = systemClock.now();
  const aged = partitions.map(({ oldestEnqueuedAtMs, ...each }) => ({
    ...each,
    ...(oldestEnqueuedAtMs === undefined ? {} : { oldestAgeMs: Math.max(0, nowMs - oldestEnqueuedAtMs) }),
  }));
  report({ event: 'lag', partitions: aged }, () => lagLines(partitions, nowMs), options, terminal);
}

function lagOfOptions(options: LagOptions, terminal: Terminal): ReadLag {
  const { connectionString, eventHubName } = readEventHubOptions(options, terminal);
  const given = options.hostStorage ?? terminal.environment[storageVariable] ?? '';
  const isUsual = given === '' && connectionString === usualConnectionString;
  // The checkpoints of this machine say nothing about a hub that is elsewhere.
  if (given === '' && !/;UseDevelopmentEmulator=true/i.test(connectionString))
    throw new CommandError(
      2,
      `Failed to find the checkpoints of this event hub: give --host-storage, or set ${storageVariable}.`,
    );
  const hub = /;EntityPath=/i.test(connectionString)
    ? connectionString
    : `${connectionString};EntityPath=${eventHubName}`;
  return async (signal) => {
    try {
      return await measureHandlerLag({
        hub: { connectionString: hub },
        hostStorage: { connectionString: given === '' ? usualStorage : given },
        consumerGroup: options.consumerGroup,
        signal,
      });
    } catch (error) {
      if (signal.aborted) throw new CommandError(1, 'Stopped, as asked.', { cause: error });
      const hint = isUsual
        ? 'Start activation local, or give --environment, or --connection-string and --host-storage.'
        : 'Check the connection strings, that the key may listen, and the network.';
      throw new CommandError(1, `Failed to read how far the function app is behind: ${reasonOf(error)} ${hint}`, {
        cause: error,
      });
    }
  };
}

/** A line for each partition, and one for all. */
export function lagLines(partitions: readonly PartitionLag[], nowMs: number): readonly string[] {
  const number = (value: number | undefined): string => (value === undefined ? '–' : String(value));
  const age = (atMs: number | undefined): string =>
    atMs === undefined ? '–' : `${seconds(Math.max(0, nowMs - atMs))} ago`;
  const rows = partitions.map((each) => [
    each.partitionId,
    number(each.lastEnqueuedSequenceNumber),
    age(each.lastEnqueuedAtMs),
    number(each.checkpointSequenceNumber),
    number(each.events),
    age(each.oldestEnqueuedAtMs),
  ]);
  const head = ['partition', 'last enqueued', 'when', 'checkpoint', 'behind', 'oldest of these'];
  const behind = partitions.reduce((sum, { events }) => sum + events, 0);
  const oldest = partitions.flatMap(({ oldestEnqueuedAtMs }) => oldestEnqueuedAtMs ?? []);
  return [
    ...tableLines([head, ...rows]),
    behind === 0
      ? 'Nothing is behind.'
      : `${counted(behind, 'event is', 'events are')} not settled${oldest.length === 0 ? '' : `; the oldest came ${age(Math.min(...oldest))}`}.`,
  ];
}
