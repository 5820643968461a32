import type { SeriesPoint } from '@activation-hub/console-contract';

/** How a change counts in a series. */
export type SeriesGroup = 'delivered' | 'deferred' | 'failed' | 'silent';

/** Of one step so many ages are looked at. */
const agesMax = 2_000;
/** What counts as lately. */
const latelySteps = 60;

interface Step {
  readonly atMs: number;
  readonly counts: Record<SeriesGroup, number>;
  readonly agesMs: number[];
  /** Changes by cell of the matrix. */
  readonly cells: Map<string, number>;
}

/**
 * Counts changes by step of time, in whichever order they are added. It keeps the newest
 * `pointsMax` steps.
 */
export class TimeSeries {
  readonly #stepMs: number;
  readonly #pointsMax: number;
  readonly #steps = new Map<number, Step>();
  #newestMs = -Infinity;

  constructor({ stepMs, pointsMax }: { readonly stepMs: number; readonly pointsMax: number }) {
    this.#stepMs = stepMs;
    this.#pointsMax = pointsMax;
  }

  /** `cell` names what it is about; `ageMs` is the age at which it was delivered. */
  add(atMs: number, group: SeriesGroup, cell: string, { ageMs, times = 1 }: { ageMs?: number; times?: number } = {}) {
    const step = this.#stepOf(atMs);
    if (step === undefined) return;
    step.counts[group] += times;
    step.cells.set(cell, (step.cells.get(cell) ?? 0) + times);
    if (ageMs !== undefined && step.agesMs.length < agesMax) step.agesMs.push(Math.max(0, ageMs));
  }

  /** The steps that are over, from old to new; none is left out, also where nothing happened. */
  points(nowMs: number, pointsMax = this.#pointsMax): readonly SeriesPoint[] {
    const lastMs = this.#startOf(nowMs) - this.#stepMs;
    return Array.from({ length: pointsMax }, (_, index) => {
      const atMs = lastMs - (pointsMax - 1 - index) * this.#stepMs;
      return pointOf(atMs, this.#steps.get(atMs));
    });
  }

  /** How many changes each cell had in the last sixty steps. */
  lately(nowMs: number): ReadonlyMap<string, number> {
    const fromMs = nowMs - latelySteps * this.#stepMs;
    const sums = new Map<string, number>();
    for (const { atMs, cells } of this.#steps.values()) {
      if (atMs < fromMs) continue;
      for (const [cell, count] of cells) sums.set(cell, (sums.get(cell) ?? 0) + count);
    }
    return sums;
  }

  #startOf(atMs: number): number {
    return Math.floor(atMs / this.#stepMs) * this.#stepMs;
  }

  #stepOf(atMs: number): Step | undefined {
    const startMs = this.#startOf(atMs);
    const known = this.#steps.get(startMs);
    if (known !== undefined) return known;
    const keptMs = this.#pointsMax * this.#stepMs;
    if (startMs <= this.#newestMs - keptMs) return undefined;
    const counts = { delivered: 0, deferred: 0, failed: 0, silent: 0 };
    const step: Step = { atMs: startMs, counts, agesMs: [], cells: new Map() };
    this.#steps.set(startMs, step);
    this.#newestMs = Math.max(this.#newestMs, startMs);
    for (const oldMs of this.#steps.keys()) if (oldMs <= this.#newestMs - keptMs) this.#steps.delete(oldMs);
    return step;
  }
}

function pointOf(atMs: number, step: Step | undefined): SeriesPoint {
  if (step === undefined) return { atMs, delivered: 0, deferred: 0, failed: 0, silent: 0 };
  const agesMs = step.agesMs.toSorted((left, right) => left - right);
  const at = (share: number): number => agesMs[Math.min(agesMs.length - 1, Math.floor(agesMs.length * share))] ?? 0;
  return { atMs, ...step.counts, ...(agesMs.length === 0 ? {} : { ageMedianMs: at(0.5), ageHighMs: at(0.95) }) };
}
