import { z } from 'zod';
import {
  type StandInVendor,
  type StartLocalVendor,
  type HttpVendorServer,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';

import { isId } from './persons.ts';
import { type PersonObject, personObjects } from './request.ts';
import { salesforceSettings, salesforceOptions } from './settings.ts';
import { type Fields, type Query, readQuery, runQuery, textOf } from './vendor-query.ts';
import { collection, describe, documented, failed, json, maySignIn, parse, refusal } from './vendor-answers.ts';

const composite = z.strictObject({
  allOrNone: z.boolean(),
  compositeRequest: z
    .array(z.strictObject({ method: z.literal('GET'), url: z.string().max(16_000), referenceId: z.string() }))
    .min(1)
    .max(5),
});

export interface SalesforceVendorOptions {
  readonly person?: PersonObject;
  /** Fields of the persons that are external ids. */
  readonly externalIds?: readonly string[];
  /**
   * A person named by the id of a record exists: a user made the record in Salesforce itself.
   */
  readonly everybodyIsThere?: boolean;
}

/** A Salesforce org, as far as the connector uses it. */
export interface SalesforceVendor extends StandInVendor, HttpVendorServer {
  /** A campaign that a user makes in Salesforce itself; gives its id. */
  addCampaign(name: string, statuses?: readonly string[], id?: string): string;
  /**
   * What these fields of the members of the campaign with this name or id hold; not of those with
   * the status.
   */
  members(campaign: string, fields: readonly string[], exceptStatus?: string): readonly string[];
  deleteCampaign(id: string): void;
  readonly campaigns: readonly string[];
  statusesOf(campaignId: string): readonly string[];
  /** A person whom a user makes in Salesforce itself; gives the id. */
  addPerson(fields: Fields): string;
  readonly contacts: readonly Fields[];
  /** Status of the member with this external id or record id; `undefined` when there is none. */
  statusOf(identity: string): string | undefined;
  setStatus(identity: string, status: string): void;
  /** From now on a record of this identity meets this code; `undefined` ends it. */
  failWith(identity: string, code: string | undefined): void;
  /** From now on every collection of persons answers with this instead. */
  answerPersonsWith(response: VendorResponse | undefined): void;
  /** From now on every creation of campaign members answers with this instead. */
  answerMembersWith(response: VendorResponse | undefined): void;
  /** From now on every answer says that so much of the quota is used. */
  setUsage(used: number, allowed: number): void;
  /** From now on the vendor refuses the tokens that it has issued. */
  revokeTokens(): void;
}

export const startLocalSalesforceVendor: StartLocalVendor = async ({ settings, routes }) => {
  const { identifiers, personType } = salesforceSettings.parse(settings);
  const fields = Object.values(identifiers);
  const vendor = await startSalesforceVendor({
    person: personObjects[personType],
    externalIds: fields.filter((field) => !isId(field)),
    everybodyIsThere: true,
  });
  for (const { options } of routes) {
    const { campaign, campaignId, createCampaign, status, exitStatus } = salesforceOptions.parse(options);
    const statuses = [status, exitStatus].filter((label) => label !== undefined);
    if (!createCampaign) vendor.addCampaign(campaign ?? 'A campaign', statuses, campaignId);
  }
  return {
    settings: { myDomainUrl: vendor.origin, jwtBearer: undefined },
    secrets: { clientSecret: 'of-the-stand-in' },
    members: ({ options }) => {
      const { campaign, campaignId, exitStatus } = salesforceOptions.parse(options);
      return vendor.members(campaign ?? campaignId ?? '', fields, exitStatus);
    },
    close: () => vendor.close(),
  };
};

/**
 * Starts an org on a free local port, of contacts by default, with a campaign called Sports Fans.
 */
export async function startSalesforceVendor(options: SalesforceVendorOptions = {}): Promise<SalesforceVendor> {
  const org = new Org(options);
  const server = await startVendorServer(
    (request) => {
      const answer = org.answer(request);
      return { ...answer, headers: { ...answer.headers, 'sforce-limit-info': org.usage } };
    },
    ({ method, url, body }) =>
      method === 'GET' || /\/(token|composite)$/.test(url) || /"type":"Campaign(MemberStatus)?"/.test(body),
  );
  org.addCampaign('Sports Fans', ['Sent', 'Responded']);
  return {
    ...server,
    member: (identity) => org.member(identity),
    refuse: (identity) => void org.codes.set(identity, 'FIELD_CUSTOM_VALIDATION_EXCEPTION'),
    omit: (identity) => void org.omitted.add(identity),
    answerWithError: (code) =>
      server.setFault(
        code === undefined ? undefined : { kind: 'answer', answer: (request) => documented(code, request) },
      ),
    forgetPerson: (identity) => org.deletePerson(identity),
    addCampaign: (name, statuses = [], id) => org.addCampaign(name, statuses, id),
    members: (campaign, fields, exceptStatus) => org.members(campaign, fields, exceptStatus),
    deleteCampaign: (id) => void org.rows.delete(id),
    get campaigns() {
      return org.of('Campaign').map(([, { Name }]) => textOf(Name));
    },
    statusesOf: (campaignId) =>
      org.of('CampaignMemberStatus').flatMap(([, row]) => (row.CampaignId === campaignId ? [textOf(row.Label)] : [])),
    addPerson: (fields) => org.add(org.person.type, fields),
    get contacts() {
      return org.of(org.person.type).map(([, fields]) => fields);
    },
    statusOf: (identity) => org.memberRow(identity)?.[1].Status as string | undefined,
    setStatus: (identity, status) => org.setStatus(identity, status),
    failWith: (identity, code) => {
      if (code === undefined) org.codes.delete(identity);
      else org.codes.set(identity, code);
    },
    answerPersonsWith: (response) => {
      org.personsAnswer = response;
    },
    answerMembersWith: (response) => {
      org.membersAnswer = response;
    },
    sayQuotaIsNearlyUsed: (isNearlyUsed) => {
      org.usage = `api-usage=${isNearlyUsed ? 95_000 : 18}/100000`;
    },
    setUsage: (used, allowed) => {
      org.usage = `api-usage=${used}/${allowed}`;
    },
    revokeTokens: () => {
      org.firstGoodToken = org.lastToken + 1;
    },
  };
}

const idPrefixes: Readonly<Record<string, string>> = {
  Contact: '003',
  Lead: '00Q',
  Account: '001',
  Campaign: '701',
  CampaignMember: '00v',
};

/** The record type of an account that is a company. */
export const companyRecordType = '0125g0000000COMPAN';

class Org {
  /** All records by their id. */
  readonly rows = new Map<string, Fields & { readonly type: string }>();
  readonly codes = new Map<string, string>();
  readonly omitted = new Set<string>();
  personsAnswer: VendorResponse | undefined;
  membersAnswer: VendorResponse | undefined;
  usage = 'api-usage=18/100000';
  firstGoodToken = 1;
  lastToken = 0;
  readonly person: PersonObject;
  readonly #externalIds: readonly string[];
  readonly #everybodyIsThere: boolean;
  #lastId = 0;

  constructor({ person = personObjects.contact, externalIds, everybodyIsThere = false }: SalesforceVendorOptions) {
    this.person = person;
    this.#externalIds = externalIds ?? ['Activation_Email__c', 'External_Id__c'];
    this.#everybodyIsThere = everybodyIsThere;
  }

  of(type: string): [string, Fields][] {
    return [...this.rows].filter(([, row]) => row.type === type);
  }

  add(type: string, fields: Fields, ownId?: string): string {
    this.#lastId += 1;
    const id = ownId ?? `${idPrefixes[type] ?? '01Y'}5g0000${String(this.#lastId).padStart(6, '0')}AAA`;
    this.rows.set(id, { ...fields, type });
    // Of a company, where the record type says so, there is no contact.
    if (type === 'Account' && fields.RecordTypeId !== companyRecordType) {
      const contactId = this.add('Contact', { AccountId: id, IsPersonAccount: true });
      this.rows.set(id, { ...fields, type, PersonContactId: contactId, IsPersonAccount: true });
    }
    return id;
  }

  /** What a campaign member of the person with this record refers to. */
  #memberOf(personId: string): string {
    return this.person.type === 'Account' ? textOf(this.rows.get(personId)?.PersonContactId) : personId;
  }

  #personOf(memberId: string): string {
    return this.person.type === 'Account' ? textOf(this.rows.get(memberId)?.AccountId) : memberId;
  }

  /** Makes the campaign unless there is one of this name or id, and the statuses that it lacks. */
  addCampaign(name: string, statuses: readonly string[], ownId?: string): string {
    const isThere = this.#everybodyIsThere ? this.#campaign(ownId ?? name) : undefined;
    const id = isThere ?? this.add('Campaign', { Name: name }, ownId);
    for (const label of statuses) this.add('CampaignMemberStatus', { CampaignId: id, Label: label });
    return id;
  }

  #campaign(nameOrId: string): string | undefined {
    return this.of('Campaign').find(([id, { Name }]) => id === nameOrId || Name === nameOrId)?.[0];
  }

  members(campaign: string, fields: readonly string[], exceptStatus: string | undefined): readonly string[] {
    const campaignId = this.#campaign(campaign);
    const rows = this.of('CampaignMember').filter(
      ([, row]) => row.CampaignId === campaignId && (exceptStatus === undefined || row.Status !== exceptStatus),
    );
    // By the record id only who has no external id.
    const held = rows.flatMap(([, row]) => {
      const personId = this.#personOf(textOf(row[this.person.reference]));
      const values = fields.map((field) => this.rows.get(personId)?.[field]).filter((value) => value !== undefined);
      return values.length > 0 ? values : [personId];
    });
    return held.filter((value) => typeof value === 'string');
  }

  memberRow(identity: string): [string, Fields] | undefined {
    const contact = this.of(this.person.type).find(
      ([id, fields]) => id === identity || this.#externalIds.some((name) => fields[name] === identity),
    );
    return (
      contact && this.of('CampaignMember').find(([, row]) => row[this.person.reference] === this.#memberOf(contact[0]))
    );
  }

  /** With the memberships, as Salesforce deletes them. */
  deletePerson(identity: string): void {
    for (const [id, fields] of this.of(this.person.type)) {
      if (!this.#externalIds.some((name) => fields[name] === identity)) continue;
      const memberId = this.#memberOf(id);
      for (const [rowId, row] of this.of('CampaignMember'))
        if (row[this.person.reference] === memberId) this.rows.delete(rowId);
      for (const each of [id, memberId]) this.rows.delete(each);
    }
  }

  member(identity: string): Fields | undefined {
    const row = this.memberRow(identity)?.[1];
    if (row === undefined || row.Status === 'Left') return undefined;
    const hidden = new Set(['type', 'PersonContactId', 'IsPersonAccount', 'RecordTypeId', ...this.#externalIds]);
    return Object.fromEntries(
      Object.entries(this.rows.get(this.#personOf(textOf(row[this.person.reference]))) ?? {}).filter(
        ([name]) => !hidden.has(name),
      ),
    );
  }

  setStatus(identity: string, status: string): void {
    const found = this.memberRow(identity);
    if (found !== undefined) this.#write(found[0], { Status: status });
  }

  answer({ method, url, headers, body }: VendorRequest): VendorResponse {
    if (url === '/services/oauth2/token') return this.#signIn(body);
    const token = Number(/^Bearer token-(\d+)$/.exec(headers.authorization ?? '')?.[1]);
    if (!(token >= this.firstGoodToken && token <= this.lastToken)) return failed(401, 'INVALID_SESSION_ID');
    const path = url.replace(/^\/services\/data\/v\d+\.0\//, '');
    if (method === 'GET' && path === `sobjects/${this.person.type}/describe`) return describe(this.#externalIds);
    if (method === 'POST' && path === 'composite') return this.#composite(body);
    const [, type, field] = /^composite\/sobjects\/(\w+)\/(\w+)$/.exec(path) ?? [];
    if (method === 'PATCH' && type === this.person.type && field !== undefined) return this.#upsert(field, body);
    if (method === 'POST' && path === 'composite/sobjects') return this.#create(body);
    if (method === 'PATCH' && path === 'composite/sobjects') return this.#update(body);
    const [, ids] = /^composite\/sobjects\?ids=([\w,]+)&allOrNone=false$/.exec(path) ?? [];
    if (method === 'DELETE' && ids !== undefined)
      return json(
        200,
        ids.split(',').map((id) => this.#delete(id)),
      );
    return failed(404, 'NOT_FOUND');
  }

  #signIn(body: string): VendorResponse {
    if (!maySignIn(body)) return json(400, { error: 'unsupported_grant_type' });
    this.lastToken += 1;
    return json(200, { access_token: `token-${this.lastToken}`, token_type: 'Bearer', issued_at: '1' });
  }

  #upsert(field: string, body: string): VendorResponse {
    if (this.personsAnswer !== undefined) return this.personsAnswer;
    const parsed = collection.safeParse(parse(body));
    if (!parsed.success || !this.#externalIds.includes(field)) return failed(400, 'INVALID_FIELD');
    const { records } = parsed.data;
    const seen = new Set<string>();
    const results = records.flatMap(({ attributes, id, ...fields }): object[] => {
      const key = textOf(fields[field]);
      const isRepeated = seen.size === seen.add(key.toLowerCase()).size;
      if (this.omitted.has(key)) return [];
      if (id !== undefined || attributes.type !== this.person.type) return [refusal('INVALID_FIELD_FOR_INSERT_UPDATE')];
      if (isRepeated) return [refusal('DUPLICATE_VALUE')];
      const code = this.codes.get(key);
      if (code !== undefined) return [refusal(code, `${key} is not valid`)];
      const found = this.of(this.person.type).find(
        ([, contact]) => textOf(contact[field]).toLowerCase() === key.toLowerCase(),
      );
      if (found === undefined)
        return [{ id: this.add(this.person.type, fields), success: true, errors: [], created: true }];
      return [{ ...this.#write(found[0], fields), created: false }];
    });
    return json(200, results);
  }

  #create(body: string): VendorResponse {
    const parsed = collection.safeParse(parse(body));
    if (!parsed.success) return failed(400, 'JSON_PARSER_ERROR');
    const isOfMembers = parsed.data.records[0]?.attributes.type === 'CampaignMember';
    if (isOfMembers && this.membersAnswer !== undefined) return this.membersAnswer;
    return json(
      200,
      parsed.data.records.map(({ attributes: { type }, ...fields }) => {
        if (type === 'CampaignMemberStatus' && this.#hasStatus(fields)) return refusal('DUPLICATE_VALUE');
        if (type !== 'CampaignMember') return { id: this.add(type, fields), success: true, errors: [] };
        const { CampaignId: campaign, [this.person.reference]: contact } = fields;
        if (this.person.type !== 'Account') this.#makeThere(textOf(contact));
        const code = this.codes.get(textOf(contact));
        if (code !== undefined) return refusal(code);
        const refersTo = this.person.reference.replace('Id', '');
        if (!this.rows.has(textOf(campaign)) || this.rows.get(textOf(contact))?.type !== refersTo)
          return refusal('INVALID_CROSS_REFERENCE_KEY');
        const isMember = this.of(type).some(
          ([, row]) => row.CampaignId === campaign && row[this.person.reference] === contact,
        );
        if (isMember) return refusal('DUPLICATE_VALUE', 'Already a campaign member.');
        return { id: this.add(type, { Status: 'Sent', ...(fields as Fields) }), success: true, errors: [] };
      }),
    );
  }

  /**
   * A campaign has each status once; that a second one is refused, and with which code, is a guess.
   */
  #hasStatus({ CampaignId, Label }: Fields): boolean {
    return this.of('CampaignMemberStatus').some(([, row]) => row.CampaignId === CampaignId && row.Label === Label);
  }

  #update(body: string): VendorResponse {
    const parsed = collection.safeParse(parse(body));
    if (!parsed.success) return failed(400, 'JSON_PARSER_ERROR');
    return json(
      200,
      parsed.data.records.map(({ attributes, id = '', ...fields }) => {
        const code = this.codes.get(id);
        if (code !== undefined) return refusal(code);
        if (attributes.type === this.person.type) this.#makeThere(id);
        return this.rows.get(id)?.type === attributes.type ? this.#write(id, fields) : refusal('NOT_FOUND');
      }),
    );
  }

  #makeThere(personId: string): void {
    if (this.#everybodyIsThere && !this.rows.has(personId)) this.add(this.person.type, {}, personId);
  }

  #delete(id: string): object {
    const code = this.codes.get(id);
    if (code !== undefined) return refusal(code);
    return this.rows.delete(id) ? { id, success: true, errors: [] } : refusal('ENTITY_IS_DELETED');
  }

  #write(id: string, fields: Fields): object {
    const row = this.rows.get(id);
    if (row !== undefined) this.rows.set(id, { ...row, ...fields, type: row.type });
    return { id, success: true, errors: [] };
  }

  #composite(body: string): VendorResponse {
    const parsed = composite.safeParse(parse(body));
    if (!parsed.success) return failed(400, 'JSON_PARSER_ERROR');
    const compositeResponse = parsed.data.compositeRequest.map(({ url, referenceId }) => {
      const query = new URL(url, 'https://org.example').searchParams.get('q') ?? '';
      return { body: this.#query(readQuery(query)), httpHeaders: {}, httpStatusCode: 200, referenceId };
    });
    return json(200, { compositeResponse });
  }

  #query(query: Query): object {
    // A person named by the id of a record exists, where all persons do.
    const ids = query.type === this.person.type ? query.conditions.filter(({ path }) => path === 'Id') : [];
    for (const { values } of ids)
      for (const id of values)
        if (![...this.rows.keys()].some((each) => each.toLowerCase() === id)) this.#makeThere(id);
    return runQuery(this.rows, query);
  }
}
