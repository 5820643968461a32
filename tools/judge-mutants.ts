import type { MutantResult } from '@stryker-mutator/api/core';

/**
 * Why no test can find a mutant: it does what the original does, or what only it would do cannot be
 * brought about.
 */
export interface Explanation {
  /** The line of the source in which the mutant begins, without its indentation. */
  readonly line: string;
  /** The code that is replaced; its whitespace is collapsed. */
  readonly code: string;
  readonly becomes: string;
  readonly why: string;
}

/** Explanations by the path of the source file, relative to the repository. */
export type Explanations = Readonly<Record<string, readonly Explanation[]>>;

/** A mutant that no test has found. */
export interface Survivor {
  readonly lineNumber: number;
  readonly line: string;
  readonly code: string;
  readonly becomes: string;
  /** No test of the library runs this code at all. */
  readonly isUntested: boolean;
}

/** The outcomes of the mutants of one file. */
export interface FileVerdict {
  readonly file: string;
  readonly mutants: number;
  /** A test failed, or did not end. */
  readonly killed: number;
  readonly explained: number;
  readonly survivors: readonly Survivor[];
  /** Explanations of mutants that are no longer, or that a test finds by now. */
  readonly stale: readonly Explanation[];
}

/** The longest code that a survivor quotes. */
const codeCharactersMax = 160;

/**
 * Judges the mutants of one file, whose text is `source`, against the explanations of that file.
 * Fails nothing by itself.
 */
export function judgeMutants(
  file: string,
  source: string,
  results: readonly MutantResult[],
  explanations: Explanations,
): FileVerdict {
  const killed = results.filter(({ status }) => status === 'Killed' || status === 'Timeout').length;
  const surviving = results
    .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
    .map((result) => survivorOf(source, result));
  // Each explanation covers one mutant, so that the same words further down need their own.
  const stale = [...(explanations[file] ?? [])];
  const survivors = surviving.filter((survivor) => {
    const index = stale.findIndex((entry) => explains(entry, survivor));
    if (index >= 0) stale.splice(index, 1);
    return index < 0;
  });
  // No test found a mutant that did not end: on a busy machine it may be one that is explained.
  for (const result of results.filter(({ status }) => status === 'Timeout')) {
    const index = stale.findIndex((entry) => explains(entry, survivorOf(source, result)));
    if (index >= 0) stale.splice(index, 1);
  }
  return {
    file,
    mutants: results.length,
    killed,
    explained: surviving.length - survivors.length,
    survivors,
    stale,
  };
}

/** Whether every mutant was found or is explained, and no explanation is stale. */
export function isClean({ survivors, stale }: FileVerdict): boolean {
  return survivors.length === 0 && stale.length === 0;
}

function explains({ line, code, becomes }: Explanation, survivor: Survivor): boolean {
  return line === survivor.line && code === survivor.code && becomes === survivor.becomes;
}

function survivorOf(source: string, { location, replacement, status }: MutantResult): Survivor {
  const lines = source.split('\n');
  const { start, end } = location;
  const replaced = lines.slice(start.line - 1, end.line);
  // The end first: a mutant of one line is cut on both sides of the same one.
  replaced.push((replaced.pop() ?? '').slice(0, end.column - 1));
  replaced.unshift((replaced.shift() ?? '').slice(start.column - 1));
  return {
    lineNumber: start.line,
    line: lines[start.line - 1]?.trim() ?? '',
    code: collapsed(replaced.join('\n')),
    becomes: collapsed(replacement),
    isUntested: status === 'NoCoverage',
  };
}

function collapsed(code: string): string {
  const line = code.replaceAll(/\s+/g, ' ').trim();
  return line.length <= codeCharactersMax ? line : `${line.slice(0, codeCharactersMax)}…`;
}

/**
 * Each survivor and each stale explanation of a file, ready to be copied into the explanations;
 * empty when there is none.
 */
export function verdictText({ file, survivors, stale }: FileVerdict): string {
  const surviving = survivors.map(({ lineNumber, isUntested, line, code, becomes }) => {
    const explanation: Explanation = { line, code, becomes, why: '' };
    return `${file}:${lineNumber}: ${isUntested ? 'no test runs this' : 'survived'}\n  ${JSON.stringify(explanation)}\n`;
  });
  return [...surviving, ...stale.map((entry) => `${file}: stale\n  ${JSON.stringify(entry)}\n`)].join('');
}

/** One line per file, with the outcomes of its mutants. */
export function verdictTable(verdicts: readonly FileVerdict[]): string {
  const row = (first: string, numbers: readonly (string | number)[]): string =>
    `${first.padEnd(50)}${numbers.map((number) => String(number).padStart(11)).join('')}\n`;
  const rows = verdicts.map(({ file, mutants, killed, explained, survivors, stale }) =>
    row(file, [mutants, killed, explained, survivors.length, stale.length]),
  );
  return [row('file', ['mutants', 'killed', 'explained', 'surviving', 'stale']), ...rows].join('');
}
