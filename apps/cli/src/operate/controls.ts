import { counted } from '../terminal/counted.ts';
import { NotAllWoken, pause, resume, retryNow, type AskContext } from '@activation-hub/activation';
import { controlTextCharactersMax, systemClock, type Control, type ControlScope } from '@activation-hub/delivery';
import type { Command } from 'commander';
import { addActivationFileOption } from '../activation-file/activation-file-options.ts';
import { loadChosenActivations } from '../activation-file/activations.ts';
import { duration, pointInTime, shortText } from '../terminal/arguments.ts';
import { CommandError } from '../terminal/command-error.ts';
import {
  addDataStorageOption,
  withDataStorage,
  type DataStorage,
  type DataStorageOptions,
} from '../environment/data-storage.ts';
import { destinationIn, knownAudience } from './ledger-walk.ts';
import { heldWords, pauseLines, presentControls, refuseWhilePaused, scopeWords } from './paused.ts';
import { report } from '../terminal/reporter.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface ControlOptions extends DataStorageOptions {
  readonly activations?: string;
  readonly audience?: string;
  readonly everything?: true;
  readonly reason?: string;
  readonly by?: string;
  readonly json?: true;
}

interface PauseOptions extends ControlOptions {
  readonly until?: number;
  readonly for?: number;
  readonly list?: true;
}

interface ShadowOptions extends PauseOptions {
  readonly look?: true;
}

const followHelp = 'The running function app follows within some five seconds, without a deployment.';
const reasonHelp =
  'Who and why are shown by this command, by explain, by ledger show and on the page /health/details; neither goes into a log line.';

export function addPauseCommand(program: Command, terminal: Terminal): void {
  addAskOptions(program.command('pause'))
    .summary('pauses a destination, a route or everything, without a deployment')
    .description(
      'Pauses a destination, one of its routes (--audience) or everything (--everything). The hub sends it nothing; its changes wait in the retry queue, are not given up, and are sent in their newest state when the pause is over: activation resume, or the time of --until or --for.',
    )
    .option('--until <time>', 'ends by itself at this time, such as 2026-01-31T12:00:00Z', pointInTime)
    .option('--for <duration>', 'ends by itself after so long: 30m, 4h, 2d', duration)
    .option('--list', 'says what is paused, and pauses nothing')
    .addHelpText(
      'after',
      `
${followHelp} A request that is under way is brought to its end.
${reasonHelp}
A pause of the same destination or route is replaced. Commands that tell a destination themselves (resync, retire, forget --tell) refuse while it is paused, and send no more when it is paused meanwhile.

Examples:
  $ activation pause crm --activations my-activations.yaml --for 4h --reason "the CRM is migrated"
  $ activation pause crm -a my-activations.yaml --audience sports-fans --reason "wrong list"
  $ activation pause --everything --environment dev --reason "freeze"
  $ activation pause --list -a my-activations.yaml`,
    )
    .action((destination: string | undefined, options: PauseOptions) =>
      withDataStorage(options, terminal, (storage) =>
        options.list ? list(options, storage, terminal) : runPause(destination, options, storage, terminal),
      ),
    );
}

export function addShadowCommand(program: Command, terminal: Terminal): void {
  addAskOptions(program.command('shadow'))
    .summary('holds a destination or a route back, and shows what it would be told')
    .description(
      'Puts a destination, one of its routes (--audience) or everything (--everything) into shadow: a pause in which one looks at what would be told. Its changes wait and are not given up, as in a pause, and activation resume sends them. With --look it shows, and changes nothing, what the destination would be told now: how many people enter, change and leave, whom the connector would refuse and why, and the exact requests.',
    )
    .option('--until <time>', 'ends by itself at this time, such as 2026-01-31T12:00:00Z', pointInTime)
    .option('--for <duration>', 'ends by itself after so long: 30m, 4h, 2d', duration)
    .option('--look', 'shows what waits for the destination, and changes nothing')
    .addHelpText(
      'after',
      `
${followHelp} A request that is under way is brought to its end.
A look is a dry run: the connector tells a stand-in of the vendor on this machine, with ids that are made up. It calls no other system, no secret is
needed, and what the vendor itself would refuse is not known. It takes the newest thousand changes that wait; each person counts once, in
the newest state. What it shows is personal data. It also shows what a pause or an outage holds back.
A pause or a shadow of the same destination or route is replaced. The mode shadow of the activation file is another thing: what it records
is never sent.

Examples:
  $ activation shadow crm --activations my-activations.yaml --for 1h --reason "is it right?"
  $ activation shadow crm --activations my-activations.yaml --look
  $ activation shadow crm -a my-activations.yaml --audience sports-fans --look --json
  $ activation resume crm --activations my-activations.yaml`,
    )
    .action((destination: string | undefined, options: ShadowOptions) =>
      withDataStorage(options, terminal, async (storage) =>
        options.look
          ? (await import('./look-at-held.ts')).printHeld(destination, options, storage, terminal)
          : runPause(destination, { ...options, isShadow: true }, storage, terminal),
      ),
    );
}

export function addResumeCommand(program: Command, terminal: Terminal): void {
  addAskOptions(program.command('resume'))
    .summary('ends a pause; what waited is told')
    .description(
      'Ends the pause of a destination, of one of its routes (--audience) or of everything (--everything), and wakes what waits for it, the newest first and in the pace of the destination. Each person is told of once, in the newest state.',
    )
    .addHelpText(
      'after',
      `
${followHelp} Exits with 1 when there is no such pause, and when another one goes on.

Examples:
  $ activation resume crm --activations my-activations.yaml
  $ activation resume --everything --environment dev`,
    )
    .action((destination: string | undefined, options: ControlOptions) =>
      withDataStorage(options, terminal, (storage) => runResume(destination, options, storage, terminal)),
    );
}

export function addRetryNowCommand(program: Command, terminal: Terminal): void {
  addAskOptions(program.command('retry-now'), false)
    .summary('tries at once what waits for a destination')
    .description(
      'Tries at once what waits for a destination, or for all of them (--everything), after it was mended: its circuit lets a probe through, and the waiting retries are woken, the newest first.',
    )
    .addHelpText(
      'after',
      `
${followHelp} Retries for which the destination itself has named a time wait for that. Exits with 1 when the destination is paused.

Examples:
  $ activation retry-now crm --activations my-activations.yaml
  $ activation retry-now --everything --environment dev`,
    )
    .action((destination: string | undefined, options: ControlOptions) =>
      withDataStorage(options, terminal, (storage) => runRetryNow(destination, options, storage, terminal)),
    );
}

function addAskOptions(command: Command, hasAudience = true): Command {
  const withScope = addActivationFileOption(addDataStorageOption(command))
    .argument('[destination]', 'its key in the activation file')
    .option('--everything', 'every destination of the file');
  return (hasAudience ? withScope.option('--audience <key>', 'only the route of this audience') : withScope)
    .option('--reason <text>', 'why, for those who see it', shortText(controlTextCharactersMax))
    .option('--by <name>', 'who asks; the signed-in user by default', shortText(controlTextCharactersMax))
    .option('--json', 'prints one JSON object');
}

async function runPause(
  destination: string | undefined,
  options: PauseOptions & Pick<Control, 'isShadow'>,
  storage: DataStorage,
  terminal: Terminal,
): Promise<void> {
  const shadow: Pick<Control, 'isShadow'> = options.isShadow ? { isShadow: true } : {};
  const { scope, asker, context } = await ask(destination, options, storage, terminal);
  const refuse = (why: string) => new CommandError(2, `Failed to ${shadow.isShadow ? 'shadow' : 'pause'}: ${why}`);
  if (options.reason === undefined)
    throw refuse('--reason is missing. Write why: activation pause --list and the console show it.');
  if (options.until !== undefined && options.for !== undefined) throw refuse('give --until or --for, not both.');
  const untilMs = options.for === undefined ? options.until : context.nowMs + options.for;
  if (untilMs !== undefined && untilMs <= context.nowMs)
    throw refuse('the time of --until has passed. Give a later one.');
  const until = untilMs === undefined ? {} : { untilMs };
  const control = await pause(scope, { ...asker, ...until, ...shadow }, context, terminal.interrupted);
  const when = untilMs === undefined ? 'until it is resumed' : `until ${new Date(untilMs).toISOString()}`;
  const said = `${scopeWords(scope)} ${when}. Its changes wait`;
  report(
    { event: shadow.isShadow ? 'into-shadow' : 'paused', ...control },
    () => (shadow.isShadow ? `Into shadow: ${said}; activation shadow --look shows it.` : `Paused ${said}.`),
    options,
    terminal,
  );
}

async function runResume(
  destination: string | undefined,
  options: ControlOptions,
  storage: DataStorage,
  terminal: Terminal,
): Promise<void> {
  const { scope, context } = await ask(destination, options, storage, terminal);
  const resumed = await resume(scope, context, terminal.interrupted).catch(explainWaking);
  const { ended, stillPaused, woken } = resumed;
  const words = (): readonly string[] =>
    stillPaused === undefined ? [`Resumed ${scopeWords(scope)}. ${retryCount(woken)} tried from now on.`] : [];
  if (ended !== undefined) report({ event: 'resumed', ...scope, ...resumed }, words, options, terminal);
  if (stillPaused !== undefined) {
    throw new CommandError(
      1,
      `Failed to resume ${scopeWords(scope)}: ${scopeWords(stillPaused)} is still ${heldWords(stillPaused)} by ${stillPaused.by}. Resume that.`,
    );
  }
  if (ended === undefined) {
    throw new CommandError(
      1,
      `Failed to resume ${scopeWords(scope)}: it is not paused. Look with activation pause --list.`,
    );
  }
}

async function runRetryNow(
  destination: string | undefined,
  options: ControlOptions,
  storage: DataStorage,
  terminal: Terminal,
): Promise<void> {
  const { scope, asker, context } = await ask(destination, options, storage, terminal);
  if (scope.destination !== undefined) {
    const of = { destination: scope.destination, audience: '' };
    await refuseWhilePaused(of, { file: context.file, ...storage }, 'try', terminal);
  }
  const woken = await retryNow(scope, asker, context, terminal.interrupted).catch(explainWaking);
  report({ event: 'retry-asked', ...scope, woken }, () => `${retryCount(woken)} tried from now on.`, options, terminal);
}

/** Also where Ctrl-C stopped it: the person must know that the request counts. */
function explainWaking(error: unknown): never {
  throw error instanceof NotAllWoken ? new CommandError(1, error.message, { cause: error }) : error;
}

async function list(options: PauseOptions, { controls }: DataStorage, terminal: Terminal): Promise<void> {
  const kept = await presentControls(controls, undefined, terminal.interrupted);
  const pauses = kept.filter(({ action }) => action === 'pause');
  report(
    { event: 'pauses', pauses },
    () => (pauses.length === 0 ? 'Nothing is paused.' : pauseLines(pauses)),
    options,
    terminal,
  );
}

function retryCount(woken: number): string {
  return counted(woken, 'waiting retry is', 'waiting retries are');
}

async function ask(
  destination: string | undefined,
  options: ControlOptions,
  { controls, retryQueue, operatorName }: DataStorage,
  terminal: Terminal,
): Promise<{ scope: ControlScope; asker: { by: string; reason: string }; context: AskContext }> {
  const { audience, everything, by, reason = '' } = options;
  const { file } = await loadChosenActivations(options, terminal);
  if ((destination === undefined) !== (everything === true))
    throw new CommandError(2, 'Failed to find out what is meant: give a destination, or --everything.');
  if (audience !== undefined && destination === undefined)
    throw new CommandError(2, 'Failed to find out what is meant: --audience needs a destination.');
  if (audience !== undefined) knownAudience(file, audience);
  const scope = {
    ...(destination === undefined ? {} : { destination: destinationIn(file, destination).key }),
    ...(audience === undefined ? {} : { audience }),
  };
  const asker = { by: by ?? (await operatorName()), reason };
  return { scope, asker, context: { file, controls, retryQueue, nowMs: systemClock.now() } };
}
