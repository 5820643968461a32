import type { ActivationFile } from '@activation-hub/activation-file';
import type { ObservedChange, ObservedCircuit } from '@activation-hub/activation';
import type { MatrixCell, SeriesPoint } from '@activation-hub/console-contract';
import { TimeSeries, type SeriesGroup } from './time-series.ts';

/** For so long the page shows what happened second by second. */
const seriesSecondsMax = 600;
/** Changes that wait are told apart up to so many. */
const waitingMax = 200_000;

interface Cell {
  readonly outcomes: Record<string, number>;
  deliveredAtMs?: number;
  lastOutcome?: string;
}

/** Adds up changes by audience and destination, and by second. */
export class Activity {
  #routes: ActivationFile['routes'];
  readonly #cells = new Map<string, Cell>();
  readonly #waiting = new Map<string, string>();
  readonly #series = new TimeSeries({ stepMs: 1_000, pointsMax: seriesSecondsMax });
  #circuits: readonly ObservedCircuit[] = [];

  constructor({ routes }: Pick<ActivationFile, 'routes'>) {
    this.#routes = routes;
  }

  /**
   * Another file counts from now on. What was counted stays, and is shown for the routes that are
   * still there.
   */
  follow({ routes }: Pick<ActivationFile, 'routes'>): void {
    this.#routes = routes;
    this.circuits = this.#circuits;
  }

  set circuits(circuits: readonly ObservedCircuit[]) {
    const known = new Set(this.#routes.map(({ destination }) => destination));
    this.#circuits = circuits.filter(({ destination }) => known.has(destination));
  }

  get circuits(): readonly ObservedCircuit[] {
    return this.#circuits;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  waitingAt(destination: string): number {
    let count = 0;
    for (const key of this.#waiting.values()) if (key.endsWith(` ${destination}`)) count += 1;
    return count;
  }

  add(change: ObservedChange): void {
    const { audience = '', destination, outcome, atMs, identity, event } = change;
    const key = `${audience} ${destination}`;
    const cell = this.#cells.get(key) ?? { outcomes: {} };
    this.#cells.set(key, cell);
    cell.outcomes[outcome] = (cell.outcomes[outcome] ?? 0) + 1;
    cell.lastOutcome = outcome;
    if (outcome === 'delivered') cell.deliveredAtMs = atMs;

    const who = `${key}\n${identity?.namespace ?? ''}\n${identity?.value ?? ''}`;
    if (outcome === 'deferred') {
      if (this.#waiting.size < waitingMax) this.#waiting.set(who, key);
    } else if (outcome !== 'superseded') this.#waiting.delete(who);

    const isAged = outcome === 'delivered' && event !== undefined;
    this.#series.add(atMs, groupOf(outcome), key, isAged ? { ageMs: atMs - event.enqueuedAtMs } : {});
  }

  cells(nowMs: number): readonly MatrixCell[] {
    const recent = this.#series.lately(nowMs);
    const waiting = new Map<string, number>();
    for (const key of this.#waiting.values()) waiting.set(key, (waiting.get(key) ?? 0) + 1);
    return this.#routes.map(({ audience, destination, mode }): MatrixCell => {
      const key = `${audience} ${destination}`;
      const { outcomes = {}, deliveredAtMs, lastOutcome } = this.#cells.get(key) ?? {};
      const waits = waiting.get(key) ?? 0;
      const isOpen = this.#circuits.some(
        (each) => each.destination === destination && (each.state === 'open' || each.state === 'half-open'),
      );
      const isFailing = isOpen || lastOutcome === 'rejected' || lastOutcome === 'given-up';
      return {
        audience,
        destination,
        mode,
        outcomes,
        waiting: waits,
        lately: recent.get(key) ?? 0,
        ...(deliveredAtMs === undefined ? {} : { deliveredAtMs }),
        health: isFailing ? 'failing' : waits > 0 ? 'waiting' : lastOutcome === undefined ? 'quiet' : 'well',
      };
    });
  }

  /** The seconds that are over, from old to new; none is left out, also where nothing happened. */
  series(nowMs: number, secondsMax = seriesSecondsMax): readonly SeriesPoint[] {
    return this.#series.points(nowMs, secondsMax);
  }
}

function groupOf(outcome: string): SeriesGroup {
  if (outcome === 'delivered' || outcome === 'deferred') return outcome;
  return outcome === 'rejected' || outcome === 'given-up' ? 'failed' : 'silent';
}
