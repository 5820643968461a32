import { counted } from '../../terminal/counted.ts';
import type { Circuit, Overview, SeriesPoint } from '@activation-hub/console-contract';
import type { LiveSource } from '../../console/live-source.ts';
import { seconds } from './change-lines.ts';

/** Rates and ages are those of so many seconds. */
const statusSeconds = 10;

/** What the line that stays is made of. */
export interface StatusParts {
  readonly overview: Overview;
  /** The last seconds, of which the rates and ages are. */
  readonly points: readonly SeriesPoint[];
  /** How many exports the handler had taken at a time before; absent where they are not counted. */
  readonly before?: { readonly exports: number; readonly atMs: number };
  /** What the keys do, in a few words. */
  readonly keys: string;
  /** What a key asks for, in place of the keys. */
  readonly prompt?: string;
}

const localKeys = '? words  o console  s sample  p pause  r retry now  b break  q end';

/**
 * Gives what the line of `activation local` is made of, each time that it is asked; exports are
 * counted over the last ten seconds.
 */
export function localStatus(source: Pick<LiveSource, 'overview' | 'lately'>): () => Omit<StatusParts, 'prompt'> {
  const taken: { readonly exports: number; readonly atMs: number }[] = [];
  return () => {
    const { overview } = source.overview();
    taken.push({ exports: overview.exports ?? 0, atMs: overview.atMs });
    while (overview.atMs - (taken[1]?.atMs ?? Infinity) >= statusSeconds * 1_000) taken.shift();
    const [before] = taken;
    return {
      overview,
      points: source.lately(statusSeconds),
      ...(before === undefined ? {} : { before }),
      keys: localKeys,
    };
  };
}

/**
 * How everything is, in one line: what needs a person first, then rates, ages and what waits, then
 * the keys.
 */
export function statusLine({ overview, points, before, keys, prompt }: StatusParts): string {
  const { atMs, circuits, partitions = [], waiting = 0, deadLetters = 0, exports, faults } = overview;
  const delivered = points.reduce((sum, point) => sum + point.delivered, 0);
  const behind = partitions.reduce((sum, { events }) => sum + events, 0);
  const parts = [
    ...circuitsWords(circuits, atMs),
    ...Object.entries(faults).flatMap(([destination, fault]) => (fault === 'none' ? [] : [`${destination} is broken`])),
    ...(exports === undefined || before === undefined
      ? []
      : [`${perSecond(((exports - before.exports) / Math.max(1_000, atMs - before.atMs)) * 1_000)} exports/s`]),
    `${perSecond(delivered / Math.max(1, points.length))} told/s`,
    ...agesOf(points),
    ...(behind === 0 ? [] : [`${behind} behind`]),
    ...(waiting === 0 ? [] : [`${waiting} wait`]),
    ...(deadLetters === 0 ? [] : [counted(deadLetters, 'dead letter')]),
  ];
  return prompt ?? `${parts.join(' · ')}   ${keys}`;
}

function circuitsWords(circuits: readonly Circuit[], nowMs: number): readonly string[] {
  if (circuits.length > 1 && circuits.every(({ state }) => state === 'paused')) return ['everything is paused'];
  return circuits.flatMap((circuit) => circuitWords(circuit, nowMs));
}

function circuitWords({ destination, state, untilMs }: Circuit, nowMs: number): readonly string[] {
  if (state === 'closed') return [];
  if (state === 'paused') return [`${destination} is paused`];
  if (untilMs === undefined || untilMs <= nowMs) return [`${destination} is open, the next attempt decides`];
  const at = new Date(untilMs).toTimeString().slice(0, 8);
  return [`${destination} is open, next try at ${at} (in ${Math.ceil((untilMs - nowMs) / 1_000)} s)`];
}

/** From the hub to the destination, of what was delivered. */
function agesOf(points: readonly SeriesPoint[]): readonly string[] {
  const medians = points.flatMap(({ ageMedianMs }) => ageMedianMs ?? []).toSorted((one, other) => one - other);
  const median = medians[Math.floor(medians.length / 2)];
  if (median === undefined) return [];
  const high = Math.max(...points.flatMap(({ ageHighMs }) => ageHighMs ?? []));
  return [`age ${seconds(median)}, 95 % under ${seconds(high)}`];
}

function perSecond(rate: number): string {
  return rate >= 10 ? String(Math.round(rate)) : rate.toFixed(1);
}
