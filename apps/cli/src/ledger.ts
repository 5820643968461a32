import { findForms } from '@activation-hub/activation';
import type { ActivationFile } from '@activation-hub/activation-file';
import { createMatcher } from '@activation-hub/activation-file';
import {
  historyOf,
  shadowDestination,
  type LedgerEntry,
  type MembershipState,
  type RowState,
} from '@activation-hub/membership';
import type { Command } from 'commander';
import { loadActivations } from './activations.ts';
import { CommandError } from './command-error.ts';
import { addDataStorageOption, withDataStorage, type DataStorage, type DataStorageOptions } from './data-storage.ts';
import { addLedgerBackup } from './ledger-backup.ts';
import { erasurePlaces } from './erasure-places.ts';
import { readPerson } from './person.ts';
import { tableLines } from './table.ts';
import type { Terminal } from './terminal.ts';

interface LedgerShowOptions extends DataStorageOptions {
  readonly activations: string;
  readonly destination?: string;
  readonly json?: true;
}

export function addLedgerCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('ledger')
    .summary('shows what destinations have been told about a person')
    .description('The ledger knows what each destination has been told about each identity in each audience.')
    .addHelpText(
      'after',
      `
Examples:
  $ activation ledger show crmid:C-1 --activations my-activations.yaml
  $ activation ledger show email:ada@example.com -a my-activations.yaml --destination crm --json`,
    );
  addDataStorageOption(
    command
      .command('show')
      .description('Shows the rows of one identity, as AEP exports it. What it prints is personal data.'),
  )
    .argument('<namespace:identity>', 'whom, such as crmid:C-1')
    .requiredOption('-a, --activations <file>', 'activation file, for the destinations')
    .option('--destination <key>', 'only at this destination')
    .option('--json', 'prints one JSON object, with the attributes too')
    .addHelpText(
      'after',
      `
A destination that is not in the file any more is not looked at.

Examples:
  $ activation ledger show crmid:C-1 --activations my-activations.yaml`,
    )
    .action((person: string, options: LedgerShowOptions) =>
      withDataStorage(options, terminal, (storage) => show(person, options, storage, terminal)),
    );
  addLedgerBackup(command, terminal);
}

async function show(
  person: string,
  { activations, destination, json }: LedgerShowOptions,
  { ledger }: DataStorage,
  { interrupted, ...terminal }: Terminal,
): Promise<void> {
  const identity = readPerson(person);
  const file = await loadActivations(activations, { interrupted, ...terminal });
  const entries: LedgerEntry[] = [];
  const asked = new Set(
    [...destinationsOf(file, destination)].map((key) => file.destinations.get(key)?.ledgerName ?? key),
  );
  const places = (await erasurePlaces(file)).filter(({ ledgerName }) => asked.has(ledgerName));
  // Found as the destination stores it, and under what the links of the person say besides.
  for (const { ledgerName, forms } of await findForms([identity], places, ledger, interrupted)) {
    for (const name of [ledgerName, shadowDestination(ledgerName)])
      for (const form of forms)
        for await (const entry of ledger.rows({ destination: name, identity: form }, interrupted)) entries.push(entry);
  }
  const matcher = createMatcher(file);
  const audienceOf = ({ key: { audience } }: LedgerEntry): string =>
    matcher.audience(audience.namespace, audience.id)?.key ?? `${audience.namespace} ${audience.id}`;
  if (json) {
    const rows = entries.map((entry) => ({
      destination: entry.key.destination,
      audience: audienceOf(entry),
      ...entry.record,
      history: historyOf(entry.record),
    }));
    terminal.print(JSON.stringify({ event: 'ledger', rows }));
    return;
  }
  if (entries.length === 0) {
    terminal.print('The ledger has no row of this identity at the destinations of the activation file.');
    return;
  }
  const rows = entries.map((entry) => {
    const { known, rowState, delivered, inDoubt } = entry.record;
    const isInDoubt = inDoubt || rowState.is === 'leased';
    return [
      entry.key.destination,
      audienceOf(entry),
      stateWords(known),
      rowStateWords(rowState),
      delivered === undefined ? 'never' : stateWords(delivered),
      isInDoubt ? 'in doubt' : '',
    ];
  });
  for (const line of tableLines([['destination', 'audience', 'newest state', 'row', 'delivered', ''], ...rows]))
    terminal.print(line);
}

/** The keys of the file, or the one that is asked for. Throws `CommandError` (2) when the file does not have it. */
function destinationsOf({ destinations }: ActivationFile, asked: string | undefined): Iterable<string> {
  if (asked === undefined) return destinations.keys();
  if (destinations.has(asked)) return [asked];
  throw new CommandError(
    2,
    `Failed to find the destination ${asked}: the activation file has ${[...destinations.keys()].join(', ') || 'none'}.`,
  );
}

function stateWords({ isMember, qualifiedAtMs }: MembershipState): string {
  return `${isMember ? 'member' : 'no member'} since ${new Date(qualifiedAtMs).toISOString()}`;
}

function rowStateWords(rowState: RowState): string {
  return rowState.is === 'leased' ? `leased until ${new Date(rowState.expiresAtMs).toISOString()}` : rowState.is;
}
