import {
  createTarget,
  InMemoryDeadLetters,
  InMemoryRetryQueue,
  sweepRetries,
  type Clock,
} from '@activation-hub/delivery';
import type { Connector } from '@activation-hub/destination-kit';
import { InMemoryLedger, type Ledger, type LedgerEntry } from '@activation-hub/membership';
import { Counters, createTelemetry } from '@activation-hub/telemetry';
import type * as fc from 'fast-check';
import { setImmediate } from 'node:timers/promises';
import {
  activate,
  defaultTiming,
  LedgerCache,
  retryWork,
  type ActivationContext,
  type ReceivedEvent,
} from '../src/index.ts';
import { noonMs } from './example-events.ts';
import { RecordingDestination } from './recording-destination.ts';
import { steppingConnector, steppingDeadLetters, steppingLedger, steppingRetryQueue } from './stepping-stores.ts';
import { openActivation } from './test-activation.ts';

/**
 * What happens to one request at the destination: it is not taken, or it is, and what is answered leaves doubt; there is no
 * answer, and it has arrived, arrives about now, or much later; or of its changes only the first is taken.
 */
export type RequestFault = 'none' | 'refused' | 'answered' | 'unheard' | 'unanswered' | 'late' | 'partly';

/** What goes wrong, and when. Steps are counted over all workers; lists that are used up mean that nothing more goes wrong. */
export interface Disturbances {
  /** By how much each worker's clock is wrong, in milliseconds; as many as there are workers. */
  readonly clockOffsetsMs: readonly number[];
  /** What happens to the first, second, … request. */
  readonly requests: readonly RequestFault[];
  /** Whoever takes one of these steps ends in it, before or after the store or the destination did its part. */
  readonly crashes: readonly number[];
  /** At these steps a store fails, after it did its part where the number is even. */
  readonly storeFailures: readonly number[];
  /** Before these steps, so much time passes that all leases expire, as for a process that stands still. */
  readonly standstills: readonly number[];
  /** How much time passes before each piece of work; together less than the life of a lease less the deadline. */
  readonly ticksMs: readonly number[];
  /** Whether a message of the retry queue is given to two workers. */
  readonly repeatsMessages: boolean;
}

/** How a control breaks the protocol. */
export interface Breakage {
  readonly ledger?: (ledger: Ledger) => Ledger;
  readonly connector?: (connector: Connector) => Connector;
}

type Job = { readonly events: readonly ReceivedEvent[] } | { readonly message: string };

/** One process: everything that it keeps in memory is gone when it crashes. */
interface Life {
  readonly context: ActivationContext;
  readonly lines: string[];
  readonly died: Promise<void>;
  readonly die: () => void;
  isDead: boolean;
}

const parts = openActivation().context;
/** Longer than a lease lives, whoever's clock is asked. */
const standstillMs = defaultTiming.leaseMs + 30_000;
const shiftsMax = 200;
const stepsMax = 20_000;

/**
 * Workers that share a ledger, a retry queue, dead letters and a destination, and run the real `activate`. Every access to
 * something shared is a step that the scheduler lets happen when it likes.
 */
export class ProtocolWorld {
  readonly destination = new RecordingDestination();
  readonly #ledger = new InMemoryLedger();
  readonly #retryQueue = new InMemoryRetryQueue();
  readonly #deadLetters = new InMemoryDeadLetters();
  readonly #scheduler: fc.Scheduler;
  readonly #disturbances: Disturbances;
  readonly #breakage: Breakage;
  readonly #lives: Life[];
  #nowMs = noonMs + 3_600_000;
  #steps = 0;
  #requests = 0;
  #works = 0;
  #isCalm = false;
  /** What a crash or a failing store has left to be given again. */
  #redelivered: Job[] = [];
  /** Sentences about calls that counted another number of outcomes than they had changes. */
  readonly miscounted: string[] = [];

  constructor(scheduler: fc.Scheduler, disturbances: Disturbances, breakage: Breakage = {}) {
    this.#scheduler = scheduler;
    this.#disturbances = disturbances;
    this.#breakage = breakage;
    this.#lives = disturbances.clockOffsetsMs.map((_, worker) => this.#begin(worker));
  }

  /** How many steps were taken. */
  get steps(): number {
    return this.#steps;
  }

  /** Gives every worker its batches, in three shifts of disturbances, and then calm ones until nothing is left to be done. */
  async run(batchesByWorker: readonly (readonly (readonly ReceivedEvent[])[])[]): Promise<void> {
    await this.#shift(batchesByWorker.map((batches) => batches.map((events) => ({ events }))));
    for (let shift = 1; ; shift += 1) {
      if (shift > shiftsMax) throw new Error('The workers do not come to an end.');
      this.#isCalm = shift > 3;
      const dueAtMs = this.#retryQueue.nextDueAtMs;
      const jobs = this.#redelivered;
      if (jobs.length === 0 && dueAtMs === undefined) {
        // What a failed removal has left is taken up by the nightly sweep.
        const night = { nowMs: this.#nowMs, ageMaxMs: () => 0, signal: never };
        if ((await sweepRetries(this.#retryQueue, night)).madeDue === 0) return;
        continue;
      }
      this.#redelivered = [];
      // A partition is given to the next worker long before a lease expires, or when a whole host is back long after.
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

  /** How many retries wait, and how many letters there are. */
  async leftovers(): Promise<number> {
    let waiting = 0;
    for await (const { events } of this.#retryQueue.waiting(never)) waiting += Math.min(events.length, 1);
    return waiting + this.#deadLetters.letters.size;
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

  #takeDue(nowMs: number): Job[] {
    const { repeatsMessages } = this.#disturbances;
    return this.#retryQueue
      .takeDue(nowMs)
      .flatMap((message) => (repeatsMessages && !this.#isCalm ? [{ message }, { message }] : [{ message }]));
  }

  /** Does what a trigger does: gives the work, and gives it again when it did not end well. */
  async #do(worker: number, job: Job): Promise<void> {
    const life = this.#lives[worker];
    if (life === undefined) throw new Error('There is no such worker.');
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

  async #attempt({ context, lines }: Life, job: Job): Promise<void> {
    lines.length = 0;
    let events = 0;
    if ('events' in job) {
      events = job.events.length;
      await activate(job, context);
    } else {
      const retry = await context.retryQueue.read(job.message, never);
      if (retry === undefined) return;
      events = retry.events.length;
      await activate(retryWork(retry), context);
    }
    const settled = lines
      .map((line) => JSON.parse(line) as Settled)
      .findLast(({ signal }) => signal.endsWith('-settled'));
    const counts = Object.values(settled?.outcomes ?? {}).flatMap((outcomes) => Object.values(outcomes));
    const counted = counts.reduce((sum, count) => sum + count, 0);
    if (counted - (settled?.formerIdentities ?? 0) !== events)
      this.miscounted.push(`${counted} outcomes of ${events} changes`);
  }

  #begin(worker: number): Life {
    const { promise: died, resolve } = Promise.withResolvers<undefined>();
    const clock = this.#clockOf(worker);
    const lines: string[] = [];
    const life = { isDead: false, died, die: () => resolve(undefined), lines } as {
      -readonly [Key in keyof Life]: Life[Key];
    };
    const step = this.#stepOf(life, worker);
    const { ledger = (it: Ledger) => it, connector = (it: Connector) => it } = this.#breakage;
    const limits = { batchCount: 2, batchBytes: 100_000, requestsPerSecond: 100_000, concurrency: 2 };
    const requests = {
      fault: () => (this.#isCalm ? 'none' : (this.#disturbances.requests[this.#requests++] ?? 'none')),
      arrives: (label: string) => this.#scheduler.schedule(Promise.resolve(), label),
    };
    const told = connector(steppingConnector(this.destination, step, requests));
    life.context = {
      ...parts,
      ledger: ledger(steppingLedger(this.#ledger, step)),
      ledgerCache: new LedgerCache({ entriesMax: 100, ageMaxMs: 300_000 }),
      retryQueue: steppingRetryQueue(this.#retryQueue, step),
      deadLetters: steppingDeadLetters(this.#deadLetters, step),
      targets: new Map([
        [
          'crm',
          createTarget({ key: 'crm', connector: told, limits, batchBy: 'destination', giveUpAfterMs: 1e12 }, clock),
        ],
      ]),
      telemetry: createTelemetry({
        level: 'debug',
        counters: new Counters(),
        write: (_, line) => void lines.push(line),
      }),
      timing: { ...defaultTiming, waitMaxMs: 0 },
      clock,
    };
    return life;
  }

  #clockOf(worker: number): Clock {
    const offsetMs = this.#disturbances.clockOffsetsMs[worker] ?? 0;
    return { now: () => this.#nowMs + offsetMs, sleep: () => Promise.resolve(), random: () => 0.5 };
  }

  /** What is done in it happens at some time, and its end is seen at some later time, or never by whoever crashed. */
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

/** A step at something shared; `do` is what happens there, all at once. */
export type Step = <Result>(
  label: string,
  access: { readonly of: 'store' | 'destination'; readonly do: () => Promise<Result> },
) => Promise<Result>;

class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
}

interface Settled {
  readonly signal: string;
  readonly formerIdentities?: number;
  readonly outcomes?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const { signal: never } = new AbortController();
const forever = Promise.withResolvers<never>().promise;
