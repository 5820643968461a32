import { createMatcher, type ActivationFile, type Matcher } from '@activation-hub/activation-file';
import type { Observation, ObservedChange, ObservedEvent } from '@activation-hub/activation';
import type {
  ChangeDetail,
  ChangeRow,
  Overview,
  PartitionLag,
  SeriesPoint,
  StreamMessage,
} from '@activation-hub/console-contract';
import { Activity } from './activity.ts';
import { attentionOf } from './attention.ts';
import { ChangeLog, maskedRow, type KeptExport } from './change-log.ts';
import type { ChangesMax, StreamSource } from './event-stream.ts';
import type { KeptAttempt } from './observed-requests.ts';

/** What a page gets at once when it opens. */
const rowsAtBeginning = 1_000;
/** Seconds that are sent each time, so that one that is late on its way leaves no gap. */
const secondsAgain = 3;
const warningsMax = 5;

export interface LiveOptions {
  readonly file: ActivationFile;
  /** Values that are never shown. */
  readonly secrets: readonly string[];
  readonly now: () => number;
  readonly partitions: () => readonly PartitionLag[];
  /** Dead letters by destination, as far as they were counted. */
  readonly deadLetters: () => ReadonlyMap<string, number>;
  /** What is wrong with stand-ins, by destination. */
  readonly faults: () => Overview['faults'];
  /**
   * Told of each change, with the person masked, and before it of the attempts that were made for
   * it.
   */
  readonly onChange?: (row: ChangeRow) => void;
  readonly onAttempt?: (attempt: KeptAttempt) => void;
}

/** Everything that happens on this machine, as the page shows it. */
export class LiveSource implements StreamSource {
  readonly #options: Omit<LiveOptions, 'file' | 'secrets'>;
  #destinations: ActivationFile['destinations'];
  #matcher: Matcher;
  readonly #log: ChangeLog;
  readonly #activity: Activity;
  readonly #warnings: string[] = [];
  readonly #awaited = new Set<{ readonly body: string; readonly resolve: (kept: KeptExport) => void }>();
  #exports = 0;
  #leftOut = 0;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#destinations = options.file.destinations;
    this.#matcher = createMatcher(options.file);
    this.#log = new ChangeLog(options.secrets);
    this.#activity = new Activity(options.file);
  }

  observe(observation: Observation): void {
    if (!this.#isOfFile(observation)) return;
    const row = this.#log.add(observation);
    const { onChange, onAttempt } = this.#options;
    if (row !== undefined) onChange?.(maskedRow(row));
    if (observation.is === 'attempt' && this.#log.lastAttempt !== undefined) onAttempt?.(this.#log.lastAttempt);
    if (observation.is === 'change') this.#activity.add(observation);
    else if (observation.is === 'event') this.#tookExport(observation);
    else if (observation.is === 'circuits') this.#activity.circuits = observation.circuits;
    else if (observation.is === 'left-out') this.#leftOut += observation.count;
  }

  /** Another file counts from now on; what happened stays. */
  follow({ file, secrets }: Pick<LiveOptions, 'file' | 'secrets'>): void {
    this.#destinations = file.destinations;
    this.#matcher = createMatcher(file);
    this.#activity.follow(file);
    this.#log.hide(secrets);
  }

  warn(message: string): void {
    if (this.#warnings.includes(message)) return;
    this.#warnings.push(message);
    if (this.#warnings.length > warningsMax) this.#warnings.shift();
  }

  begin(showsPeople: boolean): ReturnType<StreamSource['begin']> {
    const nowMs = this.#options.now();
    return {
      is: 'begin',
      rows: this.#shown(this.#log.after(0, rowsAtBeginning).rows, showsPeople),
      series: this.#activity.series(nowMs),
      overview: this.#overviewAt(nowMs),
    };
  }

  changesAfter(
    id: number,
    showsPeople: boolean,
    { rowsMax, behindMax }: ChangesMax,
  ): ReturnType<StreamSource['changesAfter']> {
    const { rows, leftOut } = this.#log.after(id, rowsMax, behindMax);
    return { rows: this.#shown(rows, showsPeople), leftOut };
  }

  overview(): Extract<StreamMessage, { is: 'overview' }> {
    const nowMs = this.#options.now();
    return { is: 'overview', overview: this.#overviewAt(nowMs), points: this.#activity.series(nowMs, secondsAgain) };
  }

  /** The last seconds that are over, from old to new. */
  lately(seconds: number): readonly SeriesPoint[] {
    return this.#activity.series(this.#options.now(), seconds);
  }

  detail(id: number): ChangeDetail | undefined {
    return this.#log.detail(id);
  }

  recentExports(count: number): readonly KeptExport[] {
    return this.#log.exports(count);
  }

  /**
   * Resolves with the next export that has this body; with nothing when the signal aborts before.
   */
  arrival(body: string, signal: AbortSignal): Promise<KeptExport | undefined> {
    const { promise, resolve } = Promise.withResolvers<KeptExport | undefined>();
    const waiting = { body, resolve };
    this.#awaited.add(waiting);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
    return promise.finally(() => this.#awaited.delete(waiting));
  }

  attemptsAt(destination: string): ReturnType<ChangeLog['attemptsAt']> {
    return this.#log.attemptsAt(destination, this.#options.now());
  }

  get circuits(): Activity['circuits'] {
    return this.#activity.circuits;
  }

  #tookExport({ partitionId, sequenceNumber, enqueuedAtMs, body }: ObservedEvent): void {
    this.#exports += 1;
    for (const awaited of this.#awaited)
      if (awaited.body === body) awaited.resolve({ id: `${partitionId}-${sequenceNumber}`, enqueuedAtMs, body });
  }

  #overviewAt(nowMs: number): Overview {
    const { partitions, deadLetters } = this.#options;
    const lag = partitions();
    const letters = deadLetters();
    return {
      atMs: nowMs,
      attention: attentionOf({
        nowMs,
        circuits: this.#activity.circuits,
        waitingAt: (destination) => this.#activity.waitingAt(destination),
        deadLetters: letters,
        matcher: this.#matcher,
        partitions: lag,
        warnings: this.#warnings,
        leftOut: this.#leftOut,
      }),
      cells: this.#activity.cells(nowMs),
      circuits: this.#activity.circuits,
      faults: this.#options.faults(),
      partitions: lag,
      deadLetters: [...letters.values()].reduce((sum, count) => sum + count, 0),
      waiting: this.#activity.waiting,
      exports: this.#exports,
    };
  }

  #shown(rows: readonly ChangeRow[], showsPeople: boolean): readonly ChangeRow[] {
    return showsPeople ? rows : rows.map(maskedRow);
  }

  /** The canary is not of the file, and no change of a person. */
  #isOfFile(observation: Observation): boolean {
    const isKnown = ({ destination }: Pick<ObservedChange, 'destination'>): boolean =>
      this.#destinations.has(destination);
    return observation.is !== 'change' && observation.is !== 'attempt' ? true : isKnown(observation);
  }
}
