import {
  CachedLookup,
  type HttpResponse,
  type HttpSender,
  reading,
  type Verdict,
} from '@activation-hub/destination-kit';
import { type MarketingLists, marketingLists } from './lists.ts';
import type { Members, Row } from './members.ts';
import type { Records } from './persons.ts';
import { type Dynamics365Requests, type MemberTable, memberTables, type Removal } from './request.ts';
import { judgePart, readIds, readRemovalParameter } from './response.ts';
import type { Dynamics365Options, Dynamics365Settings } from './settings.ts';

/** The members of static marketing lists. */
export class ListMembers implements Members {
  readonly #requests: Dynamics365Requests;
  readonly #records: Records;
  readonly #table: MemberTable;
  readonly #lists: MarketingLists;
  readonly #removals: CachedLookup<Removal>;
  readonly #now: () => number;

  constructor(
    http: HttpSender,
    requests: Dynamics365Requests,
    {
      records,
      settings: { memberType, removalStrategy: strategy },
    }: { readonly records: Records; readonly settings: Dynamics365Settings },
    now: () => number,
  ) {
    this.#requests = requests;
    this.#records = records;
    this.#table = memberTables[memberType];
    this.#lists = marketingLists(http, requests, this.#table, now);
    this.#removals = new CachedLookup(async (_environment, signal): Promise<Removal> => {
      if (strategy === 'list-member' || strategy === 'association') return { by: strategy };
      const metadata = reading(http.send(requests.metadata(), signal));
      const parameter = await reading(metadata.then((response) => readRemovalParameter(response, now())));
      if (parameter !== undefined) return { by: 'action', parameter };
      return strategy === 'action' ? { by: 'action', parameter: 'EntityId' } : { by: 'list-member' };
    });
    this.#now = now;
  }

  async prepare(options: Dynamics365Options, signal: AbortSignal): Promise<void> {
    await this.#lists.get(options, signal);
  }

  problem(options: Dynamics365Options, signal: AbortSignal): Promise<string | undefined> {
    return this.#lists.problem(options, signal);
  }

  async add(rows: readonly Row[], options: Dynamics365Options, signal: AbortSignal): Promise<readonly Verdict[]> {
    const listId = await this.#lists.get(options, signal);
    const parts = rows.map(({ recordId }) => this.#requests.addMember(listId, recordId));
    const answers = await this.#records.send(parts, signal);
    const verdicts = rows.map(({ id }, index) => verdictOf(id, answers[index], this.#now()));
    if (!verdicts.includes('not-found')) return verdicts.filter((verdict) => verdict !== 'not-found');
    // Either the list or the record is gone. When the list is as it was, it is the record.
    const isSameList = (await this.#lists.getAnew(options, signal)) === listId;
    return verdicts.map((verdict, index): Verdict => {
      const id = rows[index]?.id ?? '';
      if (verdict !== 'not-found') return verdict;
      return isSameList
        ? { id, status: 'not-found', reason: `no ${this.#table.entity} has this identity` }
        : { id, status: 'retry', reason: 'the list was made anew' };
    });
  }

  async remove(rows: readonly Row[], options: Dynamics365Options, signal: AbortSignal): Promise<readonly Verdict[]> {
    const listId = await this.#lists.get(options, signal);
    if (rows.length === 0) return [];
    const removal = await this.#removals.get('', signal);
    if (removal.by === 'list-member') return await this.#removeRows(rows, listId, signal);
    const parts = rows.map(({ recordId }) => this.#requests.removeMember(listId, recordId, removal));
    const answers = await this.#records.send(parts, signal);
    return rows.map(({ id }, index) => gone(id, verdictOf(id, answers[index], this.#now())));
  }

  /** Deletes the rows of `listmember` that are found for these records. */
  async #removeRows(rows: readonly Row[], listId: string, signal: AbortSignal): Promise<readonly Verdict[]> {
    const searches = rows.map(({ recordId }) => this.#requests.findListMember(listId, recordId));
    const found = await reading(this.#records.send(searches, signal));
    const memberships = rows.flatMap(({ id }, index) => {
      const answer = found[index];
      const rowIds = answer === undefined ? [] : readIds(answer, 'listmemberid', this.#now());
      return rowIds.map((rowId) => ({ id, rowId }));
    });
    const parts = memberships.map(({ rowId }) => this.#requests.deleteListMember(rowId));
    const answers = await this.#records.send(parts, signal);
    return memberships.map(({ id }, index) => gone(id, verdictOf(id, answers[index], this.#now())));
  }
}

function verdictOf(id: string, answer: HttpResponse | undefined, nowMs: number): Verdict | 'not-found' {
  if (answer === undefined) return { id, status: 'retry', reason: 'no answer', doubt: 'answered' };
  const outcome = judgePart(id, answer, nowMs);
  if (outcome.is === 'ended') return outcome.verdict;
  return outcome.is === 'done' ? { id, status: 'delivered' } : 'not-found';
}

/** A person who is not in the list has left. */
function gone(id: string, verdict: Verdict | 'not-found'): Verdict {
  return verdict === 'not-found' ? { id, status: 'delivered' } : verdict;
}
