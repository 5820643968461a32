import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';
import { deadLetterKeepMs, type DeadLetter, type DeadLetters } from './dead-letters.ts';
import type { DeferredEvent, DeferredRow, Retry, RetryQueue } from './retry-queue.ts';
import {
  DeadLetterCounts,
  readSelected,
  type DeadLetterCount,
  type DeadLetterFilter,
  type NamedDeadLetter,
} from './select-dead-letters.ts';
import { isUnreadable } from './unreadable-document.ts';

/** What an activation file routes, also by the names that an earlier file had for it. */
export interface RoutedAudiences {
  /** By the key of each destination, the keys of the audiences that it is told of. */
  readonly byDestination: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whether the file routes the audience of this key to the destination of that name. */
  readonly isRoute: (audienceKey: string, destinationName: string) => boolean;
  /** Whether the file has the route to which the row belongs, whatever the audience's key was. */
  readonly isRouteOf: (row: DeferredRow) => boolean;
}

export interface ReplayOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Stops before the next retry; what is not replayed by then stays a dead letter. */
  readonly signal: AbortSignal;
  /**
   * What is routed now. Needed for letters of events that could not be read, which concern every
   * destination; with it, letters of which something is not routed any more stay, for no
   * destination would be told.
   */
  readonly routed?: RoutedAudiences;
  /** Counts what would be replayed and what would stay, and changes nothing. */
  readonly dryRun?: boolean;
  /** Told how many of the names are done. */
  readonly onProgress?: (done: number) => void;
}

export interface Replayed {
  readonly replayed: readonly DeadLetterCount[];
  /** Letters that stay because it is not known whom to tell. */
  readonly left: number;
  /**
   * Letters that stay because their events are too old: the ledger may have forgotten what came
   * after them.
   */
  readonly tooOld: number;
  /** The names of letters that stay because they cannot be read. */
  readonly unreadable: readonly string[];
  readonly retries: number;
}

/** What is replayed together, so that it is told in few requests, and read back cheaply. */
const retryEventsMax = 100;
const retryBytesMax = 4 * 1024 * 1024;
/**
 * How long a replay's retry is held back while its letters are removed. If it ran earlier, a change
 * that is refused again would become a letter of the same name, and that letter would be removed.
 */
const holdMs = 15 * 60_000;
const removeWithinMs = 10 * 60_000;
/** How many letters are removed at a time. */
const removesMax = 16;

/**
 * Makes retries of the selected letters among these names, due at once, and removes the letters.
 * The function then takes the same way with them as with everything else: the same limits, the
 * ledger, and only what had failed.
 *
 * Each step leaves every letter either where it was or in a retry that becomes due by itself, so it
 * can be stopped at any point and started again; what was replayed twice is told once, because the
 * ledger knows. A letter whose event is older than `deadLetterKeepMs` is not replayed: the ledger
 * forgets who left long ago, and would take an old entry for a new one. Throws when a store cannot
 * be reached.
 */
export async function replayDeadLetters(
  names: readonly string[],
  filter: DeadLetterFilter,
  stores: { readonly deadLetters: DeadLetters; readonly retryQueue: RetryQueue },
  options: ReplayOptions,
): Promise<Replayed> {
  const counts = new DeadLetterCounts();
  let left = 0;
  let tooOld = 0;
  let retries = 0;
  const nowMs = options.clock.now();
  const isStopped = (): boolean => options.signal.aborted;
  for (let start = 0; start < names.length && !isStopped(); start += retryEventsMax) {
    const slice = names.slice(start, start + retryEventsMax);
    const known: Replayable[] = [];
    for await (const named of readSelected(stores.deadLetters, slice, filter, new AbortController().signal)) {
      if (isUnreadable(named)) {
        counts.unreadable.push(named.unreadable);
        continue;
      }
      if (isTooOldToReplay(named.letter, nowMs)) {
        tooOld += 1;
        continue;
      }
      const parts = partsOf(named.letter, options.routed);
      if (parts.length === 0) left += 1;
      else known.push({ ...named, parts });
    }
    for (const group of groupsOf(known)) {
      if (isStopped()) break;
      if (options.dryRun !== true) retries += await replayTogether(group, stores, options.clock);
      for (const { letter } of group) counts.add(letter);
    }
    options.onProgress?.(Math.min(start + slice.length, names.length));
  }
  return { replayed: counts.values(), left, tooOld, unreadable: counts.unreadable, retries };
}

/** Whether the ledger may have forgotten what came after the letter's event. */
function isTooOldToReplay({ event }: DeadLetter, nowMs: number): boolean {
  return event.enqueuedAtMs < nowMs - deadLetterKeepMs;
}

/** One letter with whom to tell about which audiences. */
interface Replayable extends NamedDeadLetter {
  readonly parts: readonly Part[];
}

interface Part {
  readonly destination: string;
  readonly audiences: readonly string[];
}

function partsOf({ destination, failures }: DeadLetter, routed: RoutedAudiences | undefined): readonly Part[] {
  const named = failures.flatMap(({ audience }) => audience ?? []);
  if (destination !== undefined) {
    // The names stay as the letter has them: a worker whose file has others finds them too.
    const isRouted = failures.every(
      ({ audience, rows = [] }) =>
        routed === undefined ||
        audience === undefined ||
        routed.isRoute(audience, destination) ||
        rows.some((row) => routed.isRouteOf(row)),
    );
    return isRouted && named.length > 0 ? [{ destination, audiences: [...new Set(named)] }] : [];
  }
  if (routed === undefined) return [];
  const isWhole = failures.some(({ audience }) => audience === undefined);
  const audiencesOf = (keys: ReadonlySet<string>): readonly string[] =>
    isWhole ? [...keys] : [...new Set(named.filter((key) => keys.has(key)))];
  const everybody = [...routed.byDestination].map(([key, keys]) => ({
    destination: key,
    audiences: audiencesOf(keys),
  }));
  return everybody.filter(({ audiences }) => audiences.length > 0);
}

/** Letters in groups of which the events are not too large for one retry. */
function groupsOf(letters: readonly Replayable[]): readonly (readonly Replayable[])[] {
  const groups: Replayable[][] = [];
  let bytes = Infinity;
  for (const each of letters) {
    const more = each.letter.event.body.byteLength;
    if (bytes + more > retryBytesMax) {
      groups.push([]);
      bytes = 0;
    }
    bytes += more;
    groups.at(-1)?.push(each);
  }
  return groups;
}

async function replayTogether(
  group: readonly Replayable[],
  { deadLetters, retryQueue }: { readonly deadLetters: DeadLetters; readonly retryQueue: RetryQueue },
  clock: Pick<Clock, 'now'>,
): Promise<number> {
  // What has begun is brought to its end, or fails by the stores' own timeouts.
  const { signal } = new AbortController();
  const retries = retriesOf(group, clock.now());
  const heldUntilMs = clock.now() + holdMs;
  for (const retry of retries) await retryQueue.put({ ...retry, notBeforeMs: heldUntilMs }, heldUntilMs, signal);
  for (let start = 0; start < group.length; start += removesMax) {
    if (clock.now() > heldUntilMs - (holdMs - removeWithinMs)) {
      throw new Error(
        'Failed to replay dead letters: removing them takes too long. Start the replay again; what was replayed is told once.',
      );
    }
    await Promise.all(group.slice(start, start + removesMax).map(({ name }) => deadLetters.remove(name, signal)));
  }
  // Not put anew: what was erased from one meanwhile stays erased.
  for (const { id } of retries) await retryQueue.reschedule(id, clock.now(), signal);
  return retries.length;
}

/** One retry for each destination. */
function retriesOf(group: readonly Replayable[], nowMs: number): readonly Retry[] {
  const byDestination = Map.groupBy(
    group.flatMap(({ letter, parts }) => parts.map((part) => ({ letter, ...part }))),
    ({ destination }) => destination,
  );
  return [...byDestination].map(([destination, ofDestination]) => ({
    id: randomUUID(),
    destination,
    events: ofDestination.map(({ letter, audiences }): DeferredEvent => {
      const { event, failures } = letter;
      return { event, audiences, rows: failures.flatMap(({ rows }) => rows ?? []) };
    }),
    rows: [],
    // A new start: neither the attempts nor the age of the first one count.
    attempts: 0,
    firstDeferredAtMs: nowMs,
    class: ofDestination[0]?.letter.class ?? '',
    reason: ofDestination[0]?.letter.failures[0]?.reason ?? '',
    isReplay: true,
  }));
}
