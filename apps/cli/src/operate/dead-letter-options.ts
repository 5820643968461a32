import { storedNames } from '@activation-hub/activation';
import type { Matcher } from '@activation-hub/activation-file';
import type { DeadLetterCount, DeadLetterFilter } from '@activation-hub/delivery';
import { InvalidArgumentError, type Command } from 'commander';
import { pointInTime } from '../terminal/arguments.ts';
import { counted } from '../terminal/counted.ts';
import { addDataStorageOption, type DataStorageOptions } from '../environment/data-storage.ts';
import { tableLines } from '../terminal/table.ts';

export interface DeadLetterOptions extends DataStorageOptions {
  readonly destination?: string;
  readonly class?: string;
  readonly reason?: string;
  readonly from?: number;
  readonly to?: number;
  readonly json?: true;
}

/** Adds the options by which letters are selected. */
export function addDeadLetterOptions(command: Command): Command {
  return addDataStorageOption(command)
    .option(
      '--destination <key>',
      'only of this destination, by the key that it had then; _event is for events that could not be read',
      oneWord,
    )
    .option('--class <word>', 'only of this class, such as invalid or transient', oneWord)
    .option('--reason <text>', 'only with this text in a reason, in any case')
    .option(
      '--from <time>',
      'only events that the event hub took at this time or later: 2026-01-31, or 2026-01-31T12:00:00Z',
      pointInTime,
    )
    .option('--to <time>', 'only events up to this time; a day counts to its end (UTC)', endOfTime)
    .option('--json', 'prints one JSON object per line');
}

/**
 * The filter that the options say. With the file's `matcher` it takes the letters of a destination
 * under all of its names, and without one those of exactly the name that is given.
 */
export function filterOf(
  { destination, class: cause, reason, from, to }: DeadLetterOptions,
  matcher?: Matcher,
): DeadLetterFilter {
  const names = (name: string) => (matcher === undefined ? [name] : storedNames(name, matcher));
  return {
    ...(destination === undefined ? {} : { destinations: names(destination) }),
    ...(cause === undefined ? {} : { class: cause }),
    ...(reason === undefined ? {} : { reason }),
    ...(from === undefined ? {} : { fromMs: from }),
    ...(to === undefined ? {} : { toMs: to }),
  };
}

/** Counts as a table. */
export function countLines(counts: readonly DeadLetterCount[]): readonly string[] {
  if (counts.length === 0) return [];
  return tableLines([
    ['destination', 'class', 'letters'],
    ...counts.map(({ destination, class: cause, letters }) => [destination, cause, String(letters)]),
  ]).map((line) => `  ${line}`);
}

export function letterCount(letters: number): string {
  return counted(letters, 'dead letter');
}

function endOfTime(text: string): number {
  const dayMs = 86_400_000;
  return pointInTime(text) + (text.includes('T') ? 0 : dayMs - 1);
}

function oneWord(text: string): string {
  if (!/^[^\s/]+$/.test(text)) throw new InvalidArgumentError('It must be one word.');
  return text;
}
