import { createMatcher, type ActivationFile } from '@activation-hub/activation-file';
import type { Attention, Circuit, MatrixCell, Overview, PartitionLag } from '@activation-hub/console-contract';
import { pauseOf, type Control } from '@activation-hub/delivery';
import { reasonOf } from '../terminal/command-error.ts';
import { counted } from '../terminal/counted.ts';
import { attentionOf } from './attention.ts';
import type { StreamSource } from './event-stream.ts';
import type { DestinationLook, LedgerLook } from './ledger-look.ts';

/** Looks at one part of an environment; throws in words. */
type Look<Seen> = (signal: AbortSignal) => Promise<Seen>;

export interface EnvironmentSourceOptions {
  readonly file: ActivationFile;
  readonly now: () => number;
  readonly ledger: Look<LedgerLook>;
  /** Dead letters by destination. */
  readonly deadLetters: Look<ReadonlyMap<string, number>>;
  /** What operators ask for now. */
  readonly controls: Look<readonly Control[]>;
  readonly partitions: Look<readonly PartitionLag[]>;
  /** A failure with what the person lacks. */
  readonly explained: (error: unknown) => unknown;
}

/**
 * An environment is looked at so often while a page is open, and no more of the time than a tenth.
 */
const lookEveryMs = 30_000;
const shareOfTime = 10;

/** What was found of one part, or why not. */
type Found<Part> = { readonly seen: Part } | { readonly failure: string };

/** What was found; a part is absent until it was looked at for the first time. */
interface Seen {
  readonly ledger?: Found<LedgerLook>;
  readonly deadLetters?: Found<ReadonlyMap<string, number>>;
  readonly controls?: Found<readonly Control[]>;
  readonly partitions?: Found<readonly PartitionLag[]>;
}

/** One part may take so long; the others do not wait for it. */
const partTimeoutMs = 120_000;

/**
 * A deployed environment, as the page shows it: what its stores and its hub say, looked at anew
 * while a page is open.
 */
export class EnvironmentSource implements StreamSource {
  readonly #options: EnvironmentSourceOptions;
  readonly #stopped = new AbortController();
  #seen: Seen = {};
  #seenAtMs = 0;
  #looking: Promise<void> | undefined;
  #nextLook: Promise<void> | undefined;
  #nextMs = 0;
  /** What pages got last. */
  #told: Seen = {};

  constructor(options: EnvironmentSourceOptions) {
    this.#options = options;
  }

  begin(): ReturnType<StreamSource['begin']> {
    this.#lookWhenDue();
    const { ledger } = this.#seen;
    if (ledger === undefined) return { is: 'begin', rows: [], series: [] };
    return {
      is: 'begin',
      rows: [],
      series: 'seen' in ledger ? ledger.seen.series : [],
      overview: this.#overviewOf(this.#seen),
    };
  }

  /** Only the function app itself sees single changes. */
  changesAfter(): ReturnType<StreamSource['changesAfter']> {
    return { rows: [], leftOut: 0 };
  }

  /** Everything anew when something was found since. */
  overview(): ReturnType<StreamSource['overview']> {
    this.#lookWhenDue();
    if (this.#seen === this.#told) return undefined;
    this.#told = this.#seen;
    return this.begin();
  }

  /**
   * Looks at everything as it is from now on; resolves when that is done. Who asks meanwhile shares
   * the next look.
   */
  async look(): Promise<void> {
    const current = this.#looking;
    if (current === undefined) {
      this.#looking = this.#lookAtAll().finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
      return;
    }
    this.#nextLook ??= current.then(() => {
      this.#nextLook = undefined;
      return this.look();
    });
    await this.#nextLook;
  }

  at(destination: string): DestinationLook | undefined {
    const { ledger } = this.#seen;
    return ledger !== undefined && 'seen' in ledger ? ledger.seen.destinations.get(destination) : undefined;
  }

  stop(): void {
    this.#stopped.abort();
  }

  #lookWhenDue(): void {
    if (this.#looking === undefined && this.#options.now() >= this.#nextMs) void this.look();
  }

  async #lookAtAll(): Promise<void> {
    const { now, ledger, deadLetters, controls, partitions } = this.#options;
    const startedMs = now();
    await Promise.all([
      this.#find('the ledger', ledger, (found) => ({ ledger: found })),
      this.#find('the dead letters', deadLetters, (found) => ({ deadLetters: found })),
      this.#find('what is paused', controls, (found) => ({ controls: found })),
      this.#find('how far the function app is behind', partitions, (found) => ({ partitions: found })),
    ]);
    const atMs = now();
    this.#nextMs = atMs + Math.max(lookEveryMs, (atMs - startedMs) * shareOfTime);
  }

  async #find<Part>(what: string, look: Look<Part>, partOf: (found: Found<Part>) => Seen): Promise<void> {
    const timeout = AbortSignal.timeout(partTimeoutMs);
    let found: Found<Part>;
    try {
      found = { seen: await look(AbortSignal.any([this.#stopped.signal, timeout])) };
    } catch (error) {
      const failure = timeout.aborted
        ? `Failed to read ${what}: it takes longer than ${partTimeoutMs / 1_000} s.`
        : reasonOf(this.#options.explained(error));
      found = { failure };
    }
    this.#seen = { ...this.#seen, ...partOf(found) };
    this.#seenAtMs = this.#options.now();
  }

  #overviewOf({ ledger, deadLetters, controls, partitions }: Seen): Overview {
    const atMs = this.#seenAtMs;
    const look = seenOf(ledger);
    const letters = seenOf(deadLetters);
    const lag = seenOf(partitions);
    const paused = this.#pausedDestinations(seenOf(controls) ?? []);
    const failures = [ledger, deadLetters, controls, partitions].flatMap((found) =>
      found !== undefined && 'failure' in found ? [found.failure] : [],
    );
    return {
      atMs,
      attention: [
        ...[...new Set(failures)].map((text): Attention => ({ level: 'problem', text, advice: '', link: '/' })),
        ...(look === undefined ? [] : refusing(look, paused)),
        ...attentionOf({
          nowMs: atMs,
          circuits: [],
          waitingAt: () => 0,
          deadLetters: letters ?? new Map(),
          matcher: createMatcher(this.#options.file),
          partitions: lag ?? [],
          warnings: [],
          leftOut: 0,
        }),
        ...(look?.isCut === true ? [cut(look)] : []),
      ],
      cells: look?.cells ?? this.#unknownCells(),
      circuits: paused,
      faults: {},
      ...(lag === undefined ? {} : { partitions: lag }),
      ...(letters === undefined ? {} : { deadLetters: [...letters.values()].reduce((sum, count) => sum + count, 0) }),
      ...(look === undefined
        ? {}
        : {
            waiting: [...look.destinations.values()].reduce((sum, { waiting }) => sum + waiting, 0),
            ledger: { rows: look.rows, tookMs: look.tookMs },
          }),
    };
  }

  /** The circuit of a paused destination is held open; of another one its workers alone know. */
  #pausedDestinations(controls: readonly Control[]): readonly Circuit[] {
    return [...this.#options.file.destinations.keys()].flatMap((key): readonly Circuit[] => {
      const pause = pauseOf(controls, { destination: key }, this.#options.now());
      if (pause === undefined) return [];
      const { untilMs, by, reason } = pause;
      const until = untilMs === undefined ? {} : { untilMs };
      return [{ destination: key, state: 'paused', ...until, reason: `${by}: ${reason}` }];
    });
  }

  #unknownCells(): readonly MatrixCell[] {
    return this.#options.file.routes.map(({ audience, destination, mode }) => ({
      audience,
      destination,
      mode,
      outcomes: {},
      waiting: 0,
      lately: 0,
      health: 'unknown',
    }));
  }
}

function seenOf<Part>(found: Found<Part> | undefined): Part | undefined {
  return found !== undefined && 'seen' in found ? found.seen : undefined;
}

/** Destinations that did not take the last request, and for which something waits. */
function refusing({ destinations }: LedgerLook, paused: readonly Circuit[]): readonly Attention[] {
  return [...destinations].flatMap(([key, { waiting, isRefusing, failures }]): readonly Attention[] => {
    if (!isRefusing || waiting === 0 || paused.some(({ destination }) => destination === key)) return [];
    const waits = counted(waiting, 'change waits', 'changes wait');
    const last = failures[0]?.reason ?? '';
    return [
      {
        level: 'problem',
        text: `${key} does not take changes; ${waits}.${last === '' ? '' : ` Its last answer: ${last}`}`,
        advice: 'The function app tries again by itself. Others keep their pace.',
        link: `/destinations?destination=${encodeURIComponent(key)}`,
      },
    ];
  });
}

function cut({ rows }: LedgerLook): Attention {
  return {
    level: 'notice',
    text: `The ledger has more than the ${rows} rows that are read here: what is counted of it is too low.`,
    advice: 'activation plan counts all of it.',
    link: '/',
  };
}
