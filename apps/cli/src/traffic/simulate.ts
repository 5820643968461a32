import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock } from '@activation-hub/delivery';
import type { Command } from 'commander';
import { loadActivations, tenantOptions } from '../activation-file/activations.ts';
import { pointInTime, rate, wholeNumber } from '../terminal/arguments.ts';
import { counted } from '../terminal/counted.ts';
import { addEventHubOptions, readEventHubOptions, type EventHubOptions } from '../environment/event-hub-options.ts';
import { openEventSender } from './event-sender.ts';
import { exampleFile } from './local/example.ts';
import { simulate } from './simulator.ts';
import { createTenant, type Tenant } from './tenant.ts';
import { report } from '../terminal/reporter.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface SimulateOptions extends EventHubOptions {
  readonly activations?: string;
  readonly rate: number;
  readonly profiles: number;
  readonly seed: number;
  readonly count?: number;
  readonly startAt?: number;
  readonly print?: true;
  readonly json?: true;
}

const linesPerTurn = 200;

export function addSimulateCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('simulate')
    .summary('sends what a tenant of AEP would send')
    .description(
      'Sends the profile exports of a simulated tenant: people enter and leave audiences, become known, withdraw consent; exports repeat, change nothing, come late and out of order, as those of AEP do.',
    )
    .option(
      '-a, --activations <file>',
      'activation file whose audiences, identities and attributes are exported (default: the example)',
    )
    .option('--rate <number>', 'exports per second; 0 is as fast as the event hub takes them', rate, 5)
    .option('--profiles <number>', 'how many people there are', wholeNumber(1, 5_000_000), 1000)
    .option('--seed <number>', 'the same seed gives the same exports', wholeNumber(0, 4_294_967_295), 1)
    .option('--count <number>', 'ends after so many exports (default: never)', wholeNumber(1, 1_000_000_000));
  addEventHubOptions(command)
    .option('--print', 'prints the exports, one per line, instead of sending them')
    .option('--start-at <time>', 'with --print: the time of the first export (default: now)', pointInTime)
    .option('--json', 'prints one JSON object at the end')
    .addHelpText(
      'after',
      `
Without an event hub it sends to activation local on its usual port. With --print the exports are --rate apart in time, but
printed at once: the same seed, start and activation file give the same bytes.

Examples:
  $ activation simulate --rate 50 --count 1000
  $ EVENT_HUB_CONNECTION_STRING="Endpoint=sb://…;EntityPath=exports" activation simulate -a my.yaml
  $ activation simulate --print --count 3 --start-at 2026-01-31T12:00:00Z`,
    )
    .action((options: SimulateOptions) => runSimulate(options, terminal));
}

async function runSimulate(options: SimulateOptions, terminal: Terminal): Promise<void> {
  const file = await loadActivations(options.activations ?? exampleFile, terminal);
  const tenant = createTenant(tenantOptions(file, options));
  if (options.print) {
    await printExports(tenant, options, terminal);
    return;
  }
  const { connectionString, eventHubName } = readEventHubOptions(options, terminal);
  const sender = openEventSender(connectionString, eventHubName);
  const progress = options.count === undefined ? undefined : terminal.progress('sent', options.count);
  try {
    const sent = await simulate({
      tenant,
      sender,
      rate: options.rate,
      count: options.count ?? Infinity,
      signal: terminal.interrupted,
      clock: systemClock,
      onSent: (done) => progress?.update(done),
    });
    progress?.end();
    report(
      { event: 'simulated', sent, eventHubName },
      () => `Sent ${counted(sent, 'export')} to ${eventHubName}.`,
      options,
      terminal,
    );
  } finally {
    progress?.end();
    await sender.close();
  }
}

async function printExports(tenant: Tenant, options: SimulateOptions, terminal: Terminal): Promise<void> {
  const startAt = options.startAt ?? systemClock.now();
  const intervalMs = options.rate === 0 ? 1 : 1000 / options.rate;
  const count = options.count ?? Infinity;
  for (let index = 0; index < count && !terminal.interrupted.aborted; index += 1) {
    terminal.print(JSON.stringify(tenant.next(startAt + Math.floor(index * intervalMs)).body));
    if (index % linesPerTurn !== linesPerTurn - 1) continue;
    await terminal.flush();
    await nextTurn();
  }
}
