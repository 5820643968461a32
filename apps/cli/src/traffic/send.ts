import { systemClock } from '@activation-hub/delivery';
import type { Command } from 'commander';
import { rate } from '../terminal/arguments.ts';
import { CommandError } from '../terminal/command-error.ts';
import { counted } from '../terminal/counted.ts';
import { openFile, readEventBodies } from './event-bodies.ts';
import { addEventHubOptions, readEventHubOptions, type EventHubOptions } from '../environment/event-hub-options.ts';
import { openEventSender, type EventSender } from './event-sender.ts';
import { pace } from './pace.ts';
import { report } from '../terminal/reporter.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface SendOptions extends EventHubOptions {
  readonly partitionKey?: string;
  readonly rate: number;
  readonly json?: true;
}

const batchMax = 500;

export function addSendCommand(program: Command, terminal: Terminal): void {
  addEventHubOptions(program.command('send'))
    .summary('sends events from a file to an event hub')
    .description(
      'Sends JSON from a file, or from standard input (-), to an event hub: a document, an array, or a document per line.',
    )
    .argument('[file]', 'file with JSON; - is standard input', '-')
    .option('--partition-key <text>', 'sends all events to the partition of this key')
    .option('--rate <number>', 'events per second; 0 is as fast as the event hub takes them', rate, 0)
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
A file is checked whole before its first event is sent; standard input is checked as it comes.
A connection string holds a key: in EVENT_HUB_CONNECTION_STRING it stays out of the list of processes.

Examples:
  $ activation send export.json
  $ EVENT_HUB_CONNECTION_STRING="Endpoint=sb://…;EntityPath=exports" activation send export.json
  $ activation send exports.ndjson --event-hub profile-exports --rate 100
  $ activation simulate --print --count 1000 | activation send -`,
    )
    .action((file: string, options: SendOptions) => send(file, options, terminal));
}

async function send(file: string, options: SendOptions, terminal: Terminal): Promise<void> {
  const { connectionString, eventHubName } = readEventHubOptions(options, terminal);
  const isInput = file === '-';
  const total = isInput ? undefined : await countEvents(file, terminal);
  if (total === 0) throw new CommandError(2, `Failed to send ${file}: it holds no event. Give JSON.`);
  const input = isInput ? terminal.stdin : await openFile(file, terminal);
  const progress = total === undefined ? undefined : terminal.progress('sent', total);
  const sender = openEventSender(connectionString, eventHubName);
  let sent = 0;
  try {
    const bodies = readEventBodies(input, isInput ? 'standard input' : file);
    sent = await sendAll(bodies, sender, options, terminal, (done) => {
      sent = done;
      progress?.update(done);
    });
  } catch (error) {
    if (error instanceof CommandError && sent > 0) throw partlySent(error, sent);
    throw error;
  } finally {
    progress?.end();
    await sender.close();
  }
  if (terminal.interrupted.aborted)
    throw new CommandError(1, `Stopped after ${counted(sent, 'event')}, as asked.`, { details: { sent } });
  if (sent === 0) throw new CommandError(2, 'Failed to send: standard input holds no event. Give JSON.');
  report(
    { event: 'sent', sent, eventHubName },
    () => `Sent ${counted(sent, 'event')} to ${eventHubName}.`,
    options,
    terminal,
  );
}

async function countEvents(name: string, terminal: Terminal): Promise<number> {
  const bodies = readEventBodies(await openFile(name, terminal), name);
  let count = 0;
  while (!(await bodies.next()).done) count += 1;
  return count;
}

async function sendAll(
  bodies: AsyncGenerator<Buffer>,
  sender: EventSender,
  options: SendOptions,
  terminal: Terminal,
  onSent: (sent: number) => void,
): Promise<number> {
  const batchOptions = options.partitionKey === undefined ? {} : { partitionKey: options.partitionKey };
  const signal = terminal.interrupted;
  let sent = 0;
  for await (const due of pace({ rate: options.rate, count: Infinity, batchMax, signal, clock: systemClock })) {
    const batch: Buffer[] = [];
    while (batch.length < due) {
      const next = await bodies.next();
      if (next.done) break;
      batch.push(next.value);
    }
    if (batch.length > 0) await sender.send(batch, batchOptions);
    sent += batch.length;
    onSent(sent);
    if (batch.length < due) break;
  }
  return sent;
}

function partlySent(error: CommandError, sent: number): CommandError {
  return new CommandError(
    error.exitCode,
    `${error.message} ${counted(sent, 'event')} before it ${sent === 1 ? 'was' : 'were'} sent.`,
    {
      cause: error,
      details: { ...error.details, sent },
    },
  );
}
