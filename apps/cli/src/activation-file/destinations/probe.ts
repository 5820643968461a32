import { counted } from '../../terminal/counted.ts';
import { problemLine, type ActivationFile, type DestinationEntry } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import type { HttpClient } from '@activation-hub/destination-kit';
import { setUpTarget } from '@activation-hub/destinations';
import type { Command } from 'commander';
import { loadActivations } from '../activations.ts';
import {
  addActivationFileOption,
  chooseActivationFile,
  type ActivationFileOptions,
} from '../activation-file-options.ts';
import { CommandError, reasonOf } from '../../terminal/command-error.ts';
import { openHttp } from '../../environment/outbound-http.ts';
import { report } from '../../terminal/reporter.ts';
import { tableLines } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { chooseSecrets, type ReadSecret } from '../../environment/secrets.ts';

interface ProbeOptions extends ActivationFileOptions {
  readonly vault?: string;
  readonly json?: true;
}

/** What came of the look at one destination. */
export interface Probed {
  readonly destination: string;
  readonly type: string;
  /** `not-asked`: it has nothing that could be asked. */
  readonly outcome: 'well' | 'problems' | 'not-asked';
  /** A sentence each, with what to do. */
  readonly problems: readonly string[];
}

/** How long one destination may take for all of its answers. */
const probeTimeoutMs = 60_000;

export function addProbeCommand(destinations: Command, terminal: Terminal): void {
  addActivationFileOption(destinations.command('probe'))
    .summary('whether the destinations of a file can be told')
    .description(
      'Asks each destination of an activation file whether its credentials work and what its routes name is there and fit. Changes nothing and sends no change.',
    )
    .option('-e, --environment <name>', 'takes its activation file, and its secrets from the Key Vault of its stack')
    .option('--vault <name>', 'takes the secrets from this Key Vault, by its name or URL, and asks no stack')
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
A secret is taken from the environment where it is set ({ secret: crm-key } is ACTIVATION_SECRET_CRM_KEY), else from the Key Vault, as whom
az login says: that takes the role Key Vault Secrets User. Destinations in a private network need
ACTIVATION_ALLOW_PRIVATE_ADDRESSES=true. A list that is not there yet and that the options allow to be created is no problem: it is created
with the first delivery. Exits with 1 when a destination has a problem.

Examples:
  $ activation destinations probe --environment dev
  $ activation destinations probe --activations my-activations.yaml --json`,
    )
    .action((options: ProbeOptions) => probeAll(options, terminal));
}

async function probeAll(options: ProbeOptions, terminal: Terminal): Promise<void> {
  const { path } = chooseActivationFile(options, terminal);
  const file = await loadActivations(path, terminal);
  const http = openHttp(terminal);
  try {
    const readSecret = chooseSecrets(options, http, terminal);
    const probed = await Promise.all(
      [...file.destinations.values()].map((entry) => probe(entry, { file, http, readSecret, terminal })),
    );
    reportProbed(probed, file, options, terminal);
  } finally {
    await http.close();
  }
}

export interface ProbeParts {
  readonly file: ActivationFile;
  readonly http: HttpClient;
  readonly readSecret: ReadSecret;
  readonly terminal: Terminal;
}

/** Gives a failure as a problem, so that one destination does not hide the others. */
export async function probe(
  entry: DestinationEntry,
  { file, http, readSecret, terminal }: ProbeParts,
): Promise<Probed> {
  const about = { destination: entry.key, type: entry.type };
  try {
    const { connector } = await setUpTarget(entry, { http, clock: systemClock, print: terminal.say, readSecret });
    if (connector.probe === undefined) return { ...about, outcome: 'not-asked', problems: [] };
    const options = new Map(
      file.routes
        .filter(({ destination }) => destination === entry.key)
        .map((route) => [JSON.stringify(route.options), route.options]),
    );
    try {
      const signal = AbortSignal.any([terminal.interrupted, AbortSignal.timeout(probeTimeoutMs)]);
      const problems = await connector.probe([...options.values()], signal);
      return { ...about, outcome: problems.length === 0 ? 'well' : 'problems', problems };
    } finally {
      await connector.close?.();
    }
  } catch (error) {
    return { ...about, outcome: 'problems', problems: [reasonOf(error)] };
  }
}

const words = { well: 'well', 'not-asked': 'has nothing to be asked' } as const;

function reportProbed(
  probed: readonly Probed[],
  { warnings }: ActivationFile,
  options: ProbeOptions,
  terminal: Terminal,
): void {
  const failed = probed.filter(({ outcome }) => outcome === 'problems');
  const rows = probed.map(({ destination, type, outcome, problems }) => [
    destination,
    type,
    outcome === 'problems' ? counted(problems.length, 'problem') : words[outcome],
  ]);
  report(
    { event: 'probed', ok: failed.length === 0, destinations: probed, warnings },
    () => [
      ...tableLines([['destination', 'type', 'outcome'], ...rows]),
      ...warnings.map((warning) => `${terminal.colors.yellow('warning')} ${problemLine(warning)}`),
      ...failed.flatMap(({ destination, problems }) => problems.map((problem) => `${destination}: ${problem}`)),
    ],
    options,
    terminal,
  );
  if (terminal.interrupted.aborted) throw new CommandError(1, 'Stopped, as asked.');
  if (failed.length > 0) {
    const keys = failed.map(({ destination }) => destination).join(', ');
    throw new CommandError(1, `Failed to probe ${keys}: correct the problems that are listed above.`);
  }
}
