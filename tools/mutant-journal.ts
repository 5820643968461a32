import { appendFileSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';

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
  /** The process that began last, if one has begun in this run. */
  readonly process: number | undefined;
  /**
   * What it costs to try all that the tests of a file meet, in milliseconds, by the file.
   */
  readonly costs: ReadonlyMap<string, number>;
  /** Tests that have tried all that they meet, since the tests began to. */
  readonly done: ReadonlySet<string>;
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

  note(word: Exclude<keyof Findings, 'costs'>, subject: string | number): void {
    appendFileSync(this.path, `${word} ${subject}\n`);
  }

  noteCost(costMs: number, file: string): void {
    appendFileSync(this.path, `costs ${Math.round(costMs)} ${file}\n`);
  }

  /** From here on no test is done. */
  noteBegin(): void {
    appendFileSync(this.path, 'begin\n');
  }

  /** From here on the process of the run before counts no more: the next has yet to begin. */
  noteRun(): void {
    appendFileSync(this.path, 'run\n');
  }

  /** A sign of life. */
  touch(): void {
    const now = new Date();
    utimesSync(this.path, now, now);
  }

  /** When something was written last, or the last sign of life. */
  heardAtMs(): number {
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
    const costs = new Map<string, number>();
    let done = new Set<string>();
    const last = new Map<string, string>();
    for (const line of readFileSync(this.path, 'utf8').split('\n')) {
      const [word = '', subject = '', ...others] = line.split(' ');
      const rest = others.join(' ');
      if (word in mutants) mutants[word as keyof typeof mutants].add(subject);
      else if (word === 'costs') costs.set(rest, (costs.get(rest) ?? 0) + Number(subject));
      else if (word === 'done') done.add(`${subject} ${rest}`.trimEnd());
      else if (word === 'begin') done = new Set();
      else if (word === 'run') last.delete('process');
      else last.set(word, subject);
    }
    const pid = last.get('process');
    return {
      ...mutants,
      costs,
      done,
      trying: last.get('trying'),
      process: pid === undefined ? undefined : Number(pid),
    };
  }
}
