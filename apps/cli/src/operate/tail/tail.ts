import type { ChangeRow } from '@activation-hub/console-contract';
import { systemClock, type Clock } from '@activation-hub/delivery';
import type { Command } from 'commander';
import type { ActivationFile } from '@activation-hub/activation-file';
import { loadChosenActivations } from '../../activation-file/activations.ts';
import { addActivationFileOption } from '../../activation-file/activation-file-options.ts';
import { CommandError, reasonOf } from '../../terminal/command-error.ts';
import { countDeadLetters } from '../../console/dead-letter-counter.ts';
import {
  addDataStorageOption,
  findDataStorage,
  type DataStorage,
  type DataStorageOptions,
} from '../../environment/data-storage.ts';
import { showLive } from '../../traffic/local/live-terminal.ts';
import { proseNarrator } from '../../traffic/local/narrator.ts';
import { keptControls } from '../paused.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { changeEvent, TailView } from './tail-view.ts';
import { WrittenTransitions, type WrittenTransition } from './written-transitions.ts';

interface TailOptions extends DataStorageOptions {
  readonly activations?: string;
  readonly json?: true;
}

const lookEveryMs = 5_000;
/** Of a large ledger a look takes longer: looking takes no more than a fifth of the time. */
const restPerLook = 4;

export function addTailCommand(program: Command, terminal: Terminal): void {
  addActivationFileOption(addDataStorageOption(program.command('tail')))
    .summary('shows each change of a deployed environment, some seconds after it happened')
    .description(
      'Shows what a function app tells its destinations, change by change with the reason, as activation local does on this machine: what was told, what waits and why, what was rejected. It reads the ledger, and changes nothing.',
    )
    .option('--json', 'prints one JSON object per line')
    .addHelpText(
      'after',
      `
People are masked. The ledger says what was written to it, so exports that changed nothing leave no line, and neither do requests and their answers:
for one person activation explain says more. A change is shown some five seconds after it happened; in a ledger of a million rows and more, some minutes.
With --environment you need the roles Storage Blob, Queue and Table Data Contributor on the data storage account. On a terminal the last line says how everything
is; ? explains the words, q ends.

Examples:
  $ activation tail --environment dev
  $ activation tail --environment prod --json | jq 'select(.outcome == "rejected")'
  $ activation tail --activations my-activations.yaml      activation local on its usual ports`,
    )
    .action((options: TailOptions) => runTail(options, terminal));
}

async function runTail(options: TailOptions, terminal: Terminal): Promise<void> {
  const { file } = await loadChosenActivations(options, terminal);
  const { storage, explained } = await findDataStorage(options, terminal);
  const view = new TailView(file);
  const voice = options.json ? jsonVoice(terminal) : proseVoice(view, terminal);
  const { interrupted } = terminal;
  const transitions = new WrittenTransitions(file, storage.ledger);
  try {
    await follow(systemClock, interrupted, {
      begin: () => voice.begin(options.environment ?? 'this machine'),
      look: async () => {
        for (const written of await transitions.look(systemClock.now(), interrupted)) {
          voice.change(view.add(written), written);
        }
        await lookAround(view, { file, ...storage }, terminal);
      },
      failed: (error) => voice.warning(reasonOf(explained(error))),
    });
  } catch (error) {
    throw explained(error);
  } finally {
    voice.end();
  }
}

/** How what is followed is printed. */
interface Voice {
  /** Gives what ends what it began. */
  begin(where: string): () => void;
  change(row: ChangeRow, written: WrittenTransition): void;
  warning(message: string): void;
  end(): void;
}

function jsonVoice({ print }: Terminal): Voice {
  return {
    begin(environment) {
      print(JSON.stringify({ event: 'tailing', environment }));
      return () => undefined;
    },
    change: (row, written) => print(JSON.stringify(changeEvent(row, written))),
    warning: (message) => print(JSON.stringify({ event: 'warning', message })),
    end: () => undefined,
  };
}

/** Lines for a person, at the pace of `activation local`, and the line that stays. */
function proseVoice(view: TailView, terminal: Terminal): Voice {
  const narrator = proseNarrator(terminal, { eachChange: true });
  return {
    begin(where) {
      terminal.print(terminal.colors.dim(`Watching ${where}: each change as the ledger has it. Ctrl-C ends it.`));
      return showStatus(view, terminal);
    },
    change: (row) => narrator.change(row),
    warning: (message) => narrator.warning(message),
    end: () => narrator.end(),
  };
}

/** What is paused, and how many dead letters there are. */
async function lookAround(
  view: TailView,
  { file, controls, deadLetters }: Pick<DataStorage, 'controls' | 'deadLetters'> & { readonly file: ActivationFile },
  terminal: Terminal,
): Promise<void> {
  view.paused = await keptControls(controls, file, terminal);
  view.deadLetters = await countDeadLetters(deadLetters, terminal.interrupted);
}

interface Following {
  /** Called once the first look went well; gives what ends it. */
  readonly begin: () => () => void;
  readonly look: () => Promise<void>;
  /** A later look failed; the next one comes all the same. */
  readonly failed: (error: unknown) => void;
}

/**
 * Looks again and again until the signal aborts. Throws what the first look throws: what is wrong
 * from the beginning stays wrong.
 */
async function follow(clock: Clock, signal: AbortSignal, { begin, look, failed }: Following): Promise<void> {
  let end: (() => void) | undefined;
  const isOver = (): boolean => signal.aborted;
  try {
    while (!isOver()) {
      const startedMs = clock.now();
      try {
        await look();
        end ??= begin();
      } catch (error) {
        if (isOver()) return;
        if (end === undefined || error instanceof CommandError) throw error;
        failed(error);
      }
      await clock.sleep(Math.max(lookEveryMs, (clock.now() - startedMs) * restPerLook), signal);
    }
  } finally {
    end?.();
  }
}

function showStatus(view: TailView, terminal: Terminal): () => void {
  const screen = terminal.openScreen();
  if (screen === undefined) return () => undefined;
  const acts = { words: () => words, end: () => screen.interrupt() };
  return showLive({ screen, status: () => view.status(systemClock.now()), acts, print: terminal.print });
}

const words: readonly string[] = [
  '',
  'in   a change that needed no request: unchanged, superseded, withheld, shadowed, paused, or held back by an open circuit, a pause or a shadow (in shadow)',
  'out  a change that was sent to a destination: delivered, not-found, rejected (a dead letter), given-up (one too) or deferred (tried again)',
  'age  from the event hub to the destination, in the last minute;  wait: changes that were deferred since this began, and are not told yet',
  'q    ends; so does Ctrl-C. Nothing is changed by it',
  '',
];
