/** Something in an activation file that a person must look at. */
export interface Problem {
  readonly fileName: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1, in UTF-16 code units, as editors do. */
  readonly column: number;
  /**
   * Where in the file, such as `audiences.sports-fans.activate[0].mode`; empty for the file as a
   * whole.
   */
  readonly path: string;
  /**
   * A sentence that names the path, what is wrong and what to write instead; never a value of
   * settings or options.
   */
  readonly message: string;
}

/**
 * The activation file cannot be used. `message` has one line per problem:
 * `file:line:column: sentence`.
 */
export class ActivationFileError extends Error {
  override readonly name = 'ActivationFileError';
  /** Every problem that was found, by line and column. */
  readonly problems: readonly Problem[];
  /** What is allowed but looks like an oversight, as far as the file could be read. */
  readonly warnings: readonly Problem[];

  constructor(problems: readonly Problem[], warnings: readonly Problem[] = []) {
    super(problems.map(problemLine).join('\n'));
    this.problems = problems;
    this.warnings = warnings;
  }
}

/** A problem as one line of text, in the form that editors and terminals make into a link. */
export function problemLine({ fileName, line, column, message }: Problem): string {
  return `${fileName}:${line}:${column}: ${message}`;
}

/** Keys and list positions from the root of the file. */
export type Path = readonly PropertyKey[];

/**
 * `['audiences', 'a', 'activate', 0]` as `audiences.a.activate[0]`; keys that are not plain words
 * are quoted.
 */
export function pathText(path: Path): string {
  return path
    .map((segment, index) => {
      if (typeof segment === 'number') return `[${segment}]`;
      const key = String(segment);
      if (!/^[\w-]{1,128}$/.test(key)) return `[${quoted(key)}]`;
      return index === 0 ? key : `.${key}`;
    })
    .join('');
}

/** A word of the file in quotes, on one line and of bounded length. */
export function quoted(word: string): string {
  const short = word.length > 80 ? `${word.slice(0, 80)}…` : word;
  return JSON.stringify(short).replaceAll(/[\u007f-\u009f\u2028\u2029]/g, '?');
}

/** `a, b or c` */
export function alternatives(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;
}
