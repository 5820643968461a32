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
  /** What each key does, in a word or two. The first and the last stay longest. */
  readonly keys: readonly string[];
  /** What a key asks for, in place of the keys. */
  readonly prompt?: string;
}

const localKeys = ['? words', 'o console', 's sample', 'p pause', 'r retry now', 'b break', 'q end'];

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

/** A piece of the line. What has the least rank goes first where there is no room for all. */
interface Piece {
  readonly text: string;
  readonly rank: number;
  /** What stays of it first. */
  readonly shorter?: Omit<Piece, 'shorter'>;
}

const rank = { ofHighAge: 0, ofKeys: 1, ofRates: 30, ofLastKeys: 40, ofWaiting: 50, ofTrouble: 60 } as const;

/**
 * How everything is, in one line for so many columns: what needs a person first, then rates, ages
 * and what waits, then the keys. Where that is too long it drops what says least, and never a part
 * of a word, unless a single word is wider than the terminal.
 */
export function statusLine({ overview, points, before, keys, prompt }: StatusParts): (columns: number) => string {
  const { atMs, circuits, partitions = [], waiting = 0, deadLetters = 0, exports, faults } = overview;
  const delivered = points.reduce((sum, point) => sum + point.delivered, 0);
  const behind = partitions.reduce((sum, { events }) => sum + events, 0);
  const troubles = [
    ...circuitsWords(circuits, atMs),
    ...Object.entries(faults).flatMap(([destination, fault]) => (fault === 'none' ? [] : [`${destination} is broken`])),
  ];
  const parts: readonly Piece[] = [
    ...troubles.map((text, index) => ({ text, rank: rank.ofTrouble + troubles.length - index })),
    ...(exports === undefined || before === undefined
      ? []
      : [
          {
            text: `${perSecond(((exports - before.exports) / Math.max(1_000, atMs - before.atMs)) * 1_000)} exports/s`,
            rank: rank.ofRates,
          },
        ]),
    { text: `${perSecond(delivered / Math.max(1, points.length))} told/s`, rank: rank.ofRates + 2 },
    ...agesOf(points),
    ...(behind === 0 ? [] : [{ text: `${behind} behind`, rank: rank.ofWaiting }]),
    ...(waiting === 0 ? [] : [{ text: `${waiting} wait`, rank: rank.ofWaiting + 1 }]),
    ...(deadLetters === 0 ? [] : [{ text: counted(deadLetters, 'dead letter'), rank: rank.ofWaiting + 2 }]),
  ];
  return (columns) => wholeWords(prompt ?? fittingLine(parts, keys.map(keyPiece), columns), columns);
}

/** The first says what the others do, and the last ends; of the others the last goes first. */
function keyPiece(text: string, index: number, { length }: readonly string[]): Piece {
  if (index === 0) return { text, rank: rank.ofLastKeys + 1 };
  return { text, rank: index === length - 1 ? rank.ofLastKeys : rank.ofKeys + length - index };
}

/** The line without what has the least rank, until it fits or a single piece is left. */
function fittingLine(parts: readonly Piece[], keys: readonly Piece[], columns: number): string {
  const textsOf = (pieces: readonly Piece[], between: string): string => pieces.map(({ text }) => text).join(between);
  const line = [textsOf(parts, ' · '), textsOf(keys, '  ')].filter((text) => text !== '').join('   ');
  const least = [...parts, ...keys].toSorted((one, other) => one.rank - other.rank)[0];
  if (line.length <= columns || least === undefined || parts.length + keys.length === 1) return line;
  const without = (pieces: readonly Piece[]): readonly Piece[] =>
    pieces.flatMap((piece) => (piece === least ? (piece.shorter ?? []) : piece));
  return fittingLine(without(parts), without(keys), columns);
}

/** The words of a line that fit, and a sign that there are more. */
function wholeWords(line: string, columns: number): string {
  if (line.length <= columns) return line;
  const room = Math.max(0, columns - 1);
  const end = line.slice(0, room + 1).search(/\s+\S*$/);
  return `${line.slice(0, end > 0 ? end : room)}…`;
}

function circuitsWords(circuits: readonly Circuit[], nowMs: number): readonly string[] {
  if (circuits.length > 1 && circuits.every(({ state }) => state === 'paused')) return ['everything is paused'];
  return circuits.flatMap((circuit) => circuitWords(circuit, nowMs));
}

function circuitWords({ destination, state, untilMs }: Circuit, nowMs: number): readonly string[] {
  if (state === 'closed') return [];
  if (state === 'paused') return [`${destination} is paused`];
  if (untilMs === undefined || untilMs <= nowMs)
    return [`${destination} is not called (its circuit is open), the next attempt decides`];
  const at = new Date(untilMs).toTimeString().slice(0, 8);
  return [
    `${destination} is not called (its circuit is open), next try at ${at} (in ${Math.ceil((untilMs - nowMs) / 1_000)} s)`,
  ];
}

/** From the hub to the destination, of what was delivered. */
function agesOf(points: readonly SeriesPoint[]): readonly Piece[] {
  const medians = points.flatMap(({ ageMedianMs }) => ageMedianMs ?? []).toSorted((one, other) => one - other);
  const median = medians[Math.floor(medians.length / 2)];
  if (median === undefined) return [];
  const high = Math.max(...points.flatMap(({ ageHighMs }) => ageHighMs ?? []));
  const shorter = { text: `age ${seconds(median)}`, rank: rank.ofRates + 1 };
  return [{ text: `${shorter.text}, 95 % under ${seconds(high)}`, rank: rank.ofHighAge, shorter }];
}

function perSecond(rate: number): string {
  return rate >= 10 ? String(Math.round(rate)) : rate.toFixed(1);
}
