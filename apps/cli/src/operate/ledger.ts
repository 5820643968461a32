import { findForms } from '@activation-hub/activation';
import { createMatcher, type ActivationFile } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import { loadDestination } from '@activation-hub/destinations';
import {
  historyOf,
  isUnreadableRow,
  lapseOf,
  shadowDestination,
  UnreadableRowCount,
  type Lapse,
  type LedgerEntry,
  type MembershipState,
  type RowState,
} from '@activation-hub/membership';
import type { Command } from 'commander';
import { addActivationFileOption } from '../activation-file/activation-file-options.ts';
import { loadChosenActivations } from '../activation-file/activations.ts';
import {
  addDataStorageOption,
  withDataStorage,
  type DataStorage,
  type DataStorageOptions,
} from '../environment/data-storage.ts';
import { addLedgerBackup } from './ledger-backup.ts';
import { everyErasurePlace } from './erasure-places.ts';
import { destinationIn } from './ledger-walk.ts';
import { keptControls, pauseLines } from './paused.ts';
import { readPerson } from './person.ts';
import { report } from '../terminal/reporter.ts';
import { tableLines } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { refuseUnreadableRows } from './unreadable-rows.ts';

interface LedgerShowOptions extends DataStorageOptions {
  readonly activations?: string;
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
  addActivationFileOption(
    addDataStorageOption(
      command
        .command('show')
        .description('Shows the rows of one identity, as AEP exports it. What it prints is personal data.'),
    ),
  )
    .argument('<namespace:identity>', 'whom, such as crmid:C-1')
    .option('--destination <key>', 'only at this destination')
    .option('--json', 'prints one JSON object, with the attributes too')
    .addHelpText(
      'after',
      `
It looks at every destination of which the ledger has rows, also at those that the file does not have any more. Where a destination
forgets members whom it is not told of again, it shows when, and from when on the nightly sweep tells it again.

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
  options: LedgerShowOptions,
  { ledger, controls }: DataStorage,
  terminal: Terminal,
): Promise<void> {
  const { destination } = options;
  const { interrupted } = terminal;
  const identity = readPerson(person);
  const { file } = await loadChosenActivations(options, terminal);
  const entries: LedgerEntry[] = [];
  const asked = destination === undefined ? undefined : destinationIn(file, destination).ledgerName;
  const everywhere = await everyErasurePlace(file, { ledger }, interrupted);
  const places = everywhere.filter(({ ledgerName }) => asked === undefined || ledgerName === asked);
  // Found as the destination stores it, and under what the links of the person say besides.
  const unreadable = new UnreadableRowCount();
  for (const { ledgerName, forms, unreadable: links } of await findForms([identity], places, ledger, interrupted)) {
    unreadable.addAll(links);
    for (const name of [ledgerName, shadowDestination(ledgerName)])
      for (const form of forms)
        for await (const entry of ledger.rows({ destination: name, identity: form }, interrupted)) {
          if (isUnreadableRow(entry)) unreadable.add(entry);
          else entries.push(entry);
        }
  }
  const pauses = (await keptControls(controls, file, terminal)).filter(({ action }) => action === 'pause');
  const matcher = createMatcher(file);
  const audienceOf = ({ key: { audience } }: LedgerEntry): string =>
    matcher.audience(audience.namespace, audience.id)?.key ?? `${audience.namespace} ${audience.id}`;
  const lapseIn = await lapses(file);
  const found = entries.map((entry) => ({ ...entry, audience: audienceOf(entry), lapse: lapseIn(entry) }));
  const rows = found.map(({ key, record, audience, lapse }) => ({
    destination: key.destination,
    audience,
    ...record,
    // Whose the identity was is for the protocol alone: it may be another person's.
    formerOf: undefined,
    history: historyOf(record),
    ...(lapse === undefined ? {} : { lapsesAtMs: lapse.atMs, renewFromMs: lapse.renewFromMs }),
  }));
  report({ event: 'ledger', rows, pauses }, () => [...pauseLines(pauses), ...rowLines(found)], options, terminal);
  refuseUnreadableRows(unreadable.now, 'Not every row is shown.');
}

/** A row of the ledger with the audience's key in the file, and when the membership lapses. */
interface FoundRow extends LedgerEntry {
  readonly audience: string;
  readonly lapse: Lapse | undefined;
}

function rowLines(found: readonly FoundRow[]): readonly string[] {
  if (found.length === 0) return ['The ledger has no row of this identity.'];
  const lapseColumn = (cell: string): readonly string[] =>
    found.some(({ lapse }) => lapse !== undefined) ? [cell] : [];
  const rows = found.map(({ key, record, audience, lapse }) => {
    const { known, rowState, delivered, inDoubt } = record;
    return [
      key.destination,
      audience,
      stateWords(known),
      rowStateWords(rowState),
      delivered === undefined ? 'never' : stateWords(delivered),
      ...lapseColumn(lapseWords(lapse)),
      inDoubt || rowState.is === 'leased' ? 'in doubt' : '',
    ];
  });
  const heading = ['destination', 'audience', 'newest state', 'row', 'delivered', ...lapseColumn('lapses'), ''];
  return tableLines([heading, ...rows]);
}

/**
 * When the membership of a row lapses, by what the file says of its route; `undefined` where it
 * does not. Reads no secret.
 */
async function lapses(file: ActivationFile): Promise<(entry: LedgerEntry) => Lapse | undefined> {
  const matcher = createMatcher(file);
  const definitions = new Map(
    await Promise.all(
      [...file.destinations.values()].map(async ({ key, type }) => [key, await loadDestination(type)] as const),
    ),
  );
  return ({ key, record }) => {
    const route = matcher.routeOf(key)?.route;
    const definition = definitions.get(route?.destination ?? '');
    if (route === undefined || definition?.membershipDays === undefined) return undefined;
    const settings: unknown = definition.settings.parse(file.destinations.get(route.destination)?.settings);
    const days = definition.membershipDays(settings, route.options, key.identity.namespace);
    return days === undefined ? undefined : lapseOf(key, record, days, systemClock.now());
  };
}

function lapseWords(lapse: Lapse | undefined): string {
  if (lapse === undefined) return '';
  const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  return `${dayOf(lapse.atMs)}, told again from ${dayOf(lapse.renewFromMs)}`;
}

function stateWords({ isMember, qualifiedAtMs }: MembershipState): string {
  return `${isMember ? 'member' : 'no member'} since ${new Date(qualifiedAtMs).toISOString()}`;
}

function rowStateWords(rowState: RowState): string {
  return rowState.is === 'leased' ? `leased until ${new Date(rowState.expiresAtMs).toISOString()}` : rowState.is;
}
