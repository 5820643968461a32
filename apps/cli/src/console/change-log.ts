import { hash, randomBytes } from 'node:crypto';
import type { Observation, ObservedChange, ObservedEvent } from '@activation-hub/activation';
import type {
  ChangeAttempt,
  ChangeDetail,
  ChangeRow,
  DestinationFailure,
  DestinationView,
} from '@activation-hub/console-contract';
import { isShadowReason } from '@activation-hub/delivery';
import { maskedValue } from '../terminal/masked-identity.ts';
import { keptAttempt, type KeptAttempt } from './observed-requests.ts';
import { whyOf } from './why.ts';

/** How much is kept: so many, and of bodies so many characters; the oldest goes first. */
const changesMax = 20_000;
const exportsMax = 10_000;
const attemptsMax = 10_000;
const charactersMax = 64 * 1024 * 1024;

/** So many failures of a destination are shown. */
const failuresMax = 20;
const minuteMs = 60_000;

export interface KeptExport {
  readonly id: string;
  readonly enqueuedAtMs: number;
  readonly body: string;
}

/**
 * The last changes, with their exports and with what destinations were sent for them. Bounded in
 * number and size.
 */
export class ChangeLog {
  #secrets: readonly string[] = [];
  readonly #key = randomBytes(32).toString('base64url');
  #rows: ChangeRow[] = [];
  #lastId = 0;
  /** The change of each row, by the row's id. */
  readonly #changeIds = new Map<number, string>();
  readonly #exports = new Map<string, KeptExport>();
  #exportCharacters = 0;
  #attempts: KeptAttempt[] = [];
  readonly #attemptsOf = new Map<string, KeptAttempt[]>();
  /**
   * With which attempt a change was shown last: what ends without another one is not its answer.
   */
  readonly #shownAttempts = new Map<string, KeptAttempt>();
  #attemptCharacters = 0;

  /** `secrets` are never shown, wherever they stand. */
  constructor(secrets: readonly string[]) {
    this.hide(secrets);
  }

  /** These are never shown either. */
  hide(secrets: readonly string[]): void {
    this.#secrets = [...new Set([...this.#secrets, ...secrets.filter((secret) => secret.length > 3)])];
  }

  /** Keeps what is observed; gives the row of a change. */
  add(observation: Observation): ChangeRow | undefined {
    switch (observation.is) {
      case 'event':
        this.#keepExport(observation);
        return undefined;
      case 'attempt':
        this.#keepAttempt(keptAttempt(observation, this.#secrets));
        return undefined;
      case 'change':
        return this.#keepChange(observation);
      case 'circuits':
      case 'left-out':
        return undefined;
    }
  }

  /** As it is kept: without secrets. */
  get lastAttempt(): KeptAttempt | undefined {
    return this.#attempts.at(-1);
  }

  /**
   * The rows after the one of this id, at most so many of them: the first, but of more than
   * `behindMax` the older ones are left out.
   */
  after(
    id: number,
    rowsMax: number,
    behindMax = rowsMax,
  ): { readonly rows: readonly ChangeRow[]; readonly leftOut: number } {
    const begin = this.#indexAfter(id);
    const from = Math.max(begin, this.#rows.length - behindMax);
    return { rows: this.#rows.slice(from, from + rowsMax), leftOut: from - begin };
  }

  detail(id: number): ChangeDetail | undefined {
    const row = this.#rows[this.#indexAfter(id - 1)];
    if (row?.id !== id) return undefined;
    const kept = row.exportId === undefined ? undefined : this.#exports.get(row.exportId);
    const changeId = this.#changeIds.get(id);
    return {
      row,
      ...(kept === undefined ? {} : { export: kept }),
      attempts: changeId === undefined ? [] : this.#attemptsFor(changeId),
      isHeld: row.outcome === 'deferred' && row.requestMs === undefined,
      sameExport: row.exportId === undefined ? [row] : this.rowsOf(row.exportId),
    };
  }

  /** How requests to a destination went lately: how many, and those that were not taken whole. */
  attemptsAt(
    destination: string,
    nowMs: number,
  ): Pick<DestinationView, 'failures' | 'requestsLastMinute' | 'busiestSecond'> {
    const own = this.#attempts.filter((attempt) => attempt.destination === destination);
    const lately = own.filter(({ atMs }) => nowMs - atMs < minuteMs);
    const seconds = Map.groupBy(lately, ({ atMs }) => Math.floor(atMs / 1_000));
    const requestsOf = (some: readonly KeptAttempt[]): number =>
      some.reduce((sum, { exchanges }) => sum + exchanges.length, 0);
    return {
      requestsLastMinute: requestsOf(lately),
      busiestSecond: Math.max(0, ...[...seconds.values()].map(requestsOf)),
      failures: own
        .flatMap((attempt) => failureOf(attempt) ?? [])
        .slice(-failuresMax)
        .reverse(),
    };
  }

  rowsOf(exportId: string): readonly ChangeRow[] {
    return this.#rows.filter((row) => row.exportId === exportId);
  }

  /** From new to old. */
  exports(count: number): readonly KeptExport[] {
    return [...this.#exports.values()].slice(-count).reverse();
  }

  /** Ids are handed out one after the other. */
  #indexAfter(id: number): number {
    const first = this.#rows[0]?.id ?? 0;
    return Math.min(Math.max(0, id + 1 - first), this.#rows.length);
  }

  #keepExport({ partitionId, sequenceNumber, enqueuedAtMs, body }: ObservedEvent): void {
    const id = `${partitionId}-${sequenceNumber}`;
    if (this.#exports.has(id)) return;
    this.#exports.set(id, { id, enqueuedAtMs, body });
    this.#exportCharacters += body.length;
    for (const [oldest, kept] of this.#exports) {
      if (this.#exports.size <= exportsMax && this.#exportCharacters <= charactersMax) break;
      this.#exports.delete(oldest);
      this.#exportCharacters -= kept.body.length;
    }
  }

  #keepAttempt(attempt: KeptAttempt): void {
    this.#attempts.push(attempt);
    this.#attemptCharacters += attempt.characters;
    for (const id of attempt.verdicts.keys()) this.#attemptsOf.set(id, [...(this.#attemptsOf.get(id) ?? []), attempt]);
    let gone = 0;
    while (this.#attempts.length - gone > attemptsMax || this.#attemptCharacters > charactersMax) {
      const oldest = this.#attempts[gone];
      if (oldest === undefined) break;
      gone += 1;
      this.#attemptCharacters -= oldest.characters;
      for (const id of oldest.verdicts.keys()) this.#forgetAttempt(id, oldest);
    }
    if (gone > 0) this.#attempts = this.#attempts.slice(gone);
  }

  #forgetAttempt(changeId: string, attempt: KeptAttempt): void {
    const left = this.#attemptsOf.get(changeId)?.filter((each) => each !== attempt) ?? [];
    if (this.#shownAttempts.get(changeId) === attempt) this.#shownAttempts.delete(changeId);
    if (left.length === 0) this.#attemptsOf.delete(changeId);
    else this.#attemptsOf.set(changeId, left);
  }

  #keepChange(change: ObservedChange): ChangeRow {
    this.#lastId += 1;
    const row = rowOf(this.#lastId, change, this.#newAttemptOf(change), this.#whoOf(change));
    this.#rows.push(row);
    if (change.changeId !== undefined) this.#changeIds.set(row.id, change.changeId);
    // A tenth at once, so that not every change moves all rows.
    if (this.#rows.length > changesMax * 1.1) {
      const gone = this.#rows.length - changesMax;
      for (const { id } of this.#rows.slice(0, gone)) this.#changeIds.delete(id);
      this.#rows = this.#rows.slice(gone);
    }
    return row;
  }

  #newAttemptOf({ changeId }: ObservedChange): KeptAttempt | undefined {
    const attempt = changeId === undefined ? undefined : this.#attemptsOf.get(changeId)?.at(-1);
    if (changeId === undefined || attempt === undefined || this.#shownAttempts.get(changeId) === attempt)
      return undefined;
    this.#shownAttempts.set(changeId, attempt);
    return attempt;
  }

  /**
   * A digest with a key of this process in front, so that trying identities does not find the
   * person. An HMAC takes twenty times as long; what it adds is for digests that are shown whole.
   */
  #whoOf({ identity }: ObservedChange): string {
    if (identity === undefined) return '';
    return hash('sha256', `${this.#key}\n${identity.namespace}\n${identity.value}`, 'base64url').slice(0, 12);
  }

  #attemptsFor(changeId: string): readonly ChangeAttempt[] {
    return (this.#attemptsOf.get(changeId) ?? []).flatMap(({ atMs, durationMs, changes, exchanges, verdicts }) => {
      const verdict = verdicts.get(changeId);
      return verdict === undefined ? [] : [{ atMs, durationMs, changes, exchanges, ...verdict }];
    });
  }
}

function rowOf(id: number, change: ObservedChange, attempt: KeptAttempt | undefined, who: string): ChangeRow {
  const { atMs, event, audience = '', destination, identity, kind, status, outcome } = change;
  const answered = attempt?.exchanges.at(-1);
  return {
    id,
    atMs,
    ...(event === undefined ? {} : { exportId: `${event.partitionId}-${event.sequenceNumber}` }),
    audience,
    destination,
    namespace: identity?.namespace ?? '',
    person: identity?.value ?? '',
    who,
    ...(kind === undefined ? {} : { kind }),
    ...(status === undefined ? {} : { status }),
    outcome,
    ...(isShadowReason(change.reason ?? '') ? { isInShadow: true } : {}),
    why: whyOf(change),
    ...(answered?.answer === undefined ? {} : { httpStatus: answered.answer.status }),
    ...(attempt === undefined ? {} : { requestMs: attempt.durationMs }),
    ...(event === undefined ? {} : { ageMs: Math.max(0, atMs - event.enqueuedAtMs) }),
  };
}

/** What of an attempt was not taken, by the first such change. */
function failureOf({ atMs, verdicts, exchanges }: KeptAttempt): DestinationFailure | undefined {
  const bad = [...verdicts.values()].filter(({ verdict }) => verdict !== 'delivered' && verdict !== 'accepted');
  const [first] = bad;
  if (first === undefined) return undefined;
  const status = exchanges.at(-1)?.answer?.status;
  return {
    atMs,
    verdict: first.verdict,
    reason: first.reason ?? '',
    ...(status === undefined ? {} : { httpStatus: status }),
    changes: bad.length,
  };
}

export function maskedRow(row: ChangeRow): ChangeRow {
  return row.person === '' ? row : { ...row, person: maskedValue(row.person) };
}
