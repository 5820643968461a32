import type { ActivationFile, AudienceEntry, DestinationEntry } from '@activation-hub/activation-file';
import { countResync, defaultTiming, resync, type Resynced } from '@activation-hub/activation';
import { systemClock, type Target } from '@activation-hub/delivery';
import { createHttpClient } from '@activation-hub/destination-kit';
import { setUpTarget } from '@activation-hub/destinations';
import type { Command } from 'commander';
import { loadActivations, secretVariable } from './activations.ts';
import { CommandError, reasonOf } from './command-error.ts';
import { addDataStorageOption, withDataStorage, type DataStorage, type DataStorageOptions } from './data-storage.ts';
import { tableLines } from './table.ts';
import type { Terminal } from './terminal.ts';

interface ResyncOptions extends DataStorageOptions {
  readonly activations: string;
  readonly audience?: string;
  readonly dryRun?: true;
  readonly json?: true;
}

export function addResyncCommand(program: Command, terminal: Terminal): void {
  addDataStorageOption(program.command('resync'))
    .summary('tells a restored destination everything that it should know')
    .description(
      'Tells a destination that lost its memory, as after a restored backup, everybody who is in its audiences, out of the ledger and with the attributes that are there. It tells the destination itself, beside the running function app; what that writes meanwhile is left alone.',
    )
    .argument('<destination>', 'its key in the activation file')
    .requiredOption('-a, --activations <file>', 'activation file')
    .option('--audience <key>', 'only this audience')
    .option('--dry-run', 'counts what would be told, and tells nothing')
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
Secrets of the destination come from the environment: { secret: crm-key } is ACTIVATION_SECRET_CRM_KEY. It may be stopped and
started again; it then begins anew. Destinations in a private network need ACTIVATION_ALLOW_PRIVATE_ADDRESSES=true.
Exits with 1 when something was not told; the next export of the person, or another resync, tells it.

Examples:
  $ activation resync crm --activations my-activations.yaml --dry-run
  $ activation resync crm --activations my-activations.yaml --audience sports-fans`,
    )
    .action((destination: string, options: ResyncOptions) =>
      withDataStorage(options, terminal, (storage) => runResync(destination, options, storage, terminal)),
    );
}

async function runResync(key: string, options: ResyncOptions, storage: DataStorage, terminal: Terminal): Promise<void> {
  const file = await loadActivations(options.activations, terminal);
  const entry = file.destinations.get(key);
  if (entry === undefined) {
    const known = [...file.destinations.keys()].join(', ') || 'none';
    throw new CommandError(2, `Failed to find the destination ${key}: the activation file has ${known}.`);
  }
  const audiences = audiencesOf(file, options.audience);
  const http = createHttpClient({
    allowPrivateAddresses: storage.isLocal || terminal.environment.ACTIVATION_ALLOW_PRIVATE_ADDRESSES === 'true',
  });
  let target: Target | undefined;
  try {
    target = await setUp(entry, http, terminal);
    const parts = {
      ledger: storage.ledger,
      target,
      audiences,
      // The command says itself what became of it.
      telemetry: { emit: () => undefined },
      clock: systemClock,
      timing: defaultTiming,
    };
    const rows = await countResync(parts, terminal.interrupted);
    if (options.dryRun) {
      terminal.print(
        options.json ? JSON.stringify({ event: 'would-resync', rows }) : `Would tell ${key} of ${rows} memberships.`,
      );
      return;
    }
    const progress = terminal.progress('told', rows);
    const resynced = await resync(parts, {
      signal: terminal.interrupted,
      onProgress: (counts) => progress.update(counts.rows),
    }).finally(() => progress.end());
    report(key, resynced, options, terminal);
  } finally {
    await target?.connector.close?.();
    await http.close();
  }
}

async function setUp(
  entry: DestinationEntry,
  http: ReturnType<typeof createHttpClient>,
  { environment, say }: Terminal,
): Promise<Target> {
  const readSecret = (name: string): Promise<string> => {
    const value = environment[secretVariable(name)] ?? '';
    return value === ''
      ? Promise.reject(new Error(`${secretVariable(name)} is not set. Set it in the environment.`))
      : Promise.resolve(value);
  };
  try {
    return await setUpTarget(entry, {
      http,
      clock: systemClock,
      print: say,
      readSecret,
    });
  } catch (error) {
    throw new CommandError(2, `Failed to set up the destination ${entry.key}: ${reasonOf(error)}`, { cause: error });
  }
}

function audiencesOf({ audiences }: ActivationFile, asked: string | undefined): readonly AudienceEntry[] {
  if (asked === undefined) return [...audiences.values()];
  const audience = audiences.get(asked);
  if (audience !== undefined) return [audience];
  const known = [...audiences.keys()].join(', ') || 'none';
  throw new CommandError(2, `Failed to find the audience ${asked}: the activation file has ${known}.`);
}

function report(key: string, resynced: Resynced, { json }: ResyncOptions, { print, interrupted }: Terminal): void {
  const { delivered, leftAlone, failed, reasons, gaveUp } = resynced;
  if (json) print(JSON.stringify({ event: 'resynced', ...resynced }));
  else {
    print(`Told ${key} of ${delivered} memberships; ${leftAlone} were left to others, ${failed} failed.`);
    for (const line of tableLines(Object.entries(reasons).map(([reason, count]) => [String(count), reason])))
      print(`  ${line}`);
  }
  if (interrupted.aborted) throw new CommandError(1, 'Stopped, as asked. Start it again to tell the rest.');
  if (gaveUp)
    throw new CommandError(
      1,
      `Failed to resync ${key}: it took nothing of a whole batch, so the rest was not tried. Mend it, then start the resync again.`,
    );
  if (failed > 0)
    throw new CommandError(
      1,
      `Failed to tell ${key} of ${failed} memberships. The reasons are named above; start the resync again.`,
    );
}
