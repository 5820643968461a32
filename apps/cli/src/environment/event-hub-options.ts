import { parseEventHubConnectionString } from '@azure/event-hubs';
import type { Command } from 'commander';
import { usualConnectionString } from '../traffic/local/local-event-hub.ts';
import { CommandError } from '../terminal/command-error.ts';
import type { Terminal } from '../terminal/terminal.ts';

export interface EventHubOptions {
  readonly connectionString?: string;
  readonly eventHub?: string;
}

/**
 * Adds the options by which a command finds an event hub; without any it is that of
 * `activation local` on its usual port.
 */
export function addEventHubOptions(command: Command): Command {
  return command
    .option(
      '-c, --connection-string <text>',
      'of the namespace or the event hub (or EVENT_HUB_CONNECTION_STRING; default: activation local on its usual port)',
    )
    .option('-e, --event-hub <name>', 'name of the event hub, unless the connection string has it (or EVENT_HUB_NAME)');
}

/**
 * Throws `CommandError` (2) when an option is wrong, nothing names a hub, or the option and the
 * connection string name two.
 */
export function readEventHubOptions(
  options: EventHubOptions,
  { environment }: Terminal,
): { readonly connectionString: string; readonly eventHubName: string } {
  const given = options.connectionString ?? environment.EVENT_HUB_CONNECTION_STRING;
  const connectionString = given === undefined || given === '' ? usualConnectionString : given;
  const ownName = entityPath(connectionString);
  const eventHubName = options.eventHub ?? ownName ?? environment.EVENT_HUB_NAME;
  if (eventHubName === undefined || eventHubName === '') {
    throw new CommandError(
      2,
      'Failed to find an event hub: the connection string names none. Give --event-hub or set EVENT_HUB_NAME.',
    );
  }
  if (ownName !== undefined && ownName !== eventHubName) {
    throw new CommandError(
      2,
      `Failed to choose the event hub: the connection string is of ${ownName}, and --event-hub says ${eventHubName}. Leave --event-hub out, or take the connection string of the namespace.`,
    );
  }
  return { connectionString, eventHubName };
}

function entityPath(connectionString: string): string | undefined {
  try {
    return parseEventHubConnectionString(connectionString).eventHubName;
  } catch {
    // Without the SDK's words and without the cause: it repeats what it was given.
    throw new CommandError(
      2,
      'Failed to read the connection string: it looks like Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…. Copy it again, in quotes.',
    );
  }
}
