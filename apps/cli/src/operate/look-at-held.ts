import { dryResume, type DryScope, type ObservedChange } from '@activation-hub/activation';
import { StoreFailure } from '@activation-hub/azure-adapters';
import { createMatcher, type ActivationFile } from '@activation-hub/activation-file';
import type { HeldRoute, HeldView } from '@activation-hub/console-contract';
import { systemClock, type Clock, type ControlScope } from '@activation-hub/delivery';
import { loadChosenActivations } from '../activation-file/activations.ts';
import { CommandError } from '../terminal/command-error.ts';
import { counted } from '../terminal/counted.ts';
import type { DataStorage } from '../environment/data-storage.ts';
import { dryRunTargets } from '../activation-file/dry-run-targets.ts';
import { requestLines } from '../activation-file/inspect.ts';
import { destinationIn, knownAudience } from './ledger-walk.ts';
import { keptControls, pauseLines } from './paused.ts';
import { report } from '../terminal/reporter.ts';
import { tableLines } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface LookOptions {
  readonly activations?: string;
  readonly environment?: string;
  readonly audience?: string;
  readonly everything?: true;
  readonly json?: true;
}

/** So many requests are printed; the console and --json have all. */
const requestsShown = 3;

/** Prints what a destination would be told now. Throws `CommandError` (2) when it is not named. */
export async function printHeld(
  asked: string | undefined,
  options: LookOptions,
  storage: Pick<DataStorage, 'controls' | 'ledger' | 'retryQueue'>,
  terminal: Terminal,
): Promise<void> {
  const { audience } = options;
  const { file } = await loadChosenActivations(options, terminal);
  if (asked === undefined) throw new CommandError(2, 'Failed to look: say at which destination, one at a time.');
  const { key: destination } = destinationIn(file, asked);
  if (audience !== undefined) knownAudience(file, audience);
  const scope = { destination, ...(audience === undefined ? {} : { audience }) };
  const view = await lookAtHeld(scope, file, storage, terminal.interrupted);
  const controls = await keptControls(storage.controls, file, terminal);
  report(
    { event: 'held', ...scope, ...view },
    () => [...pauseLines(controls.filter((each) => isAbout(each, scope))), ...heldLines(scope, view, terminal.colors)],
    options,
    terminal,
  );
}

/**
 * What a destination, a route of it or one person there would be told if what waits were tried now:
 * a dry run, in which a stand-in on this machine answers. Throws when a store cannot be reached.
 */
export async function lookAtHeld(
  scope: DryScope,
  file: ActivationFile,
  { ledger, retryQueue }: Pick<DataStorage, 'ledger' | 'retryQueue'>,
  signal: AbortSignal,
): Promise<HeldView> {
  const entry = file.destinations.get(scope.destination);
  const clock = hurriedClock();
  const dryRun = await dryRunTargets(
    { ...file, destinations: new Map(entry === undefined ? [] : [[entry.key, entry]]) },
    clock,
  );
  try {
    const [notShown] = dryRun.notShown;
    if (notShown !== undefined) return { ...nothingHeld, notShown: notShown.reason };
    const matcher = createMatcher(file);
    const { targets } = dryRun;
    const told = await dryResume(scope, { matcher, ledger, retryQueue, targets, clock }, signal);
    return {
      routes: routesOf(told.changes),
      refusals: refusalsOf(told.changes),
      requests: dryRun.requests.map(({ body = '', ...request }) => ({ ...request, body })),
      printed: dryRun.printed.map(({ line }) => line),
      leftOut: told.leftOut,
      unreadable: told.unreadable,
    };
  } catch (error) {
    // The function app makes the container at its start: before that nothing waits.
    if (error instanceof StoreFailure && error.code === 'ContainerNotFound') return nothingHeld;
    throw error;
  } finally {
    await dryRun.close();
  }
}

const nothingHeld: HeldView = { routes: [], refusals: [], requests: [], printed: [], leftOut: 0, unreadable: [] };

/** A dry run keeps the pace of a destination without waiting for it. */
function hurriedClock(): Clock {
  let aheadMs = 0;
  return {
    now: () => systemClock.now() + aheadMs,
    sleep: (durationMs) => {
      aheadMs += durationMs;
      return Promise.resolve();
    },
    random: () => systemClock.random(),
  };
}

function routesOf(changes: readonly ObservedChange[]): readonly HeldRoute[] {
  return [...Map.groupBy(changes, ({ audience = '' }) => audience)].map(([audience, own]) => {
    const of = (kind: ObservedChange['kind']): number => own.filter((each) => each.kind === kind).length;
    return {
      audience,
      entered: of('entered'),
      updated: of('updated'),
      exited: of('exited'),
      refused: own.filter(isRefused).length,
    };
  });
}

function refusalsOf(changes: readonly ObservedChange[]): HeldView['refusals'] {
  const groups = Map.groupBy(changes.filter(isRefused), ({ outcome, class: cause = outcome, reason = '' }) =>
    JSON.stringify([cause, reason]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    return [{ class: first.class ?? first.outcome, reason: first.reason ?? '', changes: group.length }];
  });
}

/** What a vendor accepts, and answers later, is sent like any other. */
function isRefused({ outcome, class: cause }: ObservedChange): boolean {
  return outcome !== 'delivered' && cause !== 'accepted';
}

function isAbout(control: ControlScope, { destination, audience }: DryScope): boolean {
  return (
    (control.destination === undefined || control.destination === destination) &&
    (control.audience === undefined || audience === undefined || control.audience === audience)
  );
}

/** What a destination would be told, for a person who reads it. */
export function heldLines(
  { destination }: DryScope,
  { routes, refusals, requests, printed, notShown, leftOut, unreadable }: HeldView,
  colors: Terminal['colors'],
): readonly string[] {
  if (notShown !== undefined) return [`What waits for ${destination} cannot be shown: ${notShown}`];
  const besides = [
    ...(leftOut === 0 ? [] : [`${counted(leftOut, 'older change waits', 'older changes wait')} besides.`]),
    ...unreadable.map((name) => `The retry ${name} cannot be read: what it brings is not among them.`),
  ];
  if (routes.length === 0) return [`Nothing waits for ${destination}.`, ...besides];
  const rows = routes.map(({ audience, entered, updated, exited, refused }) =>
    [audience, entered, updated, exited, refused].map(String),
  );
  const shown = requests.slice(0, requestsShown);
  const all = requests.length + printed.length;
  return [
    ...tableLines([['audience', 'entered', 'updated', 'exited', 'not taken'], ...rows]),
    ...refusals.map(
      (each) =>
        `${colors.yellow('not taken')}  ${counted(each.changes, 'change')} (${each.class}): ${each.reason || 'no reason is given'}`,
    ),
    ...besides,
    `${counted(all, 'request')} would be sent${all > requestsShown ? `; the first ${requestsShown}` : ''}:`,
    ...shown.flatMap((request) => requestLines(request, colors)),
    ...printed.slice(0, requestsShown - shown.length).map((line) => `  ${destination} prints: ${line}`),
  ];
}
