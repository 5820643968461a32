import type { AudienceEntry, Route } from '@activation-hub/activation-file';
import type { Target } from '@activation-hub/delivery';
import {
  isToBeRenewed,
  isUnreadableRow,
  ledgerParts,
  lapseOf,
  UnreadableRowCount,
  type Lapse,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type UnreadableRows,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';

/** Whose memberships lapse: those at one destination, by its key in the activation file. */
export interface LapsingPlace {
  readonly context: ActivationContext;
  readonly destination: string;
}

/** A member of whom the destination must be told again. */
export interface LapsingRow {
  readonly key: LedgerKey;
  readonly row: LedgerRow;
  readonly audience: AudienceEntry;
  readonly route: Route;
}

/**
 * As many keys of members as one night remembers, about 50 MB: those who lapse first. What is over
 * is for the next night.
 */
const rowsMax = 100_000;
/** What is read again together, before it is told. */
const readRows = 1_000;

/**
 * The destination when a membership there can lapse at all, by the routes of the file; where none
 * can, its rows are not walked.
 */
export function lapsingTarget({ context: { matcher, targets }, destination }: LapsingPlace): Target | undefined {
  const target = targets.get(destination);
  const canLapse = matcher
    .routesTo(destination)
    .some(
      ({ mode, options, identityNamespaces }) =>
        mode === 'live' &&
        identityNamespaces.some((namespace) => target?.membershipDays(options, namespace) !== undefined),
    );
  return canLapse ? target : undefined;
}

/** The members of whom a destination must be told again, found by a walk over its rows. */
export class LapsingRows {
  readonly #place: LapsingPlace;
  readonly #rowsMax: number;
  #nowMs = 0;
  #found: { readonly key: LedgerKey; readonly lapse: Lapse }[] = [];
  /** How many of them were not looked at yet. */
  due = 0;
  /** Those of them who have less than half of their life left. */
  late = 0;
  /** Whether the walk came to its end in time. */
  isWhole = false;
  readonly #unreadable = new UnreadableRowCount();

  constructor(place: LapsingPlace, keep: number = rowsMax) {
    this.#place = place;
    this.#rowsMax = keep;
  }

  /** Rows that cannot be read, of which memberships may lapse. */
  get unreadable(): UnreadableRows {
    return this.#unreadable.now;
  }

  /**
   * Walks the rows of the destination, all parts at once, until the time is up. Throws when the
   * ledger cannot be reached.
   */
  async find(untilMs: number, signal: AbortSignal): Promise<void> {
    this.#nowMs = this.#place.context.clock.now();
    const walks = Array.from({ length: ledgerParts }, (_, part) => this.#findIn(part, untilMs, signal));
    const ended = await Promise.allSettled(walks);
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
    this.isWhole = ended.every((end) => end.status === 'fulfilled' && end.value);
  }

  async #findIn(part: number, untilMs: number, signal: AbortSignal): Promise<boolean> {
    const { ledger, matcher, clock } = this.#place.context;
    const destination = matcher.destination(this.#place.destination)?.ledgerName ?? this.#place.destination;
    for await (const row of ledger.rows({ destination, part }, signal)) {
      if (clock.now() >= untilMs) return false;
      if (isUnreadableRow(row)) {
        this.#unreadable.add(row);
        continue;
      }
      const { key, record } = row;
      const due = this.#dueOf(key, record, this.#nowMs);
      if (due === undefined) continue;
      const { lapse } = due;
      this.due += 1;
      if (lapse.lateFromMs <= this.#nowMs) this.late += 1;
      this.#found.push({ key, lapse });
      // Sorted now and then, so that each is sorted few times.
      if (this.#found.length >= 2 * this.#rowsMax) this.#keepFirst();
    }
    return true;
  }

  /**
   * Gives the rows as they are now, who lapses first first, until the time is up. Who was told
   * meanwhile is left out.
   */
  async *inOrder(untilMs: number, signal: AbortSignal): AsyncGenerator<LapsingRow> {
    const { ledger, clock } = this.#place.context;
    this.#keepFirst();
    for (let start = 0; start < this.#found.length && clock.now() < untilMs; start += readRows) {
      const part = this.#found.slice(start, start + readRows);
      const rows = await ledger.read(
        part.map(({ key }) => key),
        signal,
      );
      for (const [index, { key, lapse }] of part.entries()) {
        if (clock.now() >= untilMs) return;
        const row = rows[index];
        if (isUnreadableRow(row)) this.#unreadable.add(row);
        else if (row !== undefined) {
          const due = this.#dueOf(key, row.record, clock.now());
          if (due !== undefined) yield { key, row, audience: due.audience, route: due.route };
        }
        // A caller that ends here, because the destination takes nothing, has not told of this one.
        this.due -= 1;
        if (lapse.lateFromMs <= this.#nowMs) this.late -= 1;
      }
    }
  }

  #keepFirst(): void {
    this.#found.sort((left, right) => left.lapse.atMs - right.lapse.atMs);
    this.#found.splice(this.#rowsMax);
  }

  #dueOf(
    key: LedgerKey,
    record: LedgerRecord,
    nowMs: number,
  ): { readonly lapse: Lapse; readonly audience: AudienceEntry; readonly route: Route } | undefined {
    const { matcher, targets, controls } = this.#place.context;
    const routed = matcher.routeOf(key);
    if (routed?.route.mode !== 'live' || !isToBeRenewed(record, nowMs)) return undefined;
    if (controls?.routePause(routed.route, routed.audience.key, nowMs) !== undefined) return undefined;
    const days = targets.get(routed.route.destination)?.membershipDays(routed.route.options, key.identity.namespace);
    const lapse = days === undefined ? undefined : lapseOf(key, record, days, nowMs);
    return lapse === undefined || lapse.renewFromMs > nowMs ? undefined : { lapse, ...routed };
  }
}
