import { fitted } from './fitted.ts';
import type { Terminal } from './terminal.ts';

/** What a verb found or did, as a machine reads it: one JSON object on one line. */
export interface Fact {
  /** What happened, in the past: `sent`, `paused`. */
  readonly event: string;
  readonly [key: string]: unknown;
}

/** A line of standard error: what is not the answer, and a person should know all the same. */
export interface Besides {
  readonly besides: string;
}

/** The same fact as a person reads it: a line of standard output, several of them, or none. */
export type Words = string | readonly (string | Besides)[];

export interface ReportOptions {
  readonly json?: true | undefined;
}

type Output = Pick<Terminal, 'print' | 'say' | 'columns'>;

/**
 * Prints what a verb found or did: with `--json` the fact, otherwise its words, which are made only
 * then. The one place that knows of the two.
 */
export function report(fact: Fact, words: () => Words, { json }: ReportOptions, output: Output): void {
  if (json) output.print(JSON.stringify(fact));
  else printWords(words(), output);
}

/** Prints what a person alone needs on the way; with `--json` nothing. */
export function reportToPerson(words: Words, { json }: ReportOptions, output: Output): void {
  if (!json) printWords(words, output);
}

/** Says on standard error why a command failed: as a sentence, with `--json` as a JSON object. */
export function reportFailure(
  failure: { readonly message: string; readonly exitCode: 1 | 2 },
  { json }: ReportOptions,
  { say, columns }: Output,
): void {
  say(json ? JSON.stringify({ event: 'failed', ...failure }) : fittedLines(failure.message, columns()));
}

function printWords(words: Words, { print, say, columns }: Output): void {
  for (const line of typeof words === 'string' ? [words] : words) {
    if (typeof line === 'string') print(fittedLines(line, columns()));
    else say(fittedLines(line.besides, columns()));
  }
}

function fittedLines(text: string, columns: number | undefined): string {
  return text
    .split('\n')
    .map((line) => fitted(line, columns))
    .join('\n');
}
