import { parseEventHubConnectionString } from '@azure/event-hubs';
import type { Command } from 'commander';
import { usualConnectionString } from './local/local-event-hub.ts';
import { CommandError, reasonOf } from './command-error.ts';
import type { Terminal } from './terminal.ts';

export interface EventHubOptions {
  readonly connectionString?: string;
  readonly eventHub?: string;
}

/** Adds the options by which a command finds an event hub; without any it is that of `activation local` on its usual port. */
export function addEventHubOptions(command: Command): Command {
  return command
    .option(
      '-c, --connection-string <text>',
      'of the namespace or the hub (or EVENT_HUB_CONNECTION_STRING; default: activation local on its usual port)',
    )
    .option('-e, --event-hub <name>', 'name of the hub, unless the connection string has it (or EVENT_HUB_NAME)');
}

/** Throws `CommandError` (2) when an option is wrong, or nothing names a hub. */
export function readEventHubOptions(
  options: EventHubOptions,
  { environment }: Terminal,
): { readonly connectionString: string; readonly eventHubName: string } {
  const given = options.connectionString ?? environment.EVENT_HUB_CONNECTION_STRING;
  const connectionString = given === undefined || given === '' ? usualConnectionString : given;
  const eventHubName = options.eventHub ?? entityPath(connectionString) ?? environment.EVENT_HUB_NAME;
  if (eventHubName === undefined || eventHubName === '') {
    throw new CommandError(
      2,
      'Failed to find an event hub: the connection string names none. Give --event-hub or set EVENT_HUB_NAME.',
    );
  }
  return { connectionString, eventHubName };
}

function entityPath(connectionString: string): string | undefined {
  try {
    return parseEventHubConnectionString(connectionString).eventHubName;
  } catch (error) {
    throw new CommandError(
      2,
      `Failed to read the connection string: ${reasonOf(error)} It looks like Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=….`,
      { cause: error },
    );
  }
}
