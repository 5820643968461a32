import {
  afterPart,
  reading,
  type Change,
  createReasonGuard,
  type Delivery,
  type HttpSender,
  type JsonValue,
  noIdentifier,
  type ReasonGuard,
  type Secret,
  secretsIn,
  type Verdict,
} from '@activation-hub/destination-kit';
import {
  longId,
  onlyPersons,
  type PersonObject,
  personObjects,
  queriesFor,
  type SalesforceRecord,
  type SalesforceRequests,
} from './request.ts';
import { judgeRow, readFound, readRows, type Row, type RowOutcome, textAt } from './response.ts';
import type { SalesforceSettings } from './settings.ts';

/**
 * Of each change, by its id: the id of the person's record, or the verdict with which the change
 * ends.
 */
export type Persons = ReadonlyMap<string, Person>;
export type Person = { readonly personId: string } | { readonly verdict: Verdict };

/** A change with the record that it is about. */
interface Target {
  readonly delivery: Delivery;
  readonly personId: string;
}

const recordsById = (deliveries: readonly Delivery[]): Target[] =>
  deliveries.map((delivery) => ({ delivery, personId: delivery.change.identity.value }));

/** The contacts, leads or person accounts. */
export class PersonRecords {
  readonly #http: HttpSender;
  readonly #requests: SalesforceRequests;
  readonly #fields: ReadonlyMap<string, string>;
  readonly #person: PersonObject;
  readonly #recordTypeId: string | undefined;
  readonly #secrets: readonly Secret[];
  readonly #now: () => number;

  constructor(http: HttpSender, requests: SalesforceRequests, settings: SalesforceSettings, now: () => number) {
    this.#http = http;
    this.#requests = requests;
    this.#fields = new Map(Object.entries(settings.identifiers));
    this.#person = personObjects[settings.personType];
    this.#recordTypeId = settings.recordTypeId;
    this.#secrets = secretsIn(settings);
    this.#now = now;
  }

  /**
   * The field that knows the person of a change; `undefined` when none is set for the namespace.
   */
  fieldOf({ identity }: Change): string | undefined {
    return this.#fields.get(identity.namespace);
  }

  /**
   * Writes the attributes of each change to its record, which is created under an external id when
   * it is not there. Gives the ids by which a campaign knows the persons.
   */
  async write(deliveries: readonly Delivery[], signal: AbortSignal): Promise<Persons> {
    const written = await this.#each(deliveries, async (field, group, guard) => {
      if (isId(field)) return await this.#update(recordsById(group), field, guard, signal);
      const typed = await this.#recordTypes(field, group, signal);
      const records = group.map(({ change }) => ({
        ...this.#recordOf(change, field, field, change.identity.value),
        ...typed.get(change.id),
      }));
      const answer = await this.#http.send(this.#requests.upsertPersons(field, records), signal);
      return this.#judged(group, readRows(answer, records.length, this.#now()), guard);
    });
    return this.#person.type === 'Account' ? await this.#contactsOf(written, signal) : written;
  }

  /** The record type of new persons; existing ones keep theirs. */
  async #recordTypes(
    field: string,
    group: readonly Delivery[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, { readonly RecordTypeId: string }>> {
    const RecordTypeId = this.#recordTypeId;
    if (RecordTypeId === undefined) return new Map();
    const found = await this.#find(field, group, signal);
    return new Map(group.flatMap(({ change: { id } }) => (found.has(id) ? [] : [[id, { RecordTypeId }] as const])));
  }

  /**
   * The contacts of person accounts. An account that has none is a company, and its change ends.
   */
  async #contactsOf(accounts: Persons, signal: AbortSignal): Promise<Persons> {
    const ids = [...accounts.values()].flatMap((of) => ('personId' in of ? [of.personId] : []));
    const contacts = new Map<string, string | undefined>();
    for (const queries of queriesFor(ids, (list) => `SELECT Id, PersonContactId FROM Account WHERE Id IN ${list}`)) {
      const answer = this.#http.send(this.#requests.queries(queries), signal);
      const found = reading(answer.then((response) => readFound(response, queries.length, this.#now())));
      // The accounts are written by now.
      for (const record of await afterPart(found))
        contacts.set(longId(textAt(record, 'Id') ?? ''), textAt(record, 'PersonContactId'));
    }
    return new Map(
      [...accounts].map(([id, of]): [string, Person] => {
        if ('verdict' in of) return [id, of];
        if (!contacts.has(of.personId)) return [id, { verdict: unknownPerson(id) }];
        const personId = contacts.get(of.personId);
        return [id, personId === undefined ? { verdict: company(id) } : { personId }];
      }),
    );
  }

  /**
   * Writes the attributes of each change to its record when that is there. An upsert would bring
   * back a person whom a user erased in Salesforce, so the records are looked up first.
   */
  async update(deliveries: readonly Delivery[], signal: AbortSignal): Promise<Persons> {
    return await this.#each(deliveries, async (field, group, guard) => {
      if (isId(field)) return await this.#update(recordsById(group), field, guard, signal);
      const found = await this.#find(field, group, signal);
      const persons = new Map<string, Person>();
      const targets = group.flatMap((delivery): Target[] => {
        const { id } = delivery.change;
        const [personId, ...others] = found.get(id) ?? [];
        if (personId !== undefined && others.length === 0) return [{ delivery, personId }];
        persons.set(id, { verdict: personId === undefined ? unknownPerson(id) : severalPersons(id) });
        return [];
      });
      return new Map([...persons, ...(await this.#update(targets, field, guard, signal))]);
    });
  }

  /** Runs `call` for the changes of each field, for one request knows persons by one field. */
  async #each(
    deliveries: readonly Delivery[],
    call: (field: string, group: readonly Delivery[], guard: ReasonGuard) => Promise<Persons>,
  ): Promise<Persons> {
    const persons = new Map<string, Person>();
    const guard = createReasonGuard(deliveries, this.#secrets);
    for (const [field, group] of Map.groupBy(deliveries, ({ change }) => this.fieldOf(change))) {
      const ended = group.map(({ change: { id } }): [string, Person] => [id, { verdict: withoutField(id) }]);
      const told = field === undefined ? new Map(ended) : await call(field, group, guard);
      for (const [id, person] of told) persons.set(id, person);
    }
    return persons;
  }

  async #update(
    targets: readonly Target[],
    field: string,
    guard: ReasonGuard,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Person>> {
    const rows = targets.map(({ delivery, personId }) => ({
      delivery,
      personId,
      record: this.#recordOf(delivery.change, field, 'id', personId),
    }));
    // A record id without attributes leaves nothing to write.
    const told = rows.filter(({ record }) => Object.keys(record).length > 2);
    const persons = new Map<string, Person>(rows.map(({ delivery, personId }) => [delivery.change.id, { personId }]));
    if (told.length === 0) return persons;
    const answer = await this.#http.send(this.#requests.update(told.map(({ record }) => record)), signal);
    const deliveries = told.map(({ delivery }) => delivery);
    for (const [id, person] of this.#judged(deliveries, readRows(answer, told.length, this.#now()), guard)) {
      persons.set(id, person);
    }
    return persons;
  }

  #judged(deliveries: readonly Delivery[], answers: readonly Row[], guard: ReasonGuard): ReadonlyMap<string, Person> {
    const persons = new Map<string, Person>();
    for (const [index, { change }] of deliveries.entries()) {
      const answer = answers[index];
      if (answer === undefined) continue;
      const outcome = judgeRow(change.id, answer, guard);
      if (outcome.is === 'done' && typeof answer.id === 'string') persons.set(change.id, { personId: answer.id });
      else persons.set(change.id, { verdict: verdictOf(change.id, outcome, answer) });
    }
    return persons;
  }

  /** The ids of the records that have the identity of each change, by the change's id. */
  async #find(
    field: string,
    deliveries: readonly Delivery[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const rows = deliveries.map(({ change }) => ({ id: change.id, value: change.identity.value }));
    const found = new Map<string, string[]>();
    const select = `SELECT Id, ${field} FROM ${this.#person.type} WHERE ${field} IN`;
    const and = onlyPersons(this.#person);
    for (const queries of queriesFor(
      rows.map(({ value }) => value),
      (list) => `${select} ${list}${and}`,
    )) {
      const answer = this.#http.send(this.#requests.queries(queries), signal);
      for (const record of await reading(answer.then((response) => readFound(response, queries.length, this.#now())))) {
        const personId = textAt(record, 'Id');
        if (personId === undefined) continue;
        for (const { id } of rowsOfValue(rows, textAt(record, field))) {
          found.set(id, [...(found.get(id) ?? []), personId]);
        }
      }
    }
    return found;
  }

  /** The record of a change: `key` with `value` says whose it is. */
  #recordOf({ attributes }: Change, field: string, key: string, value: string): SalesforceRecord {
    // The identity says who it is; an attribute must not say otherwise.
    const own = new Set(['id', 'attributes', field.toLowerCase()]);
    const fields = Object.entries(attributes).filter(([name]) => !own.has(name.toLowerCase()));
    return {
      attributes: { type: this.#person.type },
      [key]: value,
      ...Object.fromEntries(fields.map(([name, value]) => [name, fieldValue(value)])),
    };
  }
}

export const isId = (field: string): boolean => field.toLowerCase() === 'id';

/**
 * Several choices with semicolons between them; everything else as JSON has it, references by an
 * external id among it.
 */
function fieldValue(value: JsonValue): JsonValue {
  return Array.isArray(value) && value.every((item) => typeof item !== 'object') ? value.join(';') : value;
}

export function withoutField(id: string): Verdict {
  return { id, status: 'rejected', reason: noIdentifier };
}

function unknownPerson(id: string): Verdict {
  return { id, status: 'not-found', reason: 'no record has this identity' };
}

function company(id: string): Verdict {
  return { id, status: 'rejected', reason: 'the account is of a company: set recordTypeId to a type of persons' };
}

function severalPersons(id: string): Verdict {
  return { id, status: 'rejected', reason: 'more than one record has this identity' };
}

/**
 * The rows that a found value is the answer to. Most fields are compared without regard to case;
 * where one is not, the same case is meant.
 */
export function rowsOfValue<Row extends { readonly value: string }>(
  rows: readonly Row[],
  value: string | undefined,
): readonly Row[] {
  const exact = rows.filter((row) => row.value === value);
  return exact.length > 0 ? exact : rows.filter((row) => row.value.toLowerCase() === value?.toLowerCase());
}

function verdictOf(id: string, outcome: RowOutcome, { errors }: Row): Verdict {
  // Where a field is named, what is not there is a record to which the person refers.
  const isReference = errors.some(({ fields }) => (fields ?? []).length > 0);
  if (outcome.is === 'gone' && isReference) return { ...outcome.verdict, status: 'rejected' };
  if (outcome.is === 'gone' || outcome.is === 'ended') return outcome.verdict;
  if (outcome.is === 'duplicate') return { id, status: 'rejected', reason: 'DUPLICATE_VALUE' };
  return { id, status: 'retry', reason: 'the answer does not hold the record', doubt: 'answered' };
}
