import type { MutantResult } from '@stryker-mutator/api/core';
import { Instrumenter } from '@stryker-mutator/instrumenter';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createVitest, type TestSpecification, type Vitest } from 'vitest/node';
import { MutantJournal } from './mutant-journal.ts';
import type { MutantTrial } from './mutant-runner.ts';

/** Which files to mutate, and which tests judge the mutants. */
export interface MutantsToTry {
  /** The folder of the tests, absolute. */
  readonly folder: string;
  /** The files to mutate, absolute. */
  readonly files: readonly string[];
  /** Globs of the tests, relative to the folder. */
  readonly tests: readonly string[];
  readonly exceptTests?: readonly string[];
  /** Called every five seconds. */
  readonly onProgress?: (progress: { readonly found: number; readonly mutants: number }) => void;
  /** A process that gives no sign of life for so long is in an endless loop; 30,000 by default. */
  readonly silentAfterMs?: number;
}

/**
 * Tries every mutant of the files. Stryker's instrumenter puts them all behind switches, and Vitest
 * loads what it wrote in place of the sources, which stay as they are.
 *
 * All tests run in one process, and each runs again for every mutant that it meets, until one fails
 * (`mutant-runner.ts`): first the tests that are named after the mutant's file, then all, the
 * cheap ones first. What is met while a file is loaded gets a run of Vitest of its own.
 *
 * @returns for each mutant `Killed` (a test fails), `Timeout` (a test does not end), `Survived`, or
 *   `NoCoverage` (no test meets it).
 * @throws when a test fails without any mutant, for then it judges nothing.
 */
export async function tryMutants(toTry: MutantsToTry): Promise<readonly MutantResult[]> {
  const { files, mutants: found } = await instrument(toTry.files);
  const mutants = found.map((mutant) => ({ ...mutant, location: fromOne(mutant.location) }));
  const work = mkdtempSync(join(tmpdir(), 'mutants-'));
  const journal = new MutantJournal(join(work, 'journal'));
  const vitest = await openVitest(toTry, files);
  const progress = setInterval(() => {
    const { killed, hung } = journal.read();
    toTry.onProgress?.({ found: killed.size + hung.size, mutants: mutants.length });
  }, 5_000);
  try {
    const runs = new Runs(vitest, journal, toTry.silentAfterMs ?? 30_000);
    const ofFile = Object.fromEntries(mutants.map(({ id, fileName }) => [id, basename(fileName, '.ts')]));
    const tests = await vitest.globTestSpecifications();
    if (!areNamedAfterAll(tests, toTry.files)) await runs.tryAll(tests, { ofFile });
    const { costs } = journal.read();
    const cheapFirst = tests.toSorted((a, b) => (costs.get(a.moduleId) ?? 0) - (costs.get(b.moduleId) ?? 0));
    await runs.tryAll(cheapFirst);
    await runs.tryAlone(cheapFirst, ofFile);
  } finally {
    clearInterval(progress);
    await vitest.close();
  }
  const { met, killed, hung, loading, between } = journal.read();
  rmSync(work, { recursive: true, force: true });
  const reached = new Set([...met, ...loading, ...between]);
  return mutants.map((mutant) => {
    if (killed.has(mutant.id)) return { ...mutant, status: 'Killed' };
    if (hung.has(mutant.id)) return { ...mutant, status: 'Timeout' };
    return { ...mutant, status: reached.has(mutant.id) ? 'Survived' : 'NoCoverage' };
  });
}

/** Whether each test is named after every file: then those named after a file are all tests. */
function areNamedAfterAll(tests: readonly TestSpecification[], files: readonly string[]): boolean {
  return files.every((file) =>
    tests.every(({ moduleId }) => basename(moduleId).startsWith(`${basename(file, '.ts')}.`)),
  );
}

/** The instrumenter counts lines and columns from 0, Stryker's `MutantResult` from 1. */
function fromOne({ start, end }: MutantResult['location']): MutantResult['location'] {
  const next = ({ line, column }: typeof start): typeof start => ({ line: line + 1, column: column + 1 });
  return { start: next(start), end: next(end) };
}

async function instrument(paths: readonly string[]): ReturnType<Instrumenter['instrument']> {
  const silent = (): void => undefined;
  const no = (): boolean => false;
  const instrumenter = new Instrumenter({
    ...{ trace: silent, debug: silent, info: silent, warn: silent, error: silent, fatal: silent },
    ...{ isTraceEnabled: no, isDebugEnabled: no, isInfoEnabled: no },
    ...{ isWarnEnabled: no, isErrorEnabled: no, isFatalEnabled: no },
  });
  const files = paths.map((name) => ({ name, content: readFileSync(name, 'utf8'), mutate: true }));
  return instrumenter.instrument(files, { plugins: null, ignorers: [], excludedMutations: [] });
}

function openVitest(
  { folder, tests, exceptTests = [] }: MutantsToTry,
  instrumented: readonly { readonly name: string; readonly content: string }[],
): Promise<Vitest> {
  const contents = new Map(instrumented.map(({ name, content }) => [name, content]));
  return createVitest(
    {
      config: false,
      watch: false,
      root: folder,
      include: [...tests],
      exclude: ['**/node_modules/**', ...exceptTests],
      runner: join(import.meta.dirname, 'mutant-runner.ts'),
      // One process, which is ended when it is in an endless loop.
      pool: 'forks',
      maxWorkers: 1,
      isolate: false,
      // Its key is the source, and so it would give what was made of other mutants.
      fsModuleCache: false,
      execArgv: ['--no-warnings'],
      // A mutant also breaks promises that no test awaits.
      dangerouslyIgnoreUnhandledErrors: true,
      reporters: [],
      onConsoleLog: () => false,
      sequence: { sequencer: AsGiven },
      testTimeout: 300_000,
      hookTimeout: 300_000,
      // As in `vitest.config.ts`.
      expect: { poll: { timeout: 120_000 } },
    },
    { plugins: [{ name: 'mutants', enforce: 'pre', load: (id) => contents.get(id) ?? null }] },
  );
}

/** Keeps the order of the specifications. */
class AsGiven {
  shard(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files);
  }
  sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files);
  }
}

/** So many processes in a row may fall silent before they try a mutant. */
const inVainMax = 3;

/** The runs of Vitest by which the mutants of one journal are judged. */
class Runs {
  readonly #vitest: Vitest;
  readonly #journal: MutantJournal;
  readonly #silentAfterMs: number;

  constructor(vitest: Vitest, journal: MutantJournal, silentAfterMs: number) {
    this.#vitest = vitest;
    this.#journal = journal;
    this.#silentAfterMs = silentAfterMs;
  }

  /**
   * When a process falls silent, the next goes on where it was, without the mutant it tried last.
   */
  async tryAll(tests: readonly TestSpecification[], trial: Pick<MutantTrial, 'ofFile'> = {}): Promise<void> {
    this.#journal.noteBegin();
    for (let inVain = 0; inVain < inVainMax;) {
      const { killed, hung, trying } = this.#journal.read();
      const ended = await this.#run(tests, { ...trial, judged: [...killed, ...hung] });
      if (ended === 'passed') return;
      if (ended === 'failed') throw new Error(this.#failureText());
      const { trying: last } = this.#journal.read();
      // On a busy machine a test may be silent that long without any mutant.
      if (last === undefined || last === trying) inVain += 1;
      else {
        this.#journal.note('hung', last);
        inVain = 0;
      }
    }
    throw new Error('Failed to try the mutants: a test without any does not end. Mend it first.');
  }

  /** Tries each mutant that needs a process of its own, by the tests named after its file first. */
  async tryAlone(tests: readonly TestSpecification[], ofFile: Readonly<Record<string, string>>): Promise<void> {
    const { met, killed, hung, loading, between, alone } = this.#journal.read();
    const beside = [...between].filter((mutant) => !met.has(mutant));
    for (const mutant of new Set([...alone, ...loading, ...beside])) {
      if (killed.has(mutant) || hung.has(mutant)) continue;
      const { own = [], others = [] } = Object.groupBy(tests, ({ moduleId }) =>
        basename(moduleId).startsWith(`${ofFile[mutant] ?? ''}.`) ? 'own' : 'others',
      );
      const ended = await this.#run([...own, ...others], { judged: [], alone: mutant });
      if (ended !== 'passed') this.#journal.note(ended === 'failed' ? 'killed' : 'hung', mutant);
    }
  }

  /** One run of Vitest, whose process is ended when it is silent for too long. */
  async #run(
    tests: readonly TestSpecification[],
    trial: Omit<MutantTrial, 'journal'>,
  ): Promise<'passed' | 'failed' | 'silent'> {
    this.#vitest.provide('mutantTrial', { journal: this.#journal.path, ...trial });
    this.#vitest.config.bail = trial.alone === undefined ? 0 : 1;
    this.#vitest.state.filesMap.clear();
    this.#journal.noteRun();
    const startedAtMs = Date.now();
    const watched = { isSilent: false };
    const watch = setInterval(() => {
      const heardAtMs = Math.max(startedAtMs, this.#journal.heardAtMs());
      if (watched.isSilent || Date.now() - heardAtMs < this.#silentAfterMs) return;
      // On a busy machine a process takes long to begin: what is silent until then is no loop.
      const { process: pid } = this.#journal.read();
      if (pid === undefined) return;
      watched.isSilent = endProcess(pid);
    }, 1_000);
    try {
      const { testModules } = await this.#vitest.runTestSpecifications([...tests]);
      if (watched.isSilent) return 'silent';
      return testModules.every((testModule) => testModule.ok()) ? 'passed' : 'failed';
    } finally {
      clearInterval(watch);
    }
  }

  #failureText(): string {
    const failures = this.#vitest.state
      .getTestModules()
      .filter((testModule) => !testModule.ok())
      .map((testModule) => {
        const [test] = testModule.children.allTests('failed');
        const [error] = [...testModule.errors(), ...(test?.result().errors ?? [])];
        return `${basename(testModule.moduleId)}: ${test?.fullName ?? ''}: ${error?.message ?? ''}\n`;
      });
    return `Failed to try the mutants: tests fail without any.\n${failures.join('')}Mend them first.`;
  }
}

/** Whether there was one to end: it may have ended by itself. */
function endProcess(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}
