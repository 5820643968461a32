import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';

/** What a journal says of the mutants, by their ids. */
export interface Findings {
  /** A test meets it. */
  readonly met: ReadonlySet<string>;
  /** Met while a file was loaded. */
  readonly loading: ReadonlySet<string>;
  /** Met before, after and beside the tests. */
  readonly between: ReadonlySet<string>;
  /** Met by a test that does not pass twice. */
  readonly alone: ReadonlySet<string>;
  /** A test fails with it. */
  readonly killed: ReadonlySet<string>;
  /** A test does not end with it. */
  readonly hung: ReadonlySet<string>;
  /** The one that was tried last. */
  readonly trying: string | undefined;
  /** The process that began last. */
  readonly process: number | undefined;
  /** The most mutants that one test of a file meets, by the file. */
  readonly meets: ReadonlyMap<string, number>;
}

/**
 * Where the processes that try mutants write what they find, a line each: a word and what it is of.
 * It outlives a process that is ended in an endless loop.
 */
export class MutantJournal {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    writeFileSync(path, '', { flag: 'a' });
  }

  note(word: Exclude<keyof Findings, 'meets'>, subject: string | number): void {
    appendFileSync(this.path, `${word} ${subject}\n`);
  }

  noteMeets(count: number, file: string): void {
    appendFileSync(this.path, `meets ${count} ${file}\n`);
  }

  /** When something was written last. */
  writtenAtMs(): number {
    return statSync(this.path).mtimeMs;
  }

  read(): Findings {
    const mutants = {
      met: new Set<string>(),
      loading: new Set<string>(),
      between: new Set<string>(),
      alone: new Set<string>(),
      killed: new Set<string>(),
      hung: new Set<string>(),
    };
    const meets = new Map<string, number>();
    const last = new Map<string, string>();
    for (const line of readFileSync(this.path, 'utf8').split('\n')) {
      const [word = '', subject = '', ...file] = line.split(' ');
      if (word in mutants) mutants[word as keyof typeof mutants].add(subject);
      else if (word === 'meets') {
        const path = file.join(' ');
        meets.set(path, Math.max(meets.get(path) ?? 0, Number(subject)));
      } else last.set(word, subject);
    }
    const pid = last.get('process');
    return { ...mutants, meets, trying: last.get('trying'), process: pid === undefined ? undefined : Number(pid) };
  }
}
