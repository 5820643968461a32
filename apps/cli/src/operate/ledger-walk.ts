import { createMatcher, type ActivationFile, type DestinationEntry } from '@activation-hub/activation-file';
import {
  FollowedControls,
  leaseSeconds,
  LedgerCache,
  RetriesInWork,
  timingOf,
  type ActivationContext,
  type Timing,
  type ToldLedger,
} from '@activation-hub/activation';
import { systemClock, type Target } from '@activation-hub/delivery';
import type { HttpClient } from '@activation-hub/destination-kit';
import { setUpTarget } from '@activation-hub/destinations';
import { silentTelemetry } from '@activation-hub/telemetry';
import { loadChosenActivations } from '../activation-file/activations.ts';
import { CommandError, reasonOf } from '../terminal/command-error.ts';
import { counted } from '../terminal/counted.ts';
import type { DataStorage, DataStorageOptions } from '../environment/data-storage.ts';
import { chooseSecrets, environmentSecrets, type ReadSecret } from '../environment/secrets.ts';
import { openHttp } from '../environment/outbound-http.ts';
import { refuseWhilePaused } from './paused.ts';
import { report, type ReportOptions } from '../terminal/reporter.ts';
import { tableLines } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { refuseUnreadableRows } from './unreadable-rows.ts';

/** What the commands that tell a destination from the ledger have in common. */
export interface LedgerWalkOptions extends DataStorageOptions {
  readonly activations?: string;
  readonly audience?: string;
  readonly dryRun?: true;
  readonly json?: true;
}

/** Where the secrets of the destination come from, for the help of these commands. */
export const secretsHelp =
  'Secrets of the destination come from variables: { secret: crm-key } is ACTIVATION_SECRET_CRM_KEY; with --environment, one that is not set is read\nfrom the Key Vault of the stack, where you need the role Key Vault Secrets User. Destinations in a private network need\nACTIVATION_ALLOW_PRIVATE_ADDRESSES=true; where the function app has ACTIVATION_LEASE_SECONDS, give the same.';

/**
 * Sets up one destination of the activation file beside the running function app, runs the command
 * with it and with the key that it has in the file, and closes it. Its secrets come from variables,
 * and with `environment` from the Key Vault of that stack, unless `readSecret` gives them. Throws
 * `CommandError` (2) for a destination or an audience that the file does not have, or that cannot
 * be set up, and (1) for one that is paused.
 */
export async function withDestination<Result>(
  asked: string,
  options: Pick<LedgerWalkOptions, 'activations' | 'audience' | 'dryRun' | 'environment'> & {
    readonly readSecret?: ReadSecret;
  },
  storage: DataStorage,
  terminal: Terminal,
  run: (context: ActivationContext, file: ActivationFile, key: string) => Promise<Result>,
): Promise<Result> {
  const { file } = await loadChosenActivations(options, terminal);
  const matcher = createMatcher(file);
  const entry = destinationIn(file, asked);
  const { key } = entry;
  if (options.audience !== undefined) knownAudience(file, options.audience);

  const http = openHttp(terminal, storage);
  let target: Target | undefined;
  try {
    target = await setUp(entry, http, options.readSecret ?? secretsOf(options, http, terminal), terminal);
    if (options.dryRun !== true)
      await refuseWhilePaused({ destination: key, audience: options.audience }, { file, ...storage }, 'tell', terminal);
    const { ledger, retryQueue, deadLetters, controls } = storage;
    const context: ActivationContext = {
      matcher,
      targets: new Map([[key, target]]),
      ledger,
      ledgerCache: new LedgerCache({ bytesMax: 1_000_000, ageMaxMs: 0 }),
      retryQueue,
      retriesInWork: new RetriesInWork(),
      deadLetters,
      stall: file.stall,
      // Of what an operator pauses meanwhile nothing more is sent.
      controls: new FollowedControls(controls, systemClock),
      // The command itself prints the outcome.
      telemetry: silentTelemetry,
      clock: systemClock,
      timing: timingIn(terminal.environment),
    };
    return await run(context, file, key);
  } finally {
    await target?.connector.close?.();
    await http.close();
  }
}

/**
 * The timers by `ACTIVATION_LEASE_SECONDS`, as in the function app: where its destinations need
 * longer, they need it here too. Throws `CommandError` (2).
 */
export function timingIn(environment: Terminal['environment']): Timing {
  const { least, most, usual } = leaseSeconds;
  const text = environment.ACTIVATION_LEASE_SECONDS ?? '';
  const seconds = text === '' ? usual : /^\d{1,3}$/.test(text) ? Number(text) : NaN;
  if (seconds >= least && seconds <= most) return timingOf(seconds * 1_000);
  throw new CommandError(2, `ACTIVATION_LEASE_SECONDS must be a whole number from ${least} to ${most}.`);
}

/**
 * From variables, and with `environment` from the Key Vault of that stack, for which Pulumi is
 * asked once, with the first secret that no variable has.
 */
export function secretsOf(
  { environment }: Pick<DataStorageOptions, 'environment'>,
  http: HttpClient,
  terminal: Terminal,
): ReadSecret {
  return environment === undefined ? environmentSecrets(terminal) : chooseSecrets({ environment }, http, terminal);
}

async function setUp(
  entry: DestinationEntry,
  http: HttpClient,
  readSecret: ReadSecret,
  { say }: Terminal,
): Promise<Target> {
  try {
    return await setUpTarget(entry, { http, clock: systemClock, print: say, readSecret });
  } catch (error) {
    throw new CommandError(2, `Failed to set up the destination ${entry.key}: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * The destination of that key, or that had it before: what is kept of it may be under that name.
 * Throws `CommandError` (2) when the file has none.
 */
export function destinationIn(file: ActivationFile, asked: string): DestinationEntry {
  const entry = createMatcher(file).destination(asked);
  if (entry === undefined) throw unknownIn('destination', file.destinations, asked);
  return entry;
}

/** Throws `CommandError` (2) when the file has no audience of that key. */
export function knownAudience(file: ActivationFile, asked: string): void {
  if (!file.audiences.has(asked)) throw unknownIn('audience', file.audiences, asked);
}

function unknownIn(what: 'destination' | 'audience', entries: ReadonlyMap<string, unknown>, asked: string): Error {
  const known = [...entries.keys()].join(', ') || 'none';
  return new CommandError(2, `Failed to find the ${what} ${asked}: the activation file has ${known}.`);
}

/** Prints the outcome of a walk, and throws `CommandError` (1) when work is left. */
export function reportWalk(
  {
    event,
    did,
    command,
    key,
  }: { readonly event: string; readonly did: string; readonly command: string; readonly key: string },
  told: ToldLedger,
  options: ReportOptions,
  terminal: Terminal,
): void {
  const { delivered, unchanged, leftAlone, deferred, failed, unresolved, reasons, gaveUp } = told;
  const others = [
    ...(unchanged === 0 ? [] : [`${unchanged} needed nothing`]),
    `${leftAlone} ${leftAlone === 1 ? 'was' : 'were'} left to other processes`,
    ...(deferred === 0 ? [] : [`${deferred} ${deferred === 1 ? 'waits' : 'wait'} in the retry queue`]),
    ...(unresolved === 0 ? [] : [`of ${unresolved} nothing is known that the route accepts`]),
    `${failed} failed`,
  ];
  const rows = Object.entries(reasons).map(([reason, count]) => [String(count), reason]);
  report(
    { event, ...told },
    () => [
      `${did} ${counted(delivered, 'membership')}; ${others.join(', ')}.`,
      ...tableLines(rows).map((line) => `  ${line}`),
    ],
    options,
    terminal,
  );
  if (terminal.interrupted.aborted)
    throw new CommandError(1, 'Stopped before the end. Start the command again for the rest.');
  if (gaveUp) {
    const why = 'it took nothing of a whole batch, so the command did not send the rest.';
    throw new CommandError(
      1,
      `Failed to ${command} ${key}: ${why} Correct what the reasons above name, then start the ${command} again.`,
    );
  }
  if (failed > 0) {
    const what = `Failed to tell ${key} of ${counted(failed, 'membership')}.`;
    throw new CommandError(1, `${what} The reasons are listed above. Start the ${command} again.`);
  }
  refuseUnreadableRows(told.unreadable, `${key} was told nothing of people whose rows cannot be read.`);
}
