import { findForms, forget, takeOut, type ErasurePlace, type Forgotten } from '@activation-hub/activation';
import type { ActivationFile } from '@activation-hub/activation-file';
import { isInDoubt, isUnreadableRow, type Identity } from '@activation-hub/membership';
import { type Connector, DestinationError } from '@activation-hub/destination-kit';
import type { Command } from 'commander';
import { addActivationFileOption } from '../activation-file/activation-file-options.ts';
import { loadChosenActivations } from '../activation-file/activations.ts';
import { CommandError } from '../terminal/command-error.ts';
import { counted } from '../terminal/counted.ts';
import {
  addDataStorageOption,
  withDataStorage,
  type DataStorage,
  type DataStorageOptions,
} from '../environment/data-storage.ts';
import type { ReadSecret } from '../environment/secrets.ts';
import { everyErasurePlace } from './erasure-places.ts';
import { secretsHelp, secretsOf, withDestination } from './ledger-walk.ts';
import { openHttp } from '../environment/outbound-http.ts';
import { readPerson } from './person.ts';
import { report } from '../terminal/reporter.ts';
import { tableLines } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { refuseUnreadableRows, unreadableRowsWords } from './unreadable-rows.ts';

interface ForgetOptions extends DataStorageOptions {
  readonly activations?: string;
  readonly tell?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

export function addForgetCommand(program: Command, terminal: Terminal): void {
  addActivationFileOption(addDataStorageOption(program.command('forget')))
    .summary('erases what is kept of a person')
    .description(
      'Erases what is kept of a person: their events in waiting retries and in dead letters, and their rows of the ledger at every destination of which it has rows, also of those that the activation file does not have any more, in every form in which a destination may have stored an identity. Other people in the same event stay. Give every identity of the person that you know; what the ledger links with them is erased too.',
    )
    .argument('<namespace:identity...>', 'whom, such as crmid:C-1 email:ada@example.com, as AEP exports it')
    .option('--tell', 'takes the person out of the destinations first')
    .option('--dry-run', 'counts what would be erased, and erases nothing')
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
Run it again until it finds nothing: what the function app is telling at the same moment can be written anew. It does not reach events in
the event hub itself, which leave it by its retention, blobs of an archive destination, exports of the ledger, and what a destination
keeps of a person who has left it. Erase the person in AEP too, or the next export brings them back.

A destination that is not in the activation file any more cannot be told of an exit. With --tell its rows of a person whom it may know stay,
and the command exits with 1: write its former name (formerly) at its new entry or put it back into the file and run the command again, or
erase the person in that system yourself and run the command without --tell.

For --tell: ${secretsHelp}

Examples:
  $ activation forget crmid:C-1 email:ada@example.com --activations my-activations.yaml --dry-run
  $ activation forget email:ada@example.com --activations my-activations.yaml --tell`,
    )
    .action((people: readonly string[], options: ForgetOptions) =>
      withDataStorage(options, terminal, (storage) => runForget(people, options, storage, terminal)),
    );
}

async function runForget(
  people: readonly string[],
  options: ForgetOptions,
  storage: DataStorage,
  terminal: Terminal,
): Promise<void> {
  const identities = people.map(readPerson);
  const dryRun = options.dryRun === true;
  const { file, path: activations } = await loadChosenActivations(options, terminal);
  const tells = options.tell === true && !dryRun;
  // One for all destinations, so that the vault of the stack is looked up once.
  const http = tells ? openHttp(terminal, storage) : undefined;
  const { told, kept, ...erased } = await erase(
    identities,
    { file, activations, tell: tells, dryRun, ...(http && { readSecret: secretsOf(options, http, terminal) }) },
    storage,
    terminal,
  ).finally(() => http?.close());
  reportErased({ told, kept, ...erased }, options, terminal);
  if (kept.length > 0) {
    throw new CommandError(
      1,
      `Failed to take the person out of ${kept.join(', ')}: their rows stay, for the reasons that are listed above. Correct them, and run the command again.`,
    );
  }
  const { unreadable, unreadableRows } = erased.forgotten;
  if (unreadable.length > 0) {
    throw new CommandError(
      1,
      `Failed to look into ${counted(unreadable.length, 'retry or dead letter', 'retries and dead letters')}, which cannot be read: the person may be in them. Restore their blobs from an earlier version and run it again, or delete them: ${unreadable.join(', ')}.`,
      { details: { unreadable, unreadableRows } },
    );
  }
  refuseUnreadableRows(unreadableRows, 'Failed to look at every row: one of those may be, or may name, the person.');
}

export interface EraseOptions {
  readonly file: ActivationFile;
  /** The path of the file. */
  readonly activations: string;
  /** Takes the person out of the destinations first. */
  readonly tell: boolean;
  readonly dryRun: boolean;
  /** Reads the secrets of the destinations that the command calls; from variables without it. */
  readonly readSecret?: ReadSecret;
}

/** What was erased of a person, or would be. */
export interface ErasedPerson {
  readonly forgotten: Forgotten;
  readonly told: readonly Told[];
  /** Destinations that did not take the exit of the person, whose rows stay. */
  readonly kept: readonly string[];
  /** Those that the file does not have and that may still have the person: none can tell them. */
  readonly notInFile: readonly string[];
}

/** Erases what is kept of a person, but for rows of destinations that did not take their exit. */
export async function erase(
  identities: readonly Identity[],
  { file, tell: tells, dryRun, ...walk }: EraseOptions,
  storage: DataStorage,
  terminal: Terminal,
): Promise<ErasedPerson> {
  const signal = terminal.interrupted;
  const places = await everyErasurePlace(file, storage, signal);
  const inFile = new Set([...file.destinations.values()].map(({ ledgerName }) => ledgerName));
  const [ofFile = [], others = []] = [true, false].map((is) =>
    places.filter((each) => inFile.has(each.ledgerName) === is),
  );
  const notInFile = await whereKnown(identities, others, storage, signal);
  const told = tells
    ? [
        ...(await tell(identities, file, ofFile, walk, storage, terminal)),
        ...notInFile.map((name) => ({ destination: name, ledgerName: name, exits: 0, isOut: false })),
      ]
    : [];
  const notTaken = told.filter(({ isOut }) => !isOut);
  // Rows of a destination that did not take the exit stay, so that the next run can send it again.
  const kept = new Set(notTaken.map(({ ledgerName }) => ledgerName));
  const forgotten = await forget(identities, places, storage, { dryRun, kept, signal });
  return { forgotten, told, kept: notTaken.map(({ destination }) => destination), notInFile };
}

/** What is left to do about a person whom a destination may have that the file does not have. */
export function adviceOf(destination: string, rowsAreErased: boolean): string {
  const what = rowsAreErased
    ? 'Erase the person in that system yourself.'
    : `If it has another name now, write formerly: ${destination} at its entry and use --tell; else erase the person in that system yourself, and then here without --tell.`;
  return `It may still have the person, and --tell cannot take them out of it: the activation file has no ${destination}. ${what}`;
}

/** At which of these places the person may still be a member, by the ledger. */
async function whereKnown(
  identities: readonly Identity[],
  places: readonly ErasurePlace[],
  storage: DataStorage,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const names: string[] = [];
  for (const { ledgerName, forms } of await findForms(identities, places, storage.ledger, signal))
    if (await isKnown(ledgerName, forms, storage, signal)) names.push(ledgerName);
  return names;
}

/** The result of the erasure at one destination. */
interface Told {
  readonly destination: string;
  /** The name under which the ledger keeps it. */
  readonly ledgerName: string;
  readonly exits: number;
  readonly isOut: boolean;
  /**
   * The vendor was asked to take the person out of all that it keeps in the account, also of what
   * no route names.
   */
  readonly isOutOfAccount?: true;
  /** Why the person is not out. */
  readonly reason?: string;
}

/** Takes the person out of each destination that knows them, one after the other. */
async function tell(
  identities: readonly Identity[],
  file: ActivationFile,
  places: readonly ErasurePlace[],
  options: Pick<EraseOptions, 'activations' | 'readSecret'>,
  storage: DataStorage,
  terminal: Terminal,
): Promise<readonly Told[]> {
  const told: Told[] = [];
  for (const { ledgerName, forms } of await findForms(identities, places, storage.ledger, terminal.interrupted)) {
    const entry = [...file.destinations.values()].find((each) => each.ledgerName === ledgerName);
    if (entry === undefined) continue;
    const { key } = entry;
    const signal = terminal.interrupted;
    try {
      const { counts, failure, isOutOfAccount } = await withDestination(
        key,
        options,
        storage,
        terminal,
        async (context) => {
          const counts = await takeOut({ context, destination: key, identities: forms }, { signal });
          return { counts, ...(await forgetInAccount(context.targets.get(key)?.connector, forms, signal)) };
        },
      );
      const isOut = failure === undefined && !(await isKnown(ledgerName, forms, storage, signal));
      if (counts.rows === 0 && isOut && !isOutOfAccount) continue;
      const [reason = failure] = [...Object.keys(counts.reasons), ...unreadableRowsWords(counts.unreadable)];
      told.push({
        destination: key,
        ledgerName,
        exits: counts.delivered,
        isOut,
        ...(isOutOfAccount && { isOutOfAccount }),
        ...(!isOut && reason !== undefined && { reason }),
      });
    } catch (error) {
      // It cannot be set up, or is paused: the command still calls the others.
      if (!(error instanceof CommandError)) throw error;
      told.push({ destination: key, ledgerName, exits: 0, isOut: false, reason: error.message });
    }
  }
  return told;
}

/**
 * Has the vendor take the person out of the whole account, where it has a call for that; `failure`
 * says why it did not.
 */
async function forgetInAccount(
  connector: Connector | undefined,
  forms: readonly Identity[],
  signal: AbortSignal,
): Promise<{ readonly isOutOfAccount?: true; readonly failure?: string }> {
  if (connector?.forget === undefined) return {};
  try {
    await connector.forget(forms, signal);
    return { isOutOfAccount: true };
  } catch (error) {
    if (!(error instanceof DestinationError)) throw error;
    return { failure: error.message };
  }
}

/**
 * Whether the destination still has the person, or may have, by the ledger: also on a route that
 * the file does not have any more.
 */
async function isKnown(
  destination: string,
  forms: readonly Identity[],
  { ledger }: DataStorage,
  signal: AbortSignal,
): Promise<boolean> {
  for (const identity of forms) {
    for await (const row of ledger.rows({ destination, identity }, signal))
      if (isUnreadableRow(row) || row.record.delivered?.isMember === true || isInDoubt(row.record)) return true;
  }
  return false;
}

function reportErased({ forgotten, told, notInFile }: ErasedPerson, options: ForgetOptions, terminal: Terminal): void {
  const { retries, deadLetters, rows, linkedIdentities, unreadable, unreadableRows } = forgotten;
  const { dryRun = false, tell: tells = false } = options;
  const total = retries.erased + deadLetters.erased + Object.values(rows).reduce((sum, count) => sum + count, 0);
  const nothing = told.some(({ isOut }) => !isOut) ? 'Nothing was erased.' : 'Nothing of this person is kept.';
  const head = total === 0 ? nothing : dryRun ? 'Would erase:' : 'Erased:';
  const lines = [
    ...told.map(({ destination, exits, isOut, isOutOfAccount, reason }) => [
      `told ${destination}`,
      isOut
        ? `${counted(exits, 'exit')}${isOutOfAccount ? ', and out of the whole account' : ''}`
        : `not taken, so its rows stay${reason === undefined ? '' : `: ${reason}`}`,
    ]),
    ['retries', `${retries.erased} in ${retries.searched} that wait`],
    ['dead letters', `${deadLetters.erased} of ${deadLetters.searched}`],
    ...Object.entries(rows).map(([name, count]) => [`ledger, ${name}`, counted(count, 'row')]),
    ...notInFile.map((name) => [name, adviceOf(name, !dryRun && !tells)]),
    ...linkedIdentities.map(({ namespace, value }) => ['linked', `${namespace} ${value}, looked for as well`]),
    ...(unreadable.length === 0 ? [] : [['unreadable', String(unreadable.length)]]),
    ...(unreadableRows.rows === 0 ? [] : [['unreadable rows', String(unreadableRows.rows)]]),
  ];
  report(
    { event: dryRun ? 'would-forget' : 'forgotten', ...forgotten, notInFile, told },
    () => [head, ...tableLines(lines).map((line) => `  ${line}`)],
    options,
    terminal,
  );
}
