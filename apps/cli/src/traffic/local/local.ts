import { Option, type Command } from 'commander';
import { port, rate, wholeNumber } from '../../terminal/arguments.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { localSide } from '../../aep/local-side.ts';
import { localEventHub } from './local-event-hub.ts';
import type { LocalOptions } from './run-local.ts';

/** The first port of a debugger unless another is named; further workers take the next ones. */
const inspectPortDefault = 9229;

/** A port that may be left out is `true` then. */
type WordsOfLocal = Omit<LocalOptions, 'inspect' | 'aep'> & {
  readonly inspect?: number | true;
  readonly aep?: number | true;
};

export function addLocalCommand(program: Command, terminal: Terminal): void {
  program
    .command('local')
    .summary('runs everything on this machine')
    .description(
      'Runs everything on this machine: Event Hubs, storage, the built function app, a simulated tenant that sends exports, and a receiver that stands for a third party. Prints what happens until it is interrupted.',
    )
    .option('-a, --activations <file>', 'activation file (default: an example with a receiver of its own)')
    .option('--vendor', 'stand-ins take the place of all third parties of the activation file')
    .option('--event-hubs-port <number>', 'where Event Hubs listens; 0 takes a free port', port, localEventHub.port)
    .option(
      '--event-hubs-host <address>',
      'where Event Hubs listens: 0.0.0.0 lets containers and other machines in',
      '127.0.0.1',
    )
    .option('--event-hubs-key <key>', 'the key of its connection string (default: the same on every machine)')
    .option('--event-hubs-tls', 'Event Hubs takes TLS too, on the same port, and prints the authority to trust')
    .option(
      '--storage-port <number>',
      'blobs here, queues and tables on the next two; 0 takes free ports',
      port,
      10_000,
    )
    .option('--data <folder>', 'keeps events, ledger and checkpoints in this folder (default: in memory)')
    .option('--partitions <number>', 'partitions of the event hub', wholeNumber(1, 32), 4)
    .option('--workers <number>', 'function apps that share the partitions', wholeNumber(1, 32), 1)
    .option('--rate <number>', 'exports per second of the simulated tenant; 0 is as fast as possible', rate, 5)
    .option('--seed <number>', 'the same seed gives the same exports', wholeNumber(0, 4_294_967_295), 1)
    .option('--no-simulator', 'sends nothing: for an own sender')
    .option(
      '--aep [port]',
      `a stand-in of Adobe's side: exports begin when activation aep apply --local has made a dataflow (port ${localSide.port}; 0 takes a free one)`,
      port,
    )
    .option(
      '--inspect [port]',
      `a debugger can attach to the function app (port ${inspectPortDefault}, one more per worker; 0 takes free ones)`,
      wholeNumber(0, 65_500),
    )
    .option('--open', 'opens the console in the browser')
    .option('--no-console', 'serves no page; with --json nothing is observed one by one')
    .addOption(new Option('-v, --verbose', 'prints what destinations are asked and what they answer').conflicts('json'))
    .option('--json', 'prints one JSON object per line')
    .addHelpText(
      'after',
      `
Secrets of an own activation file come from the environment: { secret: crm-key } is ACTIVATION_SECRET_CRM_KEY.
With --vendor no third party is called and no secret is needed: each destination finds a local stand-in of its vendor, and the summary says
how many members it has.
The console is a page at the address that is printed first: each change as it happens, the exact requests, and what needs you.
On a terminal the last line says how everything is, and keys act: o opens the console, s sends a sample, p pauses or resumes, r tries at once
what waits, b breaks or mends a stand-in, ? explains, q ends. In a pipe there are neither. What -v prints holds personal data, never a secret.
An edit of the activation file is taken up while it runs: the function app is deployed anew with it. A wrong one is refused.
With --json the line {"event":"ready",…} has its address (consoleUrl) and the connection strings. Ctrl-C settles what has arrived, prints a summary and ends.

Examples:
  $ activation local
  $ activation local --activations my-activations.yaml --no-simulator
  $ activation local --activations my-activations.yaml --vendor
  $ activation local --activations my-activations.yaml --no-simulator --verbose
  $ activation local --aep
  $ activation local --rate 200 --workers 2 --data ./local-data
  $ activation local --event-hubs-port 0 --storage-port 0 --json`,
    )
    .action(async (options: WordsOfLocal) => {
      const { runLocal } = await import('./run-local.ts');
      const { inspect, aep, ...others } = options;
      const inspectPort = inspect === true ? inspectPortDefault : inspect;
      const aepPort = aep === true ? localSide.port : aep;
      await runLocal(
        {
          ...others,
          ...(inspectPort === undefined ? {} : { inspect: inspectPort }),
          ...(aepPort === undefined ? {} : { aep: aepPort }),
        },
        terminal,
      );
    });
}
