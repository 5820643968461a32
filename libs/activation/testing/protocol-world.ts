import { createMatcher, type ActivationFile } from '@activation-hub/activation-file';
import {
  createTarget,
  InMemoryDeadLetters,
  InMemoryRetryQueue,
  rowsOf,
  sweepRetries,
  type Clock,
  type DeadLetter,
  type Retry,
  type Target,
} from '@activation-hub/delivery';
import { InMemoryLedger, type LedgerEntry } from '@activation-hub/membership';
import { Counters, createTelemetry } from '@activation-hub/telemetry';
import type * as fc from 'fast-check';
import { setImmediate } from 'node:timers/promises';
import {
  activate,
  activateRetry,
  defaultTiming,
  LedgerCache,
  RetriesInWork,
  retryWork,
  type ActivationContext,
  type ReceivedEvent,
  type Work,
} from '../src/index.ts';
import { noonMs } from './example-events.ts';
import { RecordingDestination } from './recording-destination.ts';
import type { Disturbances, Operation, WorldOptions } from './world-options.ts';
import {
  steppingConnector,
  steppingDeadLetters,
  steppingLedger,
  steppingRetryQueue,
  type Step,
} from './stepping-stores.ts';
import { defaultFile, openActivation, parseTestFile } from './test-activation.ts';

type Job =
  { readonly events: readonly ReceivedEvent[] } | { readonly message: string } | { readonly operation: Operation };

/** One process: everything that it keeps in memory is gone when it crashes. */
interface Life {
  readonly fileNumber: number;
  readonly context: ActivationContext;
  readonly lines: string[];
  readonly died: Promise<void>;
  readonly die: () => void;
  /** The retry that it works on, once that is read. */
  readonly retries: Retry[];
  isDead: boolean;
}

const parts = openActivation().context;
/** Longer than a lease lives, clock skew included. */
const standstillMs = defaultTiming.leaseMs + 30_000;
const shiftsMax = 200;
const shiftsOfDisturbance = 3;
const stepsMax = 20_000;

/**
 * Workers that share a ledger, a retry queue, dead letters and a destination, and run the real
 * `activate`. Every access to something shared is a step that the scheduler lets happen when it
 * likes.
 */
export class ProtocolWorld {
  readonly destination = new RecordingDestination();
  readonly #ledger = new InMemoryLedger();
  readonly #retryQueue = new InMemoryRetryQueue();
  readonly #deadLetters = new InMemoryDeadLetters();
  readonly #scheduler: fc.Scheduler;
  readonly #disturbances: Disturbances;
  readonly #options: WorldOptions;
  readonly #files: readonly ActivationFile[];
  readonly #lives: Life[];
  #nowMs = noonMs + 3_600_000;
  #steps = 0;
  #requests = 0;
  #works = 0;
  #isCalm = false;
  #isDeployed = false;
  /** What a crash or a failing store has left to be given again. */
  #redelivered: Job[] = [];
  /** Sentences about calls that counted another number of outcomes than they had changes. */
  readonly miscounted: string[] = [];

  constructor(scheduler: fc.Scheduler, disturbances: Disturbances, options: WorldOptions = {}) {
    this.#scheduler = scheduler;
    this.#disturbances = disturbances;
    this.#options = options;
    this.destination.audienceOf = ({ audience }) => audience.id;
    this.#files = (options.files ?? [defaultFile]).map(parseOnce);
    this.#lives = disturbances.clockOffsetsMs.map((_, worker) => this.#begin(worker));
  }

  /** How many steps were taken. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * Gives every worker its batches and operations, in three shifts of disturbances, and then calm
   * ones until nothing is left to be done.
   */
  async run(jobsByWorker: readonly (readonly (readonly ReceivedEvent[] | Operation)[])[]): Promise<void> {
    await this.#shift(
      jobsByWorker.map((jobs) => jobs.map((job): Job => ('label' in job ? { operation: job } : { events: job }))),
    );
    await this.#comeToRest();
  }

  /**
   * Gives the batches of one partition in their order, each to the worker that has the partition
   * then; one that fails comes again before the next.
   */
  async runInOrder(batches: readonly { readonly worker: number; readonly events: readonly ReceivedEvent[] }[]) {
    for (const { worker, events } of batches) {
      do {
        await this.#shift(this.#lives.map((_, each) => (each === worker ? [{ events }] : [])));
      } while (this.#takeRedelivered(events));
    }
    await this.#comeToRest();
  }

  /**
   * Lets an operator do something when everything has come to rest, and everything come to rest
   * again.
   */
  async operate(operation: Operation): Promise<void> {
    this.#isCalm = true;
    await this.#shift([[{ operation }]]);
    await this.#comeToRest(shiftsOfDisturbance);
  }

  /** Gives events when everything has come to rest, and lets everything come to rest again. */
  async give(events: readonly ReceivedEvent[]): Promise<void> {
    this.#isCalm = true;
    await this.#shift([[{ events }]]);
    await this.#comeToRest(shiftsOfDisturbance);
  }

  /** Lets so much time pass that every lease expires. */
  outliveLeases(): void {
    this.#nowMs += standstillMs;
  }

  /** Deploys the last of the files to every worker. */
  deployLast(): void {
    this.#isDeployed = true;
  }

  async #comeToRest(shiftsBefore = 0): Promise<void> {
    for (let shift = shiftsBefore + 1; ; shift += 1) {
      if (shift > shiftsMax) throw new Error('The workers do not come to an end.');
      this.#isCalm = shift > shiftsOfDisturbance;
      const dueAtMs = this.#retryQueue.nextDueAtMs;
      // An operator whose command failed starts it again when the leases that it left have expired.
      const isOperatorsTurn = dueAtMs === undefined && this.#redelivered.every((job) => 'operation' in job);
      if (isOperatorsTurn) this.#nowMs += standstillMs;
      const jobs = this.#redelivered.filter((job) => isOperatorsTurn || !('operation' in job));
      if (this.#redelivered.length === 0 && dueAtMs === undefined) {
        // What a failed removal has left is taken up by the nightly sweep.
        const night = { nowMs: this.#nowMs, ageMaxMs: () => 0, signal: never };
        if ((await sweepRetries(this.#retryQueue, night)).madeDue === 0) return;
        continue;
      }
      this.#redelivered = this.#redelivered.filter((job) => !jobs.includes(job));
      // A partition is given to the next worker long before a lease expires, or when a whole host
      // is back long after.
      this.#nowMs =
        jobs.length > 0 && shift % 2 === 1 ? this.#nowMs + 1_000 : Math.max(this.#nowMs, dueAtMs ?? 0) + 4_000;
      if (shift > 8) this.#nowMs += standstillMs;
      jobs.push(...this.#takeDue(this.#nowMs));
      await this.#shift(
        this.#lives.map((_, worker) => jobs.filter((_, job) => (job + shift) % this.#lives.length === worker)),
      );
    }
  }

  /** Everything that the ledger knows. */
  async rows(): Promise<readonly LedgerEntry[]> {
    const rows: LedgerEntry[] = [];
    for await (const row of this.#ledger.rows({}, never)) rows.push(row);
    return rows;
  }

  /** The retries that wait; most of those without events are what a replaced one has left. */
  async retries(): Promise<readonly Retry[]> {
    const waiting: Retry[] = [];
    for await (const retry of this.#retryQueue.waiting(never)) waiting.push(retry);
    return waiting;
  }

  get letters(): readonly DeadLetter[] {
    return [...this.#deadLetters.letters.values()];
  }

  async #shift(jobsByWorker: readonly (readonly Job[])[]): Promise<void> {
    const ended = Promise.all(jobsByWorker.map((jobs, worker) => this.#work(worker, jobs)));
    while (this.#scheduler.count() > 0) await this.#scheduler.waitIdle();
    for (let isOver = false; !isOver;) {
      isOver = await Promise.race([ended.then(() => true), setImmediate(false)]);
      while (this.#scheduler.count() > 0) await this.#scheduler.waitIdle();
    }
  }

  async #work(worker: number, jobs: readonly Job[]): Promise<void> {
    for (const job of jobs) {
      await this.#scheduler.schedule(Promise.resolve(), `worker ${worker} begins`);
      this.#nowMs += this.#isCalm ? 0 : (this.#disturbances.ticksMs[this.#works] ?? 0);
      this.#works += 1;
      await this.#do(worker, job);
      for (const due of this.#takeDue(this.#clockOf(worker).now())) await this.#do(worker, due);
    }
  }

  /** Whether the work on these events failed, so that the caller gives them again. */
  #takeRedelivered(events: readonly ReceivedEvent[]): boolean {
    const left = this.#redelivered.filter((job) => !('events' in job) || job.events !== events);
    const isRedelivered = left.length < this.#redelivered.length;
    this.#redelivered = left;
    return isRedelivered;
  }

  #takeDue(nowMs: number): Job[] {
    const { repeatsMessages } = this.#disturbances;
    return this.#retryQueue
      .takeDue(nowMs)
      .flatMap((message) => (repeatsMessages && !this.#isCalm ? [{ message }, { message }] : [{ message }]));
  }

  /** Does what a trigger does: gives the work, and gives it again when it did not end well. */
  async #do(worker: number, job: Job): Promise<void> {
    // After a deployment every new call runs in a process of the new version.
    if (this.#lives[worker]?.fileNumber !== this.#fileFor(worker)) this.#lives[worker] = this.#begin(worker);
    const life = this.#lives[worker];
    try {
      await Promise.race([this.#attempt(life, job), life.died]);
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      this.#redelivered.push(job);
    }
    if (!life.isDead) return;
    this.#redelivered.push(job);
    this.#lives[worker] = this.#begin(worker);
  }

  async #attempt(life: Life, job: Job): Promise<void> {
    const { context, lines, fileNumber } = life;
    lines.length = 0;
    life.retries.length = 0;
    if ('operation' in job) {
      await job.operation.run(context);
      return;
    }
    if ('events' in job) await activate(job, context);
    else await activateRetry(job.message, context);
    // A retry whose circuit is open is not read.
    const [retry] = life.retries;
    const work: Work | undefined = 'events' in job ? job : retry && retryWork(retry);
    if (work === undefined) return;
    const { changesOf = () => 1 } = this.#options;
    const file = this.#files[fileNumber];
    const changes = file === undefined ? 0 : work.events.reduce((sum, event) => sum + changesOf(event, file), 0);
    const settled = lines
      .map((line) => JSON.parse(line) as Settled)
      .findLast(({ signal }) => signal.endsWith('-settled'));
    const counts = Object.values(settled?.outcomes ?? {}).flatMap((outcomes) => Object.values(outcomes));
    const counted = counts.reduce((sum, count) => sum + count, 0) - (settled?.formerIdentities ?? 0);
    // A retry may also have to do with rows to which its events do not resolve, and with events
    // that the file does not route.
    const { retry: worked } = work;
    const alone = worked?.events.filter(({ rows }) => rows.length === 0).length ?? 0;
    const besides = worked === undefined ? 0 : rowsOf(worked).length + alone;
    if (counted < changes || counted > changes + besides)
      this.miscounted.push(`${counted} outcomes of ${changes} changes and ${besides} rows`);
  }

  /** A deployment replaces one worker after the other. */
  #fileFor(worker: number): number {
    const { fileChanges = [], replacedEvery = 0 } = this.#options;
    const changed = fileChanges.filter((at) => at + worker * replacedEvery <= this.#steps).length;
    return this.#isDeployed ? this.#files.length - 1 : Math.min(changed, this.#files.length - 1);
  }

  #begin(worker: number): Life {
    const { promise: died, resolve } = Promise.withResolvers<undefined>();
    const clock = this.#clockOf(worker);
    const lines: string[] = [];
    const fileNumber = this.#fileFor(worker);
    const life = { isDead: false, retries: [] as Retry[], died, die: () => resolve(undefined), lines, fileNumber } as {
      -readonly [Key in keyof Life]: Life[Key];
    };
    const step = this.#stepOf(life, worker);
    const file = this.#files[fileNumber];
    if (file === undefined) throw new Error('There is no such file.');
    const { breakage = {}, cacheAgeMs = 300_000, expectAfterKeys = 2 } = this.#options;
    const { ledger = same, retryQueue = same, deadLetters = same, telemetry = same } = breakage;
    const queue = retryQueue(steppingRetryQueue(this.#retryQueue, step));
    life.context = {
      ...parts,
      matcher: createMatcher(file),
      stall: file.stall,
      ledger: ledger(steppingLedger(this.#ledger, step)),
      ledgerCache: new LedgerCache({ bytesMax: 200_000, ageMaxMs: cacheAgeMs, expectAfterKeys }),
      retryQueue: {
        ...queue,
        read: async (...read) => {
          const retry = await queue.read(...read);
          if (retry !== undefined) life.retries.push(retry);
          return retry;
        },
      },
      retriesInWork: new RetriesInWork(),
      deadLetters: deadLetters(steppingDeadLetters(this.#deadLetters, step)),
      targets: new Map([...file.destinations.keys()].map((key) => [key, this.#targetOf(key, clock, step)])),
      telemetry: telemetry(
        createTelemetry({ level: 'debug', counters: new Counters(), write: (_, line) => void lines.push(line) }),
      ),
      timing: { ...defaultTiming, waitMaxMs: 0 },
      clock,
    };
    return life;
  }

  /** Every destination of the files is the same third party under another name. */
  #targetOf(key: string, clock: Clock, step: Step): Target {
    const limits = { batchCount: 2, batchBytes: 100_000, requestsPerSecond: 100_000, concurrency: 2 };
    const requests = {
      fault: () => (this.#isCalm ? 'none' : (this.#disturbances.requests[this.#requests++] ?? 'none')),
      arrives: (label: string) => this.#scheduler.schedule(Promise.resolve(), label),
    };
    const { breakage: { connector = same } = {}, giveUpAfterMs = 1e12, membershipDays } = this.#options;
    const told = connector(steppingConnector(this.destination, step, requests));
    const target = { key, connector: told, limits, batchBy: 'destination', giveUpAfterMs } as const;
    return createTarget({ ...target, membershipDays: () => membershipDays }, clock);
  }

  #clockOf(worker: number): Clock {
    const offsetMs = this.#disturbances.clockOffsetsMs[worker] ?? 0;
    return { now: () => this.#nowMs + offsetMs, sleep: () => Promise.resolve(), random: () => 0.5 };
  }

  /**
   * What is done in it happens at some time, and its end is seen at some later time, or never by a
   * process that crashed.
   */
  #stepOf(life: Life, worker: number): Step {
    return async (label, access) => {
      await this.#take(life, `worker ${worker}: ${label}`);
      const number = this.#steps;
      const fails = !this.#isCalm && access.of === 'store' && this.#disturbances.storeFailures.includes(number);
      if (fails && number % 2 === 1) throw new StoreFailure();
      const result = await access.do();
      await this.#take(life, `worker ${worker}: ${label} is over`);
      if (fails) throw new StoreFailure();
      return result;
    };
  }

  async #take(life: Life, label: string): Promise<void> {
    if (life.isDead) await forever;
    await this.#scheduler.schedule(Promise.resolve(), label);
    if (life.isDead) await forever;
    this.#steps += 1;
    if (this.#steps > stepsMax) throw new Error('The workers take steps without an end.');
    if (this.#isCalm) return;
    if (this.#disturbances.standstills.includes(this.#steps)) this.#nowMs += standstillMs;
    if (!this.#disturbances.crashes.includes(this.#steps)) return;
    life.isDead = true;
    life.die();
    await forever;
  }
}

class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
}

interface Settled {
  readonly signal: string;
  readonly formerIdentities?: number;
  readonly outcomes?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Parsing takes longer than a run, and there are few files. */
const parsed = new Map<string, ActivationFile>();
function parseOnce(text: string): ActivationFile {
  const file = parsed.get(text) ?? parseTestFile(text);
  parsed.set(text, file);
  return file;
}

const same = <Part>(part: Part): Part => part;
const { signal: never } = new AbortController();
const forever = Promise.withResolvers<never>().promise;
