import {
  reading,
  createReasonGuard,
  type Delivery,
  type HttpSender,
  type Secret,
  type Verdict,
} from '@activation-hub/destination-kit';
import type { Campaigns } from './lists.ts';
import { isId, type PersonRecords, type Persons, rowsOfValue, withoutField } from './persons.ts';
import { onlyPersons, type PersonObject, queriesFor, quoted, recordsMax, type SalesforceRequests } from './request.ts';
import { isDuplicate, judgeRow, readFound, readRows, textAt } from './response.ts';
import type { SalesforceOptions } from './settings.ts';

type SalesforceDelivery = Delivery<SalesforceOptions>;

/** A campaign member of one change. */
interface Membership {
  readonly id: string;
  readonly rowId: string;
}

/** A campaign with the options of the route that names it. */
interface NamedCampaign {
  readonly campaignId: string;
  readonly options: SalesforceOptions;
}

/** The members of campaigns. */
export class CampaignMembers {
  readonly #http: HttpSender;
  readonly #requests: SalesforceRequests;
  readonly #person: PersonObject;
  readonly #persons: PersonRecords;
  readonly #campaigns: Campaigns;
  readonly #secrets: readonly Secret[];
  readonly #now: () => number;

  constructor(
    http: HttpSender,
    requests: SalesforceRequests,
    of: {
      readonly person: PersonObject;
      readonly persons: PersonRecords;
      readonly campaigns: Campaigns;
      readonly secrets: readonly Secret[];
    },
    now: () => number,
  ) {
    this.#http = http;
    this.#requests = requests;
    this.#person = of.person;
    this.#persons = of.persons;
    this.#campaigns = of.campaigns;
    this.#secrets = of.secrets;
    this.#now = now;
  }

  /**
   * Makes members of the persons that were found. Who is one already stays as he is, unless he is
   * one that left.
   */
  async add(
    deliveries: readonly SalesforceDelivery[],
    persons: Persons,
    campaign: NamedCampaign,
    signal: AbortSignal,
  ): Promise<Verdict[]> {
    const { campaignId, options } = campaign;
    const rows = [...persons].flatMap(([id, of]) => ('personId' in of ? [{ id, personId: of.personId }] : []));
    if (rows.length === 0) return [];
    const records = rows.map(({ personId }) => ({
      attributes: { type: 'CampaignMember' },
      CampaignId: campaignId,
      [this.#person.reference]: personId,
      ...(options.status !== undefined && { Status: options.status }),
    }));
    const response = await this.#http.send(this.#requests.create(records), signal);
    // Said of the request as a whole, that is of its only row; of several, the batch is halved.
    if (rows.length === 1 && isDuplicate(response)) return await this.#welcomeBack(rows, campaign, signal);
    const answers = readRows(response, rows.length, this.#now());
    const guard = createReasonGuard(deliveries, this.#secrets);
    const verdicts: Verdict[] = [];
    const gone: Verdict[] = [];
    const duplicates: typeof rows = [];
    for (const [index, row] of rows.entries()) {
      const answer = answers[index];
      const outcome = answer === undefined ? undefined : judgeRow(row.id, answer, guard);
      if (outcome === undefined || outcome.is === 'done') verdicts.push({ id: row.id, status: 'delivered' });
      else if (outcome.is === 'duplicate') duplicates.push(row);
      else (outcome.is === 'gone' ? gone : verdicts).push(outcome.verdict);
    }
    if (gone.length > 0) {
      // Either the campaign or the person is gone. When the campaign is as it was, it is the
      // person.
      const isSame = (await this.#campaigns.currentIdOf(options, signal)) === campaignId;
      const anew = 'the campaign was made anew';
      verdicts.push(...(isSame ? gone : gone.map(({ id }): Verdict => ({ id, status: 'retry', reason: anew }))));
    }
    return [...verdicts, ...(await this.#welcomeBack(duplicates, campaign, signal))];
  }

  /** Gives people who left the status of those who enter. A status that a user set stays. */
  async #welcomeBack(
    duplicates: readonly { readonly id: string; readonly personId: string }[],
    { campaignId, options: { status, exitStatus } }: NamedCampaign,
    signal: AbortSignal,
  ): Promise<Verdict[]> {
    if (status === undefined || exitStatus === undefined) {
      return duplicates.map(({ id }): Verdict => ({ id, status: 'delivered' }));
    }
    const { reference } = this.#person;
    const wanted = duplicates.map(({ id, personId }) => ({ id, value: personId }));
    const and = ` AND Status = ${quoted(exitStatus)}`;
    const left = await this.#find(reference, wanted, { campaignId, and }, signal);
    return await this.#change(duplicates, left, status, signal);
  }

  /** Ends the memberships of these persons: a person who is no member has left. */
  async remove(
    deliveries: readonly SalesforceDelivery[],
    { campaignId, options: { exitStatus } }: NamedCampaign,
    signal: AbortSignal,
  ): Promise<Verdict[]> {
    const verdicts: Verdict[] = [];
    for (const [field, group] of Map.groupBy(deliveries, ({ change }) => this.#persons.fieldOf(change))) {
      const rows = group.map(({ change }) => ({ id: change.id, value: change.identity.value }));
      if (field === undefined) {
        verdicts.push(...rows.map(({ id }) => withoutField(id)));
        continue;
      }
      const { idPath, fieldsPath } = this.#person;
      const path = isId(field) ? idPath : `${fieldsPath}.${field}`;
      const and = onlyPersons(this.#person, 'Contact.');
      const found = await this.#find(path, rows, { campaignId, and }, signal);
      verdicts.push(...(await this.#change(rows, found, exitStatus, signal)));
    }
    return verdicts;
  }

  /** The memberships of the persons whose `path` has one of these values. */
  async #find(
    path: string,
    rows: readonly { readonly id: string; readonly value: string }[],
    { campaignId, and }: { readonly campaignId: string; readonly and: string },
    signal: AbortSignal,
  ): Promise<Membership[]> {
    const where = `FROM CampaignMember WHERE CampaignId = ${quoted(campaignId)} AND ${path} IN`;
    const values = rows.map(({ value }) => value);
    const memberships: Membership[] = [];
    for (const queries of queriesFor(values, (list) => `SELECT Id, ${path} ${where} ${list}${and}`)) {
      const answer = this.#http.send(this.#requests.queries(queries), signal);
      const records = await reading(answer.then((response) => readFound(response, queries.length, this.#now())));
      for (const record of records) {
        const rowId = textAt(record, 'Id');
        const value = textAt(record, path);
        if (rowId === undefined || value === undefined) continue;
        for (const { id } of rowsOfValue(rows, value)) memberships.push({ id, rowId });
      }
    }
    return memberships;
  }

  /**
   * Gives these memberships a status, or deletes them where there is none; changes without a
   * membership are delivered.
   */
  async #change(
    rows: readonly { readonly id: string }[],
    memberships: readonly Membership[],
    status: string | undefined,
    signal: AbortSignal,
  ): Promise<Verdict[]> {
    const ended = new Map<string, Verdict>();
    const rowIds = [...new Set(memberships.map(({ rowId }) => rowId))];
    for (let start = 0; start < rowIds.length; start += recordsMax) {
      const part = rowIds.slice(start, start + recordsMax);
      const records = part.map((id) => ({ attributes: { type: 'CampaignMember' }, id, Status: status ?? '' }));
      const request = status === undefined ? this.#requests.deleteMembers(part) : this.#requests.update(records);
      const answers = readRows(await this.#http.send(request, signal), part.length, this.#now());
      for (const [index, rowId] of part.entries()) {
        const answer = answers[index];
        if (answer === undefined) continue;
        for (const { id } of memberships.filter((membership) => membership.rowId === rowId)) {
          const outcome = judgeRow(id, answer, createReasonGuard([], this.#secrets));
          if (outcome.is === 'ended') ended.set(id, outcome.verdict);
        }
      }
    }
    return rows.map(({ id }) => ended.get(id) ?? { id, status: 'delivered' });
  }
}
