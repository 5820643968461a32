import {
  type Change,
  createReasonGuard,
  type Delivery,
  type HttpSender,
  type JsonValue,
  type Secret,
  type Verdict,
} from '@activation-hub/destination-kit';
import { type PersonObject, personObjects, type SalesforceRecord, type SalesforceRequests } from './request.ts';
import { judgeRow, readRows } from './response.ts';
import type { SalesforceSettings } from './settings.ts';

/** Of each change, by its id: the id of the person's record, or the verdict with which the change ends. */
export type Persons = ReadonlyMap<string, { readonly personId: string } | { readonly verdict: Verdict }>;

/** The contacts or leads. */
export class PersonRecords {
  readonly #http: HttpSender;
  readonly #requests: SalesforceRequests;
  readonly #fields: ReadonlyMap<string, string>;
  readonly #person: PersonObject;
  readonly #secrets: readonly Secret[];
  readonly #now: () => number;

  constructor(
    http: HttpSender,
    requests: SalesforceRequests,
    settings: SalesforceSettings,
    secrets: readonly Secret[],
    now: () => number,
  ) {
    this.#http = http;
    this.#requests = requests;
    this.#fields = new Map(Object.entries(settings.identities));
    this.#person = personObjects[settings.personType];
    this.#secrets = secrets;
    this.#now = now;
  }

  /** The field that knows the person of a change; `undefined` when none is set for the namespace. */
  fieldOf({ identity }: Change): string | undefined {
    return this.#fields.get(identity.namespace);
  }

  /** Writes the attributes of each change to its record, which is created under an external id when it is not there. */
  async write(deliveries: readonly Delivery[], signal: AbortSignal): Promise<Persons> {
    const persons = new Map<string, { readonly personId: string } | { readonly verdict: Verdict }>();
    const guard = createReasonGuard(deliveries, this.#secrets);
    for (const [field, group] of Map.groupBy(deliveries, ({ change }) => this.fieldOf(change))) {
      const rows = group.map(({ change }) => ({ change, record: this.#recordOf(change, field ?? '') }));
      if (field === undefined) {
        for (const { change } of rows) persons.set(change.id, { verdict: withoutField(change.id) });
        continue;
      }
      // A record id without attributes leaves nothing to write.
      const isTold = ({ record }: (typeof rows)[number]) => !isId(field) || Object.keys(record).length > 2;
      const told = rows.filter(isTold);
      for (const row of rows) if (!isTold(row)) persons.set(row.change.id, { personId: row.change.identity.value });
      if (told.length === 0) continue;
      const records = told.map(({ record }) => record);
      const request = isId(field) ? this.#requests.update(records) : this.#requests.upsertPersons(field, records);
      const answers = readRows(await this.#http.send(request, signal), records.length, this.#now());
      for (const [index, { change }] of told.entries()) {
        const answer = answers[index];
        if (answer === undefined) continue;
        const outcome = judgeRow(change.id, answer, guard);
        if (outcome.is === 'done' && typeof answer.id === 'string') persons.set(change.id, { personId: answer.id });
        else persons.set(change.id, { verdict: verdictOf(change.id, outcome) });
      }
    }
    return persons;
  }

  #recordOf({ identity, attributes }: Change, field: string): SalesforceRecord {
    // The identity says who it is; an attribute must not say otherwise.
    const own = new Set(['id', 'attributes', field.toLowerCase()]);
    const fields = Object.entries(attributes).filter(([name]) => !own.has(name.toLowerCase()));
    return {
      attributes: { type: this.#person.type },
      [isId(field) ? 'id' : field]: identity.value,
      ...Object.fromEntries(fields.map(([name, value]) => [name, fieldValue(value)])),
    };
  }
}

export const isId = (field: string): boolean => field.toLowerCase() === 'id';

/** Several choices with semicolons between them; everything else as JSON has it, references by an external id among it. */
function fieldValue(value: JsonValue): JsonValue {
  return Array.isArray(value) && value.every((item) => typeof item !== 'object') ? value.join(';') : value;
}

export function withoutField(id: string): Verdict {
  return { id, status: 'rejected', reason: 'no field is set for this namespace' };
}

function verdictOf(id: string, outcome: ReturnType<typeof judgeRow>): Verdict {
  if (outcome.is === 'gone' || outcome.is === 'ended') return outcome.verdict;
  if (outcome.is === 'duplicate') return { id, status: 'rejected', reason: 'DUPLICATE_VALUE' };
  return { id, status: 'retry', reason: 'the answer does not hold the record', doubt: 'answered' };
}
