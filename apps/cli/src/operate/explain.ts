import {
  explain,
  type PersonStory,
  type RouteStory,
  type StoryAction,
  type StoryEvent,
} from '@activation-hub/activation';
import { createMatcher } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import type { Identity } from '@activation-hub/membership';
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
import { everyErasurePlace } from './erasure-places.ts';
import { keptControls, pauseLines } from './paused.ts';
import { readPerson } from './person.ts';
import { quoted } from '../terminal/quoted.ts';
import { report } from '../terminal/reporter.ts';
import { tableLines } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { refuseUnreadableRows } from './unreadable-rows.ts';

interface ExplainOptions extends DataStorageOptions {
  readonly activations?: string;
  readonly json?: true;
}

export function addExplainCommand(program: Command, terminal: Terminal): void {
  addActivationFileOption(addDataStorageOption(program.command('explain')))
    .summary("tells one person's story: what was told to whom, when and why")
    .description(
      "Tells one person's story: where each route of the activation file stands with them, what happened in the order of time (exports, decisions, attempts with their answers), what waits and until when, dead letters, and what to do about it. Give every identity of the person that you know; what the ledger links with them is looked for too, also at destinations that the file has no more. What it prints is personal data.",
    )
    .argument('<namespace:identity...>', 'whom, such as crmid:C-1 email:ada@example.com, as AEP exports it')
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
It reads, and changes nothing: every waiting retry and every dead letter is looked into. A row keeps its last eight transitions. What makes no
write leaves none: exports that changed nothing or were older than what was known. Times are those of the function app, in UTC.
Exits with 1 when a retry or a dead letter cannot be read, in which the person may be.

Examples:
  $ activation explain crmid:C-1 --activations my-activations.yaml
  $ activation explain crmid:C-1 email:ada@example.com --environment dev`,
    )
    .action((people: readonly string[], options: ExplainOptions) =>
      withDataStorage(options, terminal, (storage) => runExplain(people, options, storage, terminal)),
    );
}

async function runExplain(
  people: readonly string[],
  options: ExplainOptions,
  { ledger, retryQueue, deadLetters, controls }: DataStorage,
  terminal: Terminal,
): Promise<void> {
  const identities = people.map(readPerson);
  const { file } = await loadChosenActivations(options, terminal);
  const stores = { ledger, retryQueue, deadLetters };
  const kept = await keptControls(controls, file, terminal);
  const places = await everyErasurePlace(file, stores, terminal.interrupted);
  const of = { file, matcher: createMatcher(file), places, nowMs: systemClock.now() };
  const story = await explain(identities, { ...of, ...stores, controls: kept }, terminal.interrupted);
  report({ event: 'person-story', ...story }, () => linesOf(story, options), options, terminal);
  const { unreadable, unreadableRows } = story;
  if (unreadable.length === 0) {
    refuseUnreadableRows(unreadableRows, 'Failed to look at every row of the person.');
    return;
  }
  throw new CommandError(
    1,
    `Failed to look into ${counted(unreadable.length, 'retry or dead letter', 'retries and dead letters')}, which cannot be read: the person may be in them. Restore their blobs from an earlier version, or delete them: ${unreadable.join(', ')}.`,
    { details: { unreadable, unreadableRows } },
  );
}

/** The story as text: where it stands, what happened, what to do. */
function linesOf({ routes, events, linkedIdentities, deadLetters }: PersonStory, options: ExplainOptions): string[] {
  const linked = linkedIdentities.map((each) => ['linked', `${identityWords(each)}, looked for as well`]);
  const standing = routes.map((route) => [
    route.destination,
    route.audience,
    route.mode === 'live' ? '' : `(${route.mode})`,
    route.identity === undefined ? '–' : identityWords(route.identity),
    route.state,
    [route.says, ...timesOf(route)].join(' '),
  ]);
  const pauses = [...new Set(routes.flatMap(({ pause }) => pause ?? []))];
  const actions = routes.flatMap((route) =>
    route.actions.flatMap((action) => [
      [`${route.destination} ${route.audience}`, action.says],
      ['', commandOf(action, options)],
    ]),
  );
  const letters = deadLetters.map(({ name }) => [`activation dead-letters show ${name}${placeOf(options)}`]);
  return [
    ...tableLines(linked),
    ...pauseLines(pauses),
    ...section('Now', standing, 'The activation file has no routes.'),
    ...section('What happened', events.map(eventCells), 'Nothing is known of this person.'),
    ...section('Dead letters', letters),
    ...section('What to do', actions),
  ];
}

function section(title: string, rows: readonly (readonly string[])[], empty?: string): readonly string[] {
  if (rows.length === 0) return empty === undefined ? [] : [empty];
  return [title, ...tableLines(rows).map((line) => `  ${line}`)];
}

function eventCells({
  atMs,
  destination = '',
  audience = '',
  identity,
  transition,
  says,
}: StoryEvent): readonly string[] {
  const isRepeated = transition !== undefined && transition.times > 1;
  const since = isRepeated ? ` First at ${new Date(transition.atMs).toISOString()}.` : '';
  const who = identity === undefined ? '' : identityWords(identity);
  return [new Date(atMs).toISOString(), destination, audience, who, `${says}${since}`];
}

function timesOf({ toldAtMs, nextAttemptAtMs, leaseUntilMs, inDoubt, state, omitted }: RouteStory): readonly string[] {
  const at = (what: string, timeMs: number | undefined): readonly string[] =>
    timeMs === undefined ? [] : [`${what} ${new Date(timeMs).toISOString()}.`];
  return [
    ...at('Told at', toldAtMs),
    ...at('Next attempt at', nextAttemptAtMs),
    ...at(state === 'being-told' ? 'At the latest until' : 'Its lease ended at', leaseUntilMs),
    ...(inDoubt && state !== 'being-told' && state !== 'perhaps-told'
      ? ['It may have taken something else since.']
      : []),
    ...(omitted === 0 ? [] : [`${omitted} earlier transitions are not kept.`]),
  ];
}

function identityWords({ namespace, value }: Identity): string {
  return `${namespace} ${value}`;
}

function commandOf({ command }: StoryAction, options: ExplainOptions): string {
  const { activations } = options;
  const file = activations === undefined ? '' : ` --activations ${quoted(activations)}`;
  return `${command.join(' ')}${file}${placeOf(options)}`;
}

/**
 * The options by which the command finds the same storage; a connection string has a key in it, and
 * is not shown again.
 */
function placeOf({ environment }: ExplainOptions): string {
  return environment === undefined ? '' : ` --environment ${quoted(environment)}`;
}
