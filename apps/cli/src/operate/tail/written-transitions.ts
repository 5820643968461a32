import type { ActivationFile, Route } from '@activation-hub/activation-file';
import {
  historyOf,
  isUnreadableRow,
  ledgerKeyText,
  type LedgerEntry,
  type LedgerKey,
  type Transition,
  type UnreadableRow,
} from '@activation-hub/membership';
import { routeOfRows, type RouteOfRow } from '../route-of-rows.ts';

/** One thing that happened to a row of a route of the file, and has ended. */
export interface WrittenTransition {
  readonly route: Route;
  readonly identity: LedgerKey['identity'];
  readonly isShadow: boolean;
  readonly transition: Transition;
}

/** From where rows are read: the ledger's table. */
export interface WrittenRows {
  rowsWrittenSince(sinceMs: number, signal: AbortSignal): AsyncIterable<LedgerEntry | UnreadableRow>;
}

/**
 * The clocks of this machine, of the store and of the function app may be apart by so much; so far
 * each look reaches back over the one before.
 */
const reachBackMs = 60_000;
/** For so long it is known what was seen: longer than a look reaches back. */
const knownForMs = 3 * reachBackMs;

/** Finds what happened to the rows of a ledger, look by look, each thing once. */
export class WrittenTransitions {
  readonly #rows: WrittenRows;
  readonly #routeOf: RouteOfRow;
  readonly #seen = new Map<string, number>();
  /** When the last look began; absent before the first. */
  #lookedAtMs: number | undefined;

  constructor(file: ActivationFile, rows: WrittenRows) {
    this.#rows = rows;
    this.#routeOf = routeOfRows(file);
  }

  /**
   * What has happened since the last look, from old to new; nothing at the first, which only learns
   * what was before. Throws what the ledger throws, and then the next look finds it.
   */
  async look(nowMs: number, signal: AbortSignal): Promise<readonly WrittenTransition[]> {
    const fromMs = (this.#lookedAtMs ?? nowMs) - reachBackMs;
    const found = new Map<string, WrittenTransition>();
    for await (const row of this.#rows.rowsWrittenSince(fromMs, signal)) {
      // The function app reports those that cannot be read.
      if (isUnreadableRow(row)) continue;
      const { key, record } = row;
      const routed = this.#routeOf(key);
      if (routed === undefined) continue;
      for (const transition of historyOf(record).transitions) {
        if (transition.lastAtMs < fromMs - reachBackMs || isUnderWay(transition)) continue;
        const { did, atMs, lastAtMs, times } = transition;
        const name = [ledgerKeyText(key), did, atMs, lastAtMs, times].join('\n');
        if (!this.#seen.has(name)) found.set(name, { ...routed, identity: key.identity, transition });
      }
    }
    const isFirst = this.#lookedAtMs === undefined;
    this.#lookedAtMs = nowMs;
    for (const [name, { transition }] of found) this.#seen.set(name, transition.lastAtMs);
    for (const [name, lastAtMs] of this.#seen) if (lastAtMs < nowMs - knownForMs) this.#seen.delete(name);
    if (isFirst) return [];
    return [...found.values()].toSorted((one, other) => one.transition.lastAtMs - other.transition.lastAtMs);
  }
}

/** An attempt without a result yet. */
function isUnderWay({ did, outcome }: Transition): boolean {
  return (did === 'entered' || did === 'updated' || did === 'exited') && outcome === undefined;
}
