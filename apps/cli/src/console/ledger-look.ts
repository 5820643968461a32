import type { ActivationFile } from '@activation-hub/activation-file';
import type { DestinationFailure, MatrixCell, SeriesPoint } from '@activation-hub/console-contract';
import { historyOf, isUnreadableRow, type Ledger, type LedgerEntry, type Transition } from '@activation-hub/membership';
import { routeOfRows, type RouteOfRow } from '../operate/route-of-rows.ts';
import { TimeSeries, type SeriesGroup } from './time-series.ts';

/** What the ledger says of every route and destination of a file. */
export interface LedgerLook {
  readonly atMs: number;
  readonly tookMs: number;
  /** So many rows were read. */
  readonly rows: number;
  /** There are more rows than are read: every number is too low. */
  readonly isCut: boolean;
  readonly cells: readonly MatrixCell[];
  /** Minute by minute, as far as rows keep their history. */
  readonly series: readonly SeriesPoint[];
  readonly destinations: ReadonlyMap<string, DestinationLook>;
}

export interface DestinationLook {
  /** Rows that wait for another attempt. */
  readonly waiting: number;
  /** When it took something last. */
  readonly toldAtMs?: number;
  /** What it did not take, each reason once, the newest first. */
  readonly failures: readonly DestinationFailure[];
  /** The last that is known of it is that it did not take something. */
  readonly isRefusing: boolean;
}

/** As many rows are read; a larger ledger is read to here. */
export const ledgerRowsMax = 200_000;
const minuteMs = 60_000;
const minutes = 60;
/** Of one destination so many reasons are told apart, and so many shown. */
const reasonsMax = 500;
const failuresMax = 20;

/** Reads the ledger once, from its first row on. Throws what the ledger throws. */
export async function lookAtLedger(
  file: ActivationFile,
  ledger: Pick<Ledger, 'rows'>,
  now: () => number,
  signal: AbortSignal,
  rowsMax = ledgerRowsMax,
): Promise<LedgerLook> {
  const startedMs = now();
  const counts = new LedgerCounts(file);
  let rows = 0;
  let isCut = false;
  for await (const entry of ledger.rows({}, signal)) {
    if (rows === rowsMax) {
      isCut = true;
      break;
    }
    rows += 1;
    // The function app and every command report those that cannot be read.
    if (!isUnreadableRow(entry)) counts.add(entry);
  }
  const atMs = now();
  return { atMs, tookMs: atMs - startedMs, rows, isCut, ...counts.result(atMs) };
}

interface CellCount {
  readonly outcomes: Record<string, number>;
  members: number;
  waiting: number;
  deliveredAtMs: number;
  /** The end of the newest attempt. */
  last: { readonly atMs: number; readonly group: SeriesGroup };
}

interface DestinationCount {
  waiting: number;
  toldAtMs: number;
  refusedAtMs: number;
  readonly failures: Map<string, DestinationFailure>;
}

class LedgerCounts {
  readonly #file: ActivationFile;
  readonly #routeOf: RouteOfRow;
  readonly #cells = new Map<string, CellCount>();
  readonly #destinations = new Map<string, DestinationCount>();
  readonly #series = new TimeSeries({ stepMs: minuteMs, pointsMax: minutes + 1 });

  constructor(file: ActivationFile) {
    this.#file = file;
    this.#routeOf = routeOfRows(file);
  }

  add({ key, record }: LedgerEntry): void {
    const routed = this.#routeOf(key);
    if (routed === undefined) return;
    const { isShadow, route } = routed;
    if ((route.mode === 'shadow') !== isShadow) return;
    const { audience, destination } = route;
    const cell = `${audience} ${destination}`;
    const count = this.#cellOf(cell);
    const is = isShadow ? 'shadowed' : record.rowState.is;
    count.outcomes[is] = (count.outcomes[is] ?? 0) + 1;
    if (isShadow) return;
    if (record.delivered?.isMember === true) count.members += 1;
    const own = this.#destinationOf(destination);
    if (is === 'deferred') {
      count.waiting += 1;
      own.waiting += 1;
    }
    for (const transition of historyOf(record).transitions) this.#addTransition(transition, cell, count, own);
  }

  result(nowMs: number): Pick<LedgerLook, 'cells' | 'series' | 'destinations'> {
    const destinations = new Map([...this.#file.destinations.keys()].map((key) => [key, this.#lookOf(key)]));
    const lately = this.#series.lately(nowMs);
    const cells = this.#file.routes.map(({ audience, destination, mode }): MatrixCell => {
      const cell = `${audience} ${destination}`;
      const { outcomes, members, waiting, deliveredAtMs, last } = this.#cellOf(cell);
      const isFailing = last.group === 'failed' || (waiting > 0 && destinations.get(destination)?.isRefusing === true);
      const isQuiet = Object.keys(outcomes).length === 0;
      return {
        audience,
        destination,
        mode,
        outcomes,
        members,
        waiting,
        lately: lately.get(cell) ?? 0,
        ...(deliveredAtMs < 0 ? {} : { deliveredAtMs }),
        health: isQuiet ? 'quiet' : isFailing ? 'failing' : waiting > 0 ? 'waiting' : 'well',
      };
    });
    return { cells, series: this.#series.points(nowMs, minutes), destinations };
  }

  #addTransition(transition: Transition, cell: string, count: CellCount, own: DestinationCount): void {
    const { atMs, lastAtMs, times, enqueuedAtMs, because } = transition;
    const group = groupOf(transition);
    if (group === undefined) return;
    // The age says something only of what an export brought: a resync tells what is old.
    const isAged = group === 'delivered' && (because === 'export' || because === 'retry');
    this.#series.add(lastAtMs, group, cell, isAged ? { ageMs: lastAtMs - enqueuedAtMs } : {});
    if (times > 1) this.#series.add(atMs, group, cell, { times: times - 1 });
    if (group === 'silent') return;
    if (lastAtMs >= count.last.atMs) count.last = { atMs: lastAtMs, group };
    if (group === 'delivered') {
      count.deliveredAtMs = Math.max(count.deliveredAtMs, lastAtMs);
      own.toldAtMs = Math.max(own.toldAtMs, lastAtMs);
      return;
    }
    own.refusedAtMs = Math.max(own.refusedAtMs, lastAtMs);
    const { class: verdict = transition.outcome ?? transition.did, reason = '' } = transition;
    const text = `${verdict}\n${reason}`;
    const known = own.failures.get(text);
    if (known === undefined && own.failures.size >= reasonsMax) return;
    own.failures.set(text, {
      atMs: Math.max(known?.atMs ?? 0, lastAtMs),
      verdict,
      reason,
      changes: (known?.changes ?? 0) + 1,
    });
  }

  #lookOf(destination: string): DestinationLook {
    const { waiting, toldAtMs, refusedAtMs, failures } = this.#destinationOf(destination);
    return {
      waiting,
      ...(toldAtMs < 0 ? {} : { toldAtMs }),
      failures: [...failures.values()].toSorted((left, right) => right.atMs - left.atMs).slice(0, failuresMax),
      isRefusing: refusedAtMs > toldAtMs,
    };
  }

  #cellOf(cell: string): CellCount {
    const known = this.#cells.get(cell);
    if (known !== undefined) return known;
    const last = { atMs: -1, group: 'silent' } as const;
    const count: CellCount = { outcomes: {}, members: 0, waiting: 0, deliveredAtMs: -1, last };
    this.#cells.set(cell, count);
    return count;
  }

  #destinationOf(key: string): DestinationCount {
    const known = this.#destinations.get(key);
    if (known !== undefined) return known;
    const count: DestinationCount = { waiting: 0, toldAtMs: -1, refusedAtMs: -1, failures: new Map() };
    this.#destinations.set(key, count);
    return count;
  }
}

/** How a transition counts; undefined while it is under way. */
function groupOf({ did, outcome }: Transition): SeriesGroup | undefined {
  if (did === 'deferred') return 'deferred';
  if (did === 'given-up') return 'failed';
  if (did !== 'entered' && did !== 'updated' && did !== 'exited') return 'silent';
  if (outcome === undefined) return undefined;
  if (outcome === 'not-found') return 'silent';
  return outcome === 'delivered' || outcome === 'deferred' ? outcome : 'failed';
}
