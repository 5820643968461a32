import {
  reading,
  type Change,
  type HttpResponse,
  type HttpSender,
  noIdentifier,
  type Verdict,
} from '@activation-hub/destination-kit';
import { type Dynamics365Requests, type MemberTable, memberTables, type Part } from './request.ts';
import { judgePart, readBatch, readId, readIds, refuseIfThrottled } from './response.ts';
import type { Dynamics365Settings } from './settings.ts';

/**
 * The result of the search for the person of one change: a record, none, or the verdict of the
 * change.
 */
export type Located = { readonly recordId: string } | { readonly isMissing: true } | { readonly verdict: Verdict };

/** Of each change, by its id, every record that has the identity, or the verdict of the change. */
export type EveryRecord = ReadonlyMap<
  string,
  { readonly recordIds: readonly string[] } | { readonly verdict: Verdict }
>;

/** By change id. */
export type LocatedChanges = ReadonlyMap<string, Located>;

/**
 * An alternate key with one of these in its value cannot be named in a URL
 * (define-alternate-keys-portal).
 */
const notInKeys = /[/#<>*%&:\\?+]/;

/** Requests in one `$batch`, at most (execute-batch-operations-using-web-api). */
const partsMax = 1_000;

/** The records of persons: finds and writes them, many at a time. */
export class Records {
  readonly #http: HttpSender;
  readonly #requests: Dynamics365Requests;
  readonly #identifiers: Dynamics365Settings['identifiers'];
  readonly #createRecords: boolean;
  readonly #table: MemberTable;
  readonly #now: () => number;

  constructor(http: HttpSender, requests: Dynamics365Requests, settings: Dynamics365Settings, now: () => number) {
    this.#http = http;
    this.#requests = requests;
    this.#identifiers = settings.identifiers;
    this.#createRecords = settings.createRecords;
    this.#table = memberTables[settings.memberType];
    this.#now = now;
  }

  /**
   * Sends parts in one request, or in several when they are too many for one; none need no request.
   * Throws when service protection refused them all.
   */
  async send(parts: readonly Part[], signal: AbortSignal): Promise<readonly HttpResponse[]> {
    if (parts.length === 0) return [];
    const answers: HttpResponse[] = [];
    for (let start = 0; start < parts.length; start += partsMax) {
      const some = parts.slice(start, start + partsMax);
      const response = await this.#http.send(this.#requests.batch(some), signal);
      answers.push(...readBatch(response, some.length, this.#now()));
    }
    refuseIfThrottled(answers, this.#now());
    return answers;
  }

  /** Finds the current record of each change. Changes nothing, so a failure leaves no doubt. */
  async find(changes: readonly Change[], signal: AbortSignal): Promise<LocatedChanges> {
    const located = new Map<string, Located>();
    const asked: { readonly change: Change; readonly part: Part }[] = [];
    for (const change of changes) {
      const column = this.#columnOf(change);
      if (column === undefined) located.set(change.id, { verdict: this.#withoutColumn(change) });
      else if (column === this.#table.id) located.set(change.id, { recordId: change.identity.value });
      else asked.push({ change, part: this.#requests.findCurrent(column, change.identity.value) });
    }
    const parts = asked.map(({ part }) => part);
    await reading(
      this.send(parts, signal).then((answers) => {
        for (const [index, { change }] of asked.entries()) located.set(change.id, this.#found(change, answers[index]));
      }),
    );
    return located;
  }

  /**
   * Finds every record that has the identity of a change, also where they are several or inactive:
   * an exit removes each of them. Changes nothing, so a failure leaves no doubt.
   */
  async findEvery(changes: readonly Change[], signal: AbortSignal): Promise<EveryRecord> {
    const found = new Map<string, { readonly recordIds: readonly string[] } | { readonly verdict: Verdict }>();
    const asked: { readonly id: string; readonly part: Part }[] = [];
    for (const change of changes) {
      const column = this.#columnOf(change);
      const { value } = change.identity;
      if (column === undefined) found.set(change.id, { verdict: this.#withoutColumn(change) });
      else if (column === this.#table.id) found.set(change.id, { recordIds: [value] });
      else asked.push({ id: change.id, part: this.#requests.findEvery(column, value) });
    }
    const parts = asked.map(({ part }) => part);
    await reading(
      this.send(parts, signal).then((answers) => {
        for (const [index, { id }] of asked.entries()) {
          const answer = answers[index];
          const outcome = answer === undefined ? undefined : judgePart(id, answer, this.#now());
          if (answer === undefined || outcome === undefined) found.set(id, { verdict: unanswered(id) });
          else if (outcome.is === 'ended') found.set(id, { verdict: outcome.verdict });
          else if (outcome.is === 'not-found') found.set(id, { recordIds: [] });
          else found.set(id, { recordIds: readIds(answer, this.#table.id, this.#now()) });
        }
      }),
    );
    return found;
  }

  /**
   * Writes the attributes of each change to its record, which is created only on entry, only under
   * an alternate key and only where the settings allow it. A key that no URL can hold is looked for
   * first.
   */
  async write(changes: readonly Change[], signal: AbortSignal, mayCreate: boolean): Promise<LocatedChanges> {
    const isKeyed = (change: Change) => this.#hasKey(change) && !notInKeys.test(change.identity.value);
    const located = new Map(
      await this.find(
        changes.filter((change) => !isKeyed(change)),
        signal,
      ),
    );
    const written: { readonly change: Change; readonly part: Part }[] = [];
    for (const change of changes) {
      const column = this.#columnOf(change) ?? '';
      const record = located.get(change.id);
      if (isKeyed(change)) {
        const isThere = !(mayCreate && this.#createRecords);
        written.push({ change, part: this.#requests.upsertRecord(change, column, isThere) });
      } else if (
        record !== undefined &&
        'isMissing' in record &&
        this.#hasKey(change) &&
        mayCreate &&
        this.#createRecords
      ) {
        written.push({ change, part: this.#requests.createRecord(change, column) });
      } else if (record !== undefined && 'recordId' in record && Object.keys(change.attributes).length > 0) {
        written.push({ change, part: this.#requests.updateRecord(record.recordId, change, column) });
      }
    }
    const answers = await this.send(
      written.map(({ part }) => part),
      signal,
    );
    for (const [index, { change }] of written.entries()) located.set(change.id, this.#written(change, answers[index]));
    return located;
  }

  #identityOf({ identity }: Change): Dynamics365Settings['identifiers'][string] | undefined {
    return Object.hasOwn(this.#identifiers, identity.namespace) ? this.#identifiers[identity.namespace] : undefined;
  }

  #hasKey(change: Change): boolean {
    return this.#identityOf(change)?.alternateKey === true;
  }

  #columnOf(change: Change): string | undefined {
    return this.#identityOf(change)?.column;
  }

  #withoutColumn({ id }: Change): Verdict {
    return { id, status: 'rejected', reason: noIdentifier };
  }

  #found({ id }: Change, answer: HttpResponse | undefined): Located {
    if (answer === undefined) return { verdict: unanswered(id) };
    const outcome = judgePart(id, answer, this.#now());
    if (outcome.is === 'ended') return { verdict: outcome.verdict };
    const [recordId, ...others] = outcome.is === 'done' ? readIds(answer, this.#table.id, this.#now()) : [];
    if (recordId === undefined) return { isMissing: true };
    if (others.length === 0) return { recordId };
    return { verdict: { id, status: 'rejected', reason: `more than one ${this.#table.entity} has this identity` } };
  }

  #written({ id }: Change, answer: HttpResponse | undefined): Located {
    if (answer === undefined) return { verdict: unanswered(id) };
    const outcome = judgePart(id, answer, this.#now());
    if (outcome.is === 'ended') return { verdict: outcome.verdict };
    if (outcome.is === 'not-found') return { isMissing: true };
    const recordId = readId(answer, this.#table.id);
    return recordId === undefined ? { verdict: unanswered(id) } : { recordId };
  }
}

function unanswered(id: string): Verdict {
  return { id, status: 'retry', reason: 'the answer does not hold the record', doubt: 'answered' };
}
