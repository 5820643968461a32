import type { ActivationFile } from '@activation-hub/activation-file';
import type { ObservedChange, ObservedCircuit } from '@activation-hub/activation';
import type { MatrixCell, SeriesPoint } from '@activation-hub/console-contract';

const secondMs = 1_000;
/** For so long the page shows what happened second by second. */
const seriesSecondsMax = 600;
const minuteSeconds = 60;
/** Changes that wait are told apart up to so many. */
const waitingMax = 200_000;
/** Of one second so many ages are looked at. */
const agesMax = 2_000;

interface Second {
  readonly atMs: number;
  delivered: number;
  deferred: number;
  failed: number;
  silent: number;
  readonly agesMs: number[];
  /** Changes by cell. */
  readonly cells: Map<string, number>;
}

interface Cell {
  readonly outcomes: Record<string, number>;
  deliveredAtMs?: number;
  lastOutcome?: string;
}

/** Adds up changes by audience and destination, and by second. */
export class Activity {
  readonly #routes: ActivationFile['routes'];
  readonly #cells = new Map<string, Cell>();
  readonly #waiting = new Map<string, string>();
  #seconds: Second[] = [];
  #circuits: readonly ObservedCircuit[] = [];
  changes = 0;

  constructor({ routes }: Pick<ActivationFile, 'routes'>) {
    this.#routes = routes;
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
    this.changes += 1;
    const cell = this.#cells.get(key) ?? { outcomes: {} };
    this.#cells.set(key, cell);
    cell.outcomes[outcome] = (cell.outcomes[outcome] ?? 0) + 1;
    cell.lastOutcome = outcome;
    if (outcome === 'delivered') cell.deliveredAtMs = atMs;

    const who = `${key}\n${identity?.namespace ?? ''}\n${identity?.value ?? ''}`;
    if (outcome === 'deferred') {
      if (this.#waiting.size < waitingMax) this.#waiting.set(who, key);
    } else if (outcome !== 'superseded') this.#waiting.delete(who);

    const second = this.#secondOf(atMs);
    second.cells.set(key, (second.cells.get(key) ?? 0) + 1);
    second[groupOf(outcome)] += 1;
    if (outcome === 'delivered' && event !== undefined && second.agesMs.length < agesMax)
      second.agesMs.push(Math.max(0, atMs - event.enqueuedAtMs));
  }

  cells(nowMs: number): readonly MatrixCell[] {
    const fromMs = nowMs - minuteSeconds * secondMs;
    const recent = new Map<string, number>();
    for (const second of this.#seconds) {
      if (second.atMs < fromMs) continue;
      for (const [key, count] of second.cells) recent.set(key, (recent.get(key) ?? 0) + count);
    }
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
        perMinute: recent.get(key) ?? 0,
        ...(deliveredAtMs === undefined ? {} : { deliveredAtMs }),
        health: isFailing ? 'failing' : waits > 0 ? 'waiting' : lastOutcome === undefined ? 'quiet' : 'well',
      };
    });
  }

  /** The seconds that are over, from old to new; none is left out, also where nothing happened. */
  series(nowMs: number, secondsMax = seriesSecondsMax): readonly SeriesPoint[] {
    const lastMs = Math.floor(nowMs / secondMs) * secondMs - secondMs;
    const byTime = new Map(this.#seconds.map((second) => [second.atMs, second]));
    return Array.from({ length: secondsMax }, (_, index) => {
      const atMs = lastMs - (secondsMax - 1 - index) * secondMs;
      return pointOf(atMs, byTime.get(atMs));
    });
  }

  #secondOf(atMs: number): Second {
    const startMs = Math.floor(atMs / secondMs) * secondMs;
    const known = this.#seconds.findLast((second) => second.atMs === startMs);
    if (known !== undefined) return known;
    const second: Second = {
      atMs: startMs,
      delivered: 0,
      deferred: 0,
      failed: 0,
      silent: 0,
      agesMs: [],
      cells: new Map(),
    };
    this.#seconds.push(second);
    if (this.#seconds.length > seriesSecondsMax + minuteSeconds) this.#seconds = this.#seconds.slice(-seriesSecondsMax);
    return second;
  }
}

function groupOf(outcome: string): 'delivered' | 'deferred' | 'failed' | 'silent' {
  if (outcome === 'delivered' || outcome === 'deferred') return outcome;
  return outcome === 'rejected' || outcome === 'given-up' ? 'failed' : 'silent';
}

function pointOf(atMs: number, second: Second | undefined): SeriesPoint {
  if (second === undefined) return { atMs, delivered: 0, deferred: 0, failed: 0, silent: 0 };
  const { delivered, deferred, failed, silent } = second;
  const agesMs = second.agesMs.toSorted((left, right) => left - right);
  const at = (share: number): number => agesMs[Math.min(agesMs.length - 1, Math.floor(agesMs.length * share))] ?? 0;
  return {
    atMs,
    delivered,
    deferred,
    failed,
    silent,
    ...(agesMs.length === 0 ? {} : { ageMedianMs: at(0.5), ageHighMs: at(0.95) }),
  };
}
