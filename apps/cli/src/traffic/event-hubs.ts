import { resolve } from 'node:path';
import { startEventHubsEmulator, type EventHubDefinition } from '@activation-hub/event-hubs-emulator';
import { InvalidArgumentError, type Command } from 'commander';
import { port } from '../terminal/arguments.ts';
import { counted } from '../terminal/counted.ts';
import { listenFailure } from '../terminal/listen-failure.ts';
import { localEventHub, localKeys } from './local/local-event-hub.ts';
import { report } from '../terminal/reporter.ts';
import { aborted, type Terminal } from '../terminal/terminal.ts';

interface EventHubsOptions {
  readonly port: number;
  readonly eventHub?: readonly EventHubDefinition[];
  readonly data?: string;
  readonly json?: true;
}

const defaultEventHub: EventHubDefinition = { name: localEventHub.name, partitionCount: 4 };

export function addEventHubsCommand(program: Command, terminal: Terminal): void {
  program
    .command('event-hubs')
    .summary('runs Event Hubs on this machine, alone')
    .description(
      'Runs an Event Hubs namespace on this machine until it is interrupted. The official SDKs connect to it.',
    )
    .option('--port <number>', 'where it listens; 0 takes a free one', port, localEventHub.port)
    .option(
      '--event-hub <name:partitions[:group,group]>',
      'an event hub with its partitions and consumer groups; may be repeated (default: profile-exports:4)',
      collectEventHub,
    )
    .option('--data <folder>', 'keeps events in this folder over restarts (default: in memory)')
    .option('--json', 'prints one JSON object per line')
    .addHelpText(
      'after',
      `
Examples:
  $ activation event-hubs
  $ activation event-hubs --event-hub orders:2 --event-hub profile-exports:4:activation-hub,audit
  $ activation event-hubs --port 0 --data ./events --json`,
    )
    .action((options: EventHubsOptions) => runEventHubs(options, terminal));
}

async function runEventHubs(options: EventHubsOptions, terminal: Terminal): Promise<void> {
  const eventHubs = options.eventHub ?? [defaultEventHub];
  const emulator = await startEventHubsEmulator({
    port: options.port,
    eventHubs,
    keys: localKeys,
    ...(options.data === undefined ? {} : { dataFolder: resolve(terminal.folder, options.data) }),
  }).catch((error: unknown) => {
    throw listenFailure(error, 'Event Hubs', options.port, '--port 0');
  });
  try {
    const connectionString = emulator.connectionString();
    const { bold, cyan, dim } = terminal.colors;
    report(
      { event: 'ready', connectionString, port: emulator.port, eventHubs },
      () => [
        `${bold('Event Hubs')} on port ${emulator.port}, until Ctrl-C`,
        ...eventHubs.map(({ name, partitionCount }) => `  ${name}, ${counted(partitionCount, 'partition')}`),
        `  ${cyan(connectionString)}`,
        dim('  send:  activation send export.json --event-hub <name> --connection-string "<the line above>"'),
      ],
      options,
      terminal,
    );
    await aborted(terminal.interrupted);
  } finally {
    await emulator.stop();
  }
}

function collectEventHub(text: string, before: readonly EventHubDefinition[] = []): readonly EventHubDefinition[] {
  const [, name, partitions, groups] = /^([A-Za-z0-9][\w.-]{0,255}):(\d{1,4})(?::([\w.,$-]+))?$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('Write name:partitions, such as orders:4.');
  const consumerGroups = groups === undefined ? {} : { consumerGroups: groups.split(',') };
  return [...before, { name, partitionCount: Number(partitions), ...consumerGroups }];
}
