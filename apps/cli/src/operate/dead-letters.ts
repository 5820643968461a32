import { isUtf8 } from 'node:buffer';
import { routedAudiences } from '@activation-hub/activation';
import { createMatcher } from '@activation-hub/activation-file';
import {
  candidateNames,
  deadLetterKeepMs,
  DeadLetterCounts,
  isUnreadable,
  purgeDeadLetters,
  readSelected,
  replayDeadLetters,
  shownOf,
  systemClock,
  type DeadLetter,
  type DeadLetterCount,
  type Replayed,
} from '@activation-hub/delivery';
import type { Command } from 'commander';
import { loadActivations } from '../activation-file/activations.ts';
import { pointInTime } from '../terminal/arguments.ts';
import { CommandError } from '../terminal/command-error.ts';
import { counted } from '../terminal/counted.ts';
import {
  addDataStorageOption,
  withDataStorage,
  type DataStorage,
  type DataStorageOptions,
} from '../environment/data-storage.ts';
import {
  addDeadLetterOptions,
  countLines,
  filterOf,
  letterCount,
  type DeadLetterOptions,
} from './dead-letter-options.ts';
import { report, type ReportOptions } from '../terminal/reporter.ts';
import type { Terminal } from '../terminal/terminal.ts';

const keepDays = deadLetterKeepMs / 86_400_000;

interface ReplayOptions extends DeadLetterOptions {
  readonly activations?: string;
  readonly dryRun?: true;
}

interface PurgeOptions extends DeadLetterOptions {
  readonly givenUpTo?: number;
  readonly dryRun?: true;
  readonly yes?: true;
}

export function addDeadLettersCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('dead-letters')
    .summary('lists, shows, replays and purges what failed for good')
    .description(
      'Dead letters are events and changes that are not tried again by themselves, kept whole with the reason. A replay sends them through the running function app once more, only to where they had failed.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ activation dead-letters list --destination crm --from 2026-01-31 --json
  $ activation dead-letters show 2026-01-31/crm/invalid/0-4711-5f1c0a9e2b7d4c13
  $ activation dead-letters replay --destination crm --reason "list is full" --dry-run
  $ activation dead-letters purge --to 2025-12-31 --yes`,
    );
  addDeadLetterOptions(command.command('list').description('Lists dead letters with their reasons, and counts them.'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ activation dead-letters list\n  $ activation dead-letters list --class invalid --from 2026-01-01 --to 2026-01-31',
    )
    .action((options: DeadLetterOptions) =>
      withDataStorage(options, terminal, (storage) => list(options, storage, terminal)),
    );
  addDataStorageOption(
    command.command('show').description('Shows one dead letter with its event, which is personal data.'),
  )
    .argument('<name>', 'its name, as list prints it')
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ activation dead-letters show 2026-01-31/crm/invalid/0-4711-5f1c0a9e2b7d4c13',
    )
    .action((name: string, options: DataStorageOptions & ReportOptions) =>
      withDataStorage(options, terminal, (storage) => show(name, options, storage, terminal)),
    );
  addDeadLetterOptions(
    command
      .command('replay')
      .description(
        'Gives dead letters to the running function app again: now, within the same limits as everything else, and only to where they had failed. May be stopped and started again.',
      ),
  )
    .option(
      '-a, --activations <file>',
      'activation file: needed for events that could not be read; with it, letters without a route stay, and a destination is found by each of its names',
    )
    .option('--dry-run', 'counts what would be replayed, and does nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  $ activation dead-letters replay --dry-run\n  $ activation dead-letters replay --destination crm --class invalid\n  $ activation dead-letters replay --destination _event --activations my-activations.yaml',
    )
    .action((options: ReplayOptions) =>
      withDataStorage(options, terminal, (storage) => replay(options, storage, terminal)),
    );
  addDeadLetterOptions(
    command.command('purge').description('Deletes dead letters for good. May be stopped and started again.'),
  )
    .option('--given-up-to <time>', 'only those kept from this time or earlier on; a dry run prints it', pointInTime)
    .option('--dry-run', 'counts what would be deleted, and does nothing')
    .option('--yes', 'really deletes')
    .addHelpText(
      'after',
      '\nExamples:\n  $ activation dead-letters purge --to 2025-12-31 --dry-run\n  $ activation dead-letters purge --to 2025-12-31 --given-up-to 2026-01-31T12:00:00.123Z --yes',
    )
    .action((options: PurgeOptions) =>
      withDataStorage(options, terminal, (storage) => purge(options, storage, terminal)),
    );
}

async function list(options: DeadLetterOptions, { deadLetters }: DataStorage, terminal: Terminal): Promise<void> {
  const { interrupted, colors } = terminal;
  const filter = filterOf(options);
  const names = await candidateNames(deadLetters, filter, interrupted);
  const counts = new DeadLetterCounts();
  for await (const found of readSelected(deadLetters, names, filter, interrupted)) {
    if (isUnreadable(found)) {
      counts.unreadable.push(found.unreadable);
      continue;
    }
    const { name, letter } = found;
    counts.add(letter);
    report(
      { event: 'dead-letter', ...describe(name, letter) },
      () => `${colors.cyan(name)}  ${letter.outcome}  ${reasons(letter).join('; ')}`,
      options,
      terminal,
    );
  }
  const { letters, unreadable } = counts;
  report(
    { event: 'listed', letters, unreadable, counts: counts.values() },
    () => [
      `Listed ${letters === 0 ? 'no dead letters' : letterCount(letters)}.`,
      ...countLines(counts.values()),
      ...unreadableLines(unreadable),
    ],
    options,
    terminal,
  );
}

async function show(
  name: string,
  options: ReportOptions,
  { deadLetters }: DataStorage,
  terminal: Terminal,
): Promise<void> {
  const letter = await deadLetters.read(name, terminal.interrupted);
  if (letter === undefined) {
    throw new CommandError(
      1,
      'Failed to show the dead letter: there is none of that name. Look for it with activation dead-letters list.',
    );
  }
  const body = Buffer.from(letter.event.body);
  const text = isUtf8(body) ? { body: body.toString() } : { bodyBase64: body.toString('base64') };
  const { event, outcome, attempts } = letter;
  report(
    { event: 'dead-letter', ...describe(name, letter), ...text },
    () => [
      terminal.colors.bold(name),
      `  event     ${event.sequenceNumber} of partition ${event.partitionId}, taken ${iso(event.enqueuedAtMs)}`,
      `  outcome   ${outcome} after ${counted(attempts, 'attempt')}, ${iso(letter.givenUpAtMs)}`,
      ...reasons(letter).map((reason) => `  failure   ${reason}`),
      text.body ?? `(not UTF-8; base64:) ${text.bodyBase64}`,
    ],
    options,
    terminal,
  );
}

async function replay(options: ReplayOptions, storage: DataStorage, terminal: Terminal): Promise<void> {
  const file = options.activations === undefined ? undefined : await loadActivations(options.activations, terminal);
  const matcher = file === undefined ? undefined : createMatcher(file);
  const routed = file === undefined || matcher === undefined ? undefined : routedAudiences(file, matcher);
  const filter = filterOf(options, matcher);
  const names = await candidateNames(storage.deadLetters, filter, terminal.interrupted);
  const progress = terminal.progress(options.dryRun ? 'looked at' : 'replayed', names.length);
  const { replayed, left, tooOld, unreadable } = await replayDeadLetters(names, filter, storage, {
    clock: systemClock,
    signal: terminal.interrupted,
    ...(routed === undefined ? {} : { routed }),
    dryRun: options.dryRun === true,
    onProgress: (done) => progress.update(done),
  }).finally(() => progress.end());
  const letters = sum(replayed);
  const stays = whatStays({ left, tooOld }, routed !== undefined);
  report(
    { event: options.dryRun ? 'would-replay' : 'replayed', letters, left, tooOld, unreadable, counts: replayed },
    () => [
      `${options.dryRun ? 'Would replay' : 'Replayed'} ${letters === 0 ? 'no dead letters' : letterCount(letters)}.`,
      ...countLines(replayed),
      ...(options.dryRun ? stays.map((why) => `Would not replay ${why}`) : []),
      ...unreadableLines(unreadable),
    ],
    options,
    terminal,
  );
  if (terminal.interrupted.aborted) {
    throw new CommandError(1, `Stopped after ${letterCount(letters)}, as asked. Start it again for the rest.`);
  }
  const [first, ...more] = stays;
  if (options.dryRun || first === undefined) return;
  const others = more.map((why) => ` Neither ${why}`).join('');
  throw new CommandError(2, `Failed to replay ${first}${others}`, { details: { left, tooOld } });
}

/** Which letters a replay leaves where they are, and what to do about them. */
function whatStays({ left, tooOld }: Pick<Replayed, 'left' | 'tooOld'>, isRouted: boolean): readonly string[] {
  const old = `${letterCount(tooOld)} of events that are older than ${keepDays} days: the ledger may have forgotten what came after them, and the destination would be told an old state. Purge them.`;
  const unrouted = isRouted
    ? `${letterCount(left)}: the activation file has no route for their changes. Add the route, or purge them.`
    : `${letterCount(left)} of events that could not be read: they concern every destination. Give --activations <file>.`;
  return [...(tooOld > 0 ? [old] : []), ...(left > 0 ? [unrouted] : [])];
}

async function purge(options: PurgeOptions, storage: DataStorage, terminal: Terminal): Promise<void> {
  if (!options.dryRun && !options.yes) {
    throw new CommandError(
      2,
      'Failed to purge: deleted dead letters cannot be restored. Look at them with --dry-run, then give what it prints.',
    );
  }
  const { givenUpTo, dryRun = false } = options;
  const filter = { ...filterOf(options), ...(givenUpTo === undefined ? {} : { givenUpToMs: givenUpTo }) };
  const { interrupted } = terminal;
  const names = await candidateNames(storage.deadLetters, filter, interrupted);
  const progress = terminal.progress(dryRun ? 'looked at' : 'purged', names.length);
  const { purged, letters, newestGivenUpAtMs, unreadable } = await purgeDeadLetters(
    names,
    filter,
    storage.deadLetters,
    { signal: interrupted, dryRun, onProgress: (done) => progress.update(done) },
  ).finally(() => progress.end());
  const newest = !dryRun || newestGivenUpAtMs === undefined ? undefined : iso(newestGivenUpAtMs);
  report(
    {
      event: dryRun ? 'would-purge' : 'purged',
      letters,
      unreadable,
      counts: purged,
      ...(newest === undefined ? {} : { givenUpTo: newest }),
    },
    () => [
      `${dryRun ? 'Would purge' : 'Purged'} ${letters === 0 ? 'no dead letters' : letterCount(letters)}.`,
      ...countLines(purged),
      ...unreadableLines(unreadable),
      ...(newest === undefined ? [] : [`To delete these, and none that comes later: --given-up-to ${newest} --yes`]),
    ],
    options,
    terminal,
  );
  if (interrupted.aborted)
    throw new CommandError(1, `Stopped after ${letterCount(letters)}, as asked. Start it again for the rest.`);
}

/** The letters that were passed over, by name; none when all could be read. */
function unreadableLines(names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  return [
    `Passed over ${letterCount(names.length)} that cannot be read. Restore their blobs from an earlier version, or delete them:`,
    ...names.map((name) => `  ${name}`),
  ];
}

/** What may stand in a list, with times as ISO 8601. */
function describe(name: string, letter: DeadLetter): object {
  const { givenUpAtMs, event } = letter;
  const times = { givenUpAt: iso(givenUpAtMs), enqueuedAt: iso(event.enqueuedAtMs) };
  return { name, ...shownOf(letter), ...times, givenUpAtMs: undefined, enqueuedAtMs: undefined };
}

function reasons({ failures }: DeadLetter): readonly string[] {
  return failures.map(({ audience, path, reason }) =>
    [audience, path, reason].filter((word) => word !== undefined).join(': '),
  );
}

function sum(counts: readonly DeadLetterCount[]): number {
  return counts.reduce((letters, count) => letters + count.letters, 0);
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
