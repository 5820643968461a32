import { basename } from 'node:path';
import { performance } from 'node:perf_hooks';
import { inject, TestRunner, type RunnerTestCase } from 'vitest';
import { MutantJournal } from './mutant-journal.ts';

/** What a process that tries mutants is told. */
export interface MutantTrial {
  /** The path of the journal. */
  readonly journal: string;
  /** Mutants that are judged already. */
  readonly judged: readonly string[];
  /** The file of each mutant, without its ending: only tests that are named after it try it. */
  readonly ofFile?: Readonly<Record<string, string>>;
  /** The only mutant, switched on before anything is loaded. */
  readonly alone?: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    mutantTrial: MutantTrial;
  }
}

/** Where Stryker's instrumenter looks which mutant is on, and counts how often each is met. */
interface Switches {
  activeMutant?: string | undefined;
  currentTestId?: Part | undefined;
  hitCount?: number;
  hitLimit?: number;
  readonly mutantCoverage?: {
    readonly perTest: Partial<Record<Part, Readonly<Record<string, number>> | undefined>>;
  };
}

/** Where a mutant is met. What a repetition meets counts for nothing. */
type Part = 'loading' | 'between' | 'original' | 'repetition';

/** An endless loop ends when it has met its mutant so many times as often as the original does. */
const hitsFactor = 100;
/** For a mutant whose hits were not counted. */
const hitsMax = 1_000_000;
/**
 * A test waits for what never comes when the process had nothing to do for this long, beside many
 * times as long as in the test without a mutant. Time in which a busy machine runs others does not
 * count.
 */
const idleAfterMs = 400;
const idleAfterFactor = 20;
/** A test that is never idle hangs when it has run for this and many times what it took before. */
const runsAfterMs = 3_000;
const runsAfterFactor = 20;
/** For a test that was never seen without its mutant; far more than any of ours is idle. */
const aloneLimits: Limits = { idleMs: 30_000, runMs: 300_000 };
const lookEveryMs = 50;
/**
 * A test that takes more of a processor tries no mutants: what only it finds deserves a small test,
 * as what only a model finds.
 */
const processorMaxMs = 1_500;
const signOfLifeEveryMs = 1_000;

/** Of this process: all tests run in one, and what one has found is no other's subject. */
interface Tried {
  readonly met: Set<string>;
  readonly judged: Set<string>;
  /** Tests that are done, by a process before this one. */
  readonly done: ReadonlySet<string>;
  /** A mutant may have left something behind, such as a timer. */
  isMarked: boolean;
}

const globals = globalThis as unknown as { __stryker__?: Switches; triedMutants?: Tried };
const switches = (globals.__stryker__ ??= {});
// Taken before a test puts fake ones in their place.
const { setInterval: startLooking, clearInterval: stopLooking } = globalThis;

/**
 * Runs each test as Vitest does, and then its body once more for every mutant that the test meets
 * and that no earlier test has found.
 *
 * A failure counts only when the test passes without the mutant before and after it. What cannot be
 * judged so is noted as `alone` or `loading`, for a process of its own.
 */
export default class MutantRunner extends TestRunner {
  readonly #trial = inject('mutantTrial');
  readonly #journal = new MutantJournal(this.#trial.journal);
  readonly #tried = (globals.triedMutants ??= {
    met: new Set(),
    judged: new Set(this.#trial.judged),
    done: this.#journal.read().done,
    isMarked: false,
  });

  constructor(config: ConstructorParameters<typeof TestRunner>[0]) {
    super(config);
    this.#journal.note('process', process.pid);
    // Not from within an endless loop.
    startLooking(() => this.#journal.touch(), signOfLifeEveryMs).unref();
    if (this.#trial.alone === undefined) return;
    switches.activeMutant = this.#trial.alone;
    switches.hitCount = 0;
    switches.hitLimit = hitsMax;
  }

  override onCollectStart(...file: Parameters<TestRunner['onCollectStart']>): void {
    switches.currentTestId = 'loading';
    super.onCollectStart(...file);
  }

  onCollected(): void {
    switches.currentTestId = 'between';
    for (const mutant of takeHits('loading').keys()) this.#journal.note('loading', mutant);
  }

  override onAfterRunFiles(...files: Parameters<TestRunner['onAfterRunFiles']>): void {
    for (const mutant of takeHits('between').keys()) this.#journal.note('between', mutant);
    super.onAfterRunFiles(...files);
  }

  async runTask(test: RunnerTestCase): Promise<void> {
    if (this.#trial.alone !== undefined) return runAlone(test);
    const name = `${basename(test.file.filepath)} ${test.name.replaceAll(/\s+/g, ' ')}`;
    if (this.#tried.done.has(name)) return;
    switches.currentTestId = 'original';
    const before = performance.eventLoopUtilization();
    const processorBefore = process.cpuUsage();
    try {
      await runBody(test);
    } catch (error) {
      if (!this.#tried.isMarked) throw error;
      // What a mutant has left behind fails it: in this process it judges nothing.
      return;
    } finally {
      switches.currentTestId = 'between';
    }
    const { idle, active } = performance.eventLoopUtilization(before);
    const processor = process.cpuUsage(processorBefore);
    const hits = takeHits('original');
    this.#journal.noteCost(hits.size * (idle + active), test.file.filepath);
    this.#noteMet(hits);
    const isSlow = (processor.user + processor.system) / 1_000 > processorMaxMs;
    await this.#tryMutants(test, isSlow ? new Map() : hits, {
      idleMs: idleAfterMs + idle * idleAfterFactor,
      runMs: runsAfterMs + (idle + active) * runsAfterFactor,
    });
    this.#journal.note('done', name);
  }

  #noteMet(hits: ReadonlyMap<string, number>): void {
    for (const mutant of hits.keys()) {
      if (this.#tried.met.has(mutant)) continue;
      this.#tried.met.add(mutant);
      this.#journal.note('met', mutant);
    }
  }

  async #tryMutants(test: RunnerTestCase, hits: ReadonlyMap<string, number>, limits: Limits): Promise<void> {
    const subjects = [...hits].filter(([mutant]) => this.#isSubject(mutant, test));
    if (subjects.length === 0) return;
    let passes = (await ending(test, limits)) === 'passed';
    for (const [mutant, count] of subjects) {
      if (!passes) {
        this.#journal.note('alone', mutant);
        continue;
      }
      this.#journal.note('trying', mutant);
      this.#tried.isMarked = true;
      switches.activeMutant = mutant;
      switches.hitCount = 0;
      switches.hitLimit = count * hitsFactor;
      const how = await ending(test, limits);
      switches.activeMutant = undefined;
      if (how === 'passed') continue;
      passes = (await ending(test, limits)) === 'passed';
      this.#journal.note(passes ? how : 'alone', mutant);
      if (passes) this.#tried.judged.add(mutant);
    }
  }

  #isSubject(mutant: string, test: RunnerTestCase): boolean {
    const { ofFile } = this.#trial;
    if (this.#tried.judged.has(mutant)) return false;
    return ofFile === undefined || basename(test.file.filepath).startsWith(`${ofFile[mutant] ?? ''}.`);
  }
}

/** Runs a test with a mutant that has the process for itself; it was never seen without. */
async function runAlone(test: RunnerTestCase): Promise<void> {
  const how = await ending(test, aloneLimits);
  if (how !== 'passed') throw new Error(`With the mutant the test is ${how}.`);
}

interface Limits {
  readonly idleMs: number;
  readonly runMs: number;
}

/** How often each mutant was met in a part of the run since this was asked last. */
function takeHits(part: Part): ReadonlyMap<string, number> {
  const parts = switches.mutantCoverage?.perTest ?? {};
  const hits = new Map(Object.entries(parts[part] ?? {}));
  parts[part] = undefined;
  return hits;
}

/** What Vitest keeps at a test while it runs; its types leave it out. */
interface Running {
  /** What `onTestFinished` adds. */
  readonly onFinished?: ((context: RunnerTestCase['context']) => unknown)[];
  /** What `expect(…).rejects` and its like wait for; a test ends when all of it has. */
  promises?: Promise<unknown>[];
}

/** The body of a test, and what it wants done when it has finished. */
async function runBody(test: RunnerTestCase & Running): Promise<void> {
  // A repetition that hangs leaves what it waits for, and no later one would end.
  test.promises = [];
  try {
    await TestRunner.getTestFn(test)();
  } finally {
    const finished = test.onFinished?.splice(0) ?? [];
    for (const finish of finished.toReversed()) await finish(test.context);
  }
}

/** How the body of a test ends: it hangs when it has not ended within the limits. */
async function ending(test: RunnerTestCase, { idleMs, runMs }: Limits): Promise<'passed' | 'killed' | 'hung'> {
  switches.currentTestId = 'repetition';
  const { promise: limit, resolve: hang } = Promise.withResolvers<'hung'>();
  const before = performance.eventLoopUtilization();
  const looking = startLooking(() => {
    const { idle, active } = performance.eventLoopUtilization(before);
    if (idle > idleMs || idle + active > runMs) hang('hung');
  }, lookEveryMs);
  try {
    const body = runBody(test).then(
      () => 'passed' as const,
      () => 'killed' as const,
    );
    return await Promise.race([body, limit]);
  } finally {
    stopLooking(looking);
    switches.currentTestId = 'between';
  }
}
