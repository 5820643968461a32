import { encodeUrlText, type HttpRequest, type JsonValue } from '@activation-hub/destination-kit';
import type { SalesforceSettings } from './settings.ts';

/** Records in one request of the collections API. */
export const recordsMax = 200;

/** How Salesforce calls a kind of person, and how a campaign member refers to one. */
export interface PersonObject {
  readonly type: 'Contact' | 'Lead' | 'Account';
  readonly reference: 'ContactId' | 'LeadId';
  /** From a campaign member to the id of the person's record, and to its other fields. */
  readonly idPath: string;
  readonly fieldsPath: string;
  /** The first characters of the id of each record. */
  readonly idPrefix: string;
}

/**
 * A person account is an account with a contact of its own, whose id it holds (`PersonContactId`):
 * the account has the fields and the external ids, and the contact is the campaign member
 * (developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_guidelines_personaccounts.htm).
 */
export const personObjects: Readonly<Record<SalesforceSettings['personType'], PersonObject>> = {
  contact: { type: 'Contact', reference: 'ContactId', idPath: 'ContactId', fieldsPath: 'Contact', idPrefix: '003' },
  lead: { type: 'Lead', reference: 'LeadId', idPath: 'LeadId', fieldsPath: 'Lead', idPrefix: '00Q' },
  'person-account': {
    type: 'Account',
    reference: 'ContactId',
    idPath: 'Contact.AccountId',
    fieldsPath: 'Contact.Account',
    idPrefix: '001',
  },
};

/** Accounts are companies too: only those that are persons are meant. */
export const onlyPersons = ({ type }: PersonObject, path = ''): string =>
  type === 'Account' ? ` AND ${path}IsPersonAccount = true` : '';

/** A record as the collections API wants it: its type beside its fields. */
export interface SalesforceRecord {
  readonly attributes: { readonly type: string };
  readonly [field: string]: JsonValue;
}

export type SalesforceRequests = ReturnType<typeof salesforceRequests>;

/** The describe of an object with many fields is some megabytes. */
const describeBytesMax = 32 * 1024 * 1024;

/**
 * Describes the requests to Salesforce; credentials are added on their way. Whatever names a person
 * is in a body.
 */
export function salesforceRequests(settings: SalesforceSettings) {
  const { myDomainUrl, apiVersion, timeoutMs, personType, duplicateRules } = settings;
  const { origin } = new URL(myDomainUrl);
  const root = `/services/data/${apiVersion}`;
  const person = personObjects[personType];
  const request = (method: HttpRequest['method'], path: string, body?: unknown): HttpRequest => ({
    method,
    url: `${origin}${root}/${path}`,
    headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    timeoutMs,
  });
  /**
   * What creates or updates persons, whom duplicate rules are about
   * (api_rest/headers_duplicaterules.htm).
   */
  const write = (method: HttpRequest['method'], path: string, body: unknown): HttpRequest => {
    const described = request(method, path, body);
    if (duplicateRules === 'obey') return described;
    return { ...described, headers: { ...described.headers, 'sforce-duplicate-rule-header': 'allowSave=true' } };
  };
  const collection = (records: readonly SalesforceRecord[]) => ({ allOrNone: false, records });

  return {
    /**
     * Creates or updates persons by an external id; answered in the order of the request, row by
     * row.
     */
    upsertPersons: (field: string, records: readonly SalesforceRecord[]): HttpRequest =>
      write('PATCH', `composite/sobjects/${person.type}/${field}`, collection(records)),
    create: (records: readonly SalesforceRecord[]): HttpRequest =>
      request('POST', 'composite/sobjects', collection(records)),
    /** Updates records by their `id`. */
    update: (records: readonly SalesforceRecord[]): HttpRequest =>
      write('PATCH', 'composite/sobjects', collection(records)),
    /** Deletes campaign members by the ids of their rows, which no user owns. */
    deleteMembers: (rowIds: readonly string[]): HttpRequest =>
      request('DELETE', `composite/sobjects?ids=${rowIds.map(encodeUrlText).join(',')}&allOrNone=false`),
    /**
     * Runs up to five queries. They are in the body of a composite request, for they name persons.
     */
    queries: (queries: readonly string[]): HttpRequest =>
      request('POST', 'composite', {
        allOrNone: false,
        compositeRequest: queries.map((query, index) => ({
          method: 'GET',
          url: `${root}/query?q=${encodeUrlText(query)}`,
          referenceId: `query${index}`,
        })),
      }),
    describePerson: (): HttpRequest => ({
      ...request('GET', `sobjects/${person.type}/describe`),
      responseBytesMax: describeBytesMax,
    }),
  };
}

/** A text as SOQL writes it. */
export function quoted(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `'${escaped}'`;
}

/**
 * Queries in one composite request, and characters of a query as its URL has it: Salesforce allows
 * 5, and some 16,000.
 */
const queriesMax = 5;
const listCharactersMax = 6_000;

/**
 * Writes the queries that find these values with as many as needed: each query is within what a URL
 * may hold, and each group is one request. `where` makes a query of a list in SOQL.
 */
export function queriesFor(values: Iterable<string>, where: (list: string) => string): string[][] {
  const lists: string[][] = [];
  let characters = Infinity;
  for (const value of new Set(values)) {
    const literal = quoted(value);
    const length = encodeUrlText(literal).length + 3;
    if (characters + length > listCharactersMax) {
      lists.push([]);
      characters = 0;
    }
    lists.at(-1)?.push(literal);
    characters += length;
  }
  const queries = lists.map((list) => where(`(${list.join(',')})`));
  return Array.from({ length: Math.ceil(queries.length / queriesMax) }, (_, index) =>
    queries.slice(index * queriesMax, (index + 1) * queriesMax),
  );
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';

/**
 * The id of 18 characters of a record, which answers have, from one of 15: three letters say which
 * of the others are upper case ("Record ID Field Type", Object Reference for the Salesforce
 * Platform).
 */
export function longId(id: string): string {
  if (id.length !== 15) return id;
  const suffix = [0, 5, 10].map((start) => {
    const places = [0, 1, 2, 3, 4].filter((place) => /[A-Z]/.test(id.charAt(start + place)));
    return letters.charAt(places.reduce((sum, place) => sum + 2 ** place, 0));
  });
  return id + suffix.join('');
}
