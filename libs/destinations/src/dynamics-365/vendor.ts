import { randomUUID } from 'node:crypto';
import type { JsonValue } from '@activation-hub/destination-kit';
import {
  type StandInVendor,
  type StartLocalVendor,
  type HttpVendorServer,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';
import { type MemberTable, memberTables } from './request.ts';
import { dynamics365Settings, dynamics365Options, namesSegment } from './settings.ts';
import { documented, failed, json, metadata } from './vendor-answers.ts';
import { readBatchRequest, writeBatchAnswer } from './vendor-batch.ts';
import { VendorSegments } from './vendor-segments.ts';

type Columns = Readonly<Record<string, JsonValue>>;
type Row = Columns;

interface List {
  readonly listid: string;
  readonly listname: string;
  readonly createdfromcode: number;
  readonly type: boolean;
  readonly lockstatus: boolean;
  readonly statecode: number;
}

export interface Dynamics365VendorOptions {
  /** The parameter of RemoveMemberList; `null` for an environment without this action. */
  readonly removalParameter?: 'EntityId' | 'ListMember' | null;
  /** What persons are; contacts by default. */
  readonly memberType?: 'contact' | 'lead' | 'account';
  /** Columns that are alternate keys of persons. */
  readonly alternateKeys?: readonly string[];
  /** Every person that a request names exists: a user made the record in Dynamics 365 itself. */
  readonly everybodyIsThere?: boolean;
}

/** A Dataverse environment and the sign-in of its tenant, as far as the connector uses them. */
export interface Dynamics365Vendor extends StandInVendor, HttpVendorServer {
  /** A list that a user makes in Dynamics 365 itself; gives its id. */
  addList(list: Partial<List>): string;
  deleteList(listId: string): void;
  /** What these columns of the members of the list with this name or id hold. */
  members(list: string, columns: readonly string[]): readonly string[];
  readonly lists: readonly string[];
  /** A person that a user makes in Dynamics 365 itself; gives the id of the record. */
  addRecord(columns: Columns): string;
  /** A member whom a user adds in Dynamics 365 itself. */
  addMember(list: string, recordId: string): void;
  readonly records: readonly Row[];
  readonly segments: VendorSegments;
  /** From now on the vendor refuses the tokens that it has issued. */
  revokeTokens(): void;
  /** From now on every part about this identity meets service protection; `undefined` ends it. */
  throttle(identity: string | undefined): void;
}

export const startLocalDynamics365Vendor: StartLocalVendor = async ({ settings, routes }) => {
  const { identifiers, memberType } = dynamics365Settings.parse(settings);
  if (memberType === 'account' && routes.some(({ options }) => namesSegment(dynamics365Options.parse(options)))) {
    throw new Error('Failed to stand in for Dynamics 365: segments hold contacts or leads. Set memberType.');
  }
  const columns = Object.values(identifiers);
  const alternateKeys = columns.filter(({ alternateKey }) => alternateKey).map(({ column }) => column);
  const vendor = await startDynamics365Vendor({ memberType, alternateKeys, everybodyIsThere: true });
  for (const { options } of routes) {
    const { list, listId, createList, segment, segmentId, createSegment } = dynamics365Options.parse(options);
    const names = [...vendor.lists, ...vendor.segments.names];
    const isThere = names.includes(list ?? segment ?? '');
    if (isThere || createList || createSegment) continue;
    if ((segment ?? segmentId) !== undefined) vendor.segments.add(segment ?? 'A segment', memberType, [{}], segmentId);
    else vendor.addList({ listname: list ?? 'A list', ...(listId !== undefined && { listid: listId }) });
  }
  return {
    // Two addresses of one server, so that a test can tell the requests to each apart.
    settings: {
      environmentUrl: vendor.origin,
      signInUrl: vendor.origin.replace('127.0.0.1', 'localhost'),
      clientCertificate: undefined,
      managedIdentity: undefined,
    },
    secrets: { clientSecret: 'of-the-stand-in' },
    members: ({ options }) => {
      const { list, listId, segment, segmentId } = dynamics365Options.parse(options);
      const names = columns.map(({ column }) => column);
      return vendor.members(list ?? listId ?? segment ?? segmentId ?? '', names);
    },
    close: () => vendor.close(),
  };
};

/** Starts an environment on a free local port, with a static list called Sports Fans. */
export async function startDynamics365Vendor(options: Dynamics365VendorOptions = {}): Promise<Dynamics365Vendor> {
  const environment = new Environment(options);
  const server = await startVendorServer(
    (request) => environment.answer(request),
    ({ method, url, body }) =>
      method === 'GET' ||
      (!url.endsWith('StaticMembers') &&
        (!url.endsWith('$batch') || readBatchRequest(body).every((part) => part.method === 'GET'))),
  );
  environment.addList({ listname: 'Sports Fans' });
  environment.segments.add('Sports Fans', environment.table.entity, [{}]);
  return {
    ...server,
    member: (identity) => environment.member(identity),
    refuse: (identity) => void environment.refused.add(identity),
    omit: (identity) => void environment.omitted.add(identity),
    answerWithError: (code) => {
      const answer = ({ url, body }: VendorRequest) =>
        url.endsWith('$batch')
          ? writeBatchAnswer(readBatchRequest(body).map(() => documented(code ?? '')))
          : documented(code ?? '');
      server.setFault(code === undefined ? undefined : { kind: 'answer', answer });
    },
    poison: (identity) => {
      const naming = encodeURIComponent(identity);
      server.setFault({ kind: 'answer', naming, answer: () => failed(400, '0x80060888') });
    },
    forgetPerson: (identity) => environment.deleteRecord(identity),
    addList: (list) => environment.addList(list),
    deleteList: (listId) => void environment.lists.delete(listId),
    members: (list, columns) => environment.membersOf(list, columns),
    get lists() {
      return [...environment.lists.values()].map(({ listname }) => listname);
    },
    addRecord: (columns) => environment.addRecord(columns),
    addMember: (list, recordId) => environment.makeMember(list, recordId),
    get records() {
      return [...environment.records.values()];
    },
    segments: environment.segments,
    revokeTokens: () => {
      environment.firstGoodToken = environment.lastToken + 1;
    },
    throttle: (identity) => {
      environment.throttled = identity;
    },
  };
}

class Environment {
  readonly lists = new Map<string, List>();
  readonly records = new Map<string, Row>();
  /** List member rows by their id. */
  readonly #members = new Map<string, { readonly listId: string; readonly recordId: string }>();
  readonly segments = new VendorSegments();
  readonly table: MemberTable;
  readonly refused = new Set<string>();
  readonly omitted = new Set<string>();
  throttled: string | undefined;
  firstGoodToken = 1;
  lastToken = 0;
  readonly #removalParameter: 'EntityId' | 'ListMember' | null;
  readonly #alternateKeys: readonly string[];
  readonly #everybodyIsThere: boolean;

  constructor(options: Dynamics365VendorOptions) {
    this.table = memberTables[options.memberType ?? 'contact'];
    this.#removalParameter = options.removalParameter === undefined ? 'EntityId' : options.removalParameter;
    this.#alternateKeys = options.alternateKeys ?? ['emailaddress1'];
    this.#everybodyIsThere = options.everybodyIsThere ?? false;
  }

  addList(list: Partial<List>): string {
    const fresh = {
      listname: 'A list',
      createdfromcode: this.table.createdFromCode,
      type: false,
      lockstatus: false,
      statecode: 0,
    };
    const added = { listid: randomUUID(), ...fresh, ...list };
    this.lists.set(added.listid, added);
    return added.listid;
  }

  membersOf(nameOrId: string, columns: readonly string[]): readonly string[] {
    const list = [...this.lists.values()].find(({ listid, listname }) => listid === nameOrId || listname === nameOrId);
    const rows = [...this.#members.values()].filter(({ listId }) => listId === list?.listid);
    const ids = list === undefined ? this.segments.members(nameOrId) : rows.map(({ recordId }) => recordId);
    const held = ids.flatMap((recordId) => columns.map((column) => this.records.get(recordId)?.[column]));
    return held.filter((value) => typeof value === 'string');
  }

  makeMember(listname: string, recordId: string): void {
    const list = [...this.lists.values()].find((each) => each.listname === listname);
    if (list !== undefined) this.#members.set(randomUUID(), { listId: list.listid, recordId });
  }

  addRecord(columns: Columns): string {
    const id = randomUUID();
    this.records.set(id, { ...columns, [this.table.id]: id });
    return id;
  }

  /** With its memberships, as Dataverse deletes them. */
  deleteRecord(emailAddress: string): void {
    for (const [recordId, { emailaddress1 }] of this.records) {
      if (emailaddress1 !== emailAddress) continue;
      this.records.delete(recordId);
      this.segments.forget(recordId);
      for (const [id, row] of this.#members) if (row.recordId === recordId) this.#members.delete(id);
    }
  }

  member(identity: string): Readonly<Record<string, JsonValue>> | undefined {
    const [id, record] = [...this.records].find(([, { emailaddress1 }]) => emailaddress1 === identity) ?? [];
    if (id === undefined || record === undefined) return undefined;
    const isMember = this.segments.holds(id) || [...this.#members.values()].some((row) => row.recordId === id);
    const hidden = new Set([this.table.id, 'emailaddress1']);
    return isMember ? Object.fromEntries(Object.entries(record).filter(([name]) => !hidden.has(name))) : undefined;
  }

  answer({ method, url, headers, body }: VendorRequest): VendorResponse {
    if (url.endsWith('/oauth2/v2.0/token')) return this.#signIn(body);
    const token = Number(/^Bearer token-(\d+)$/.exec(headers.authorization ?? '')?.[1]);
    if (!(token >= this.firstGoodToken && token <= this.lastToken)) return failed(401, '0x80072560');
    const path = url.replace(/^\/api\/data\/v9\.2\//, '');
    if (path !== '$batch') return this.#one({ method, path, headers, body });
    const parts = readBatchRequest(body).map((part) => {
      const relative = { ...part, path: part.path.replace(/^\/api\/data\/v9\.2\//, '') };
      const about = decodeURIComponent(part.path).replaceAll("''", "'") + part.body;
      const answered = this.#isAbout(about, this.throttled)
        ? { ...failed(429, '0x80072322'), headers: { 'retry-after': '30' } }
        : this.#one(relative);
      const isWrite = part.method === 'PATCH';
      return isWrite && [...this.omitted].some((identity) => this.#isAbout(about, identity)) ? undefined : answered;
    });
    return writeBatchAnswer(parts.filter((part) => part !== undefined));
  }

  /** Whether a part names this person, by identity or by id. */
  #isAbout(text: string, identity: string | undefined): boolean {
    if (identity === undefined) return false;
    const [id] = [...this.records].find(([, { emailaddress1 }]) => emailaddress1 === identity) ?? [];
    return text.includes(identity) || (id !== undefined && text.includes(id));
  }

  #signIn(body: string): VendorResponse {
    const form = new URLSearchParams(body);
    const [header = '', claims = ''] = (form.get('client_assertion') ?? '').split('.');
    const isAsserted =
      form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' &&
      /"alg":"PS256".*"x5t#S256":"[\w-]{43}"/.test(Buffer.from(header, 'base64url').toString()) &&
      /"aud":".+\/oauth2\/v2\.0\/token"/.test(Buffer.from(claims, 'base64url').toString());
    const isKnown = form.has('client_secret') || isAsserted;
    if (!isKnown || form.get('grant_type') !== 'client_credentials' || !form.get('scope')?.endsWith('/.default')) {
      return json(400, { error: 'invalid_request' });
    }
    this.lastToken += 1;
    return json(200, { token_type: 'Bearer', expires_in: 3599, access_token: `token-${this.lastToken}` });
  }

  #one({
    method,
    path,
    headers,
    body,
  }: {
    method: string;
    path: string;
    headers: VendorRequest['headers'];
    body: string;
  }): VendorResponse {
    const [resource = '', query = ''] = path.split('?');
    const filter = new URLSearchParams(query).get('$filter') ?? '';
    if (resource === 'WhoAmI') return json(200, { UserId: randomUUID() });
    if (resource === '$metadata') return { status: 200, body: metadata(this.#removalParameter) };
    if (resource.startsWith('EntityDefinitions')) {
      const key = (name: string) => ({ KeyAttributes: [name], EntityKeyIndexStatus: 'Active' });
      return json(200, { value: this.#alternateKeys.map(key) });
    }
    if (resource === 'lists') {
      const order = new URLSearchParams(query).get('$orderby');
      return method === 'POST' ? this.#createList(body) : this.#findLists(filter, order);
    }
    const ofSegment = this.segments.answer(method, decodeURIComponent(resource), filter, body);
    if (ofSegment !== undefined) return ofSegment;
    if (resource === this.table.set && method === 'POST') return this.#createRecord(body);
    if (resource === this.table.set) {
      return this.#findRecords(filter, Number(new URLSearchParams(query).get('$top') ?? Infinity));
    }
    if (resource === 'listmembers') return this.#findMembers(filter);
    const [, set, key = '', rest = ''] = /^(\w+)\((.+?)\)(?:\/(.*))?$/.exec(decodeURIComponent(resource)) ?? [];
    if (set === this.table.set && method === 'PATCH') return this.#patch(key, headers, body);
    if (set === 'listmembers' && method === 'DELETE') {
      return this.#members.delete(key) ? { status: 204 } : failed(404, '0x80040217');
    }
    if (set === 'lists') return this.#list(method, key, rest, body);
    return failed(404, '0x8006088a');
  }

  #list(method: string, listId: string, rest: string, body: string): VendorResponse {
    const list = this.lists.get(listId);
    if (list === undefined) return failed(404, '0x80040217');
    if (rest === '') return json(200, list);
    if (list.type || list.lockstatus) return failed(400, '0x8004f001');
    const [, entity, associated] = /^list(\w+)_association\((.+)\)\/\$ref$/.exec(rest) ?? [];
    if (associated !== undefined && entity !== this.table.entity) return failed(404, '0x8006088a');
    if (associated !== undefined && method === 'DELETE') return this.#removeMember(listId, associated);
    const given = JSON.parse(body) as { EntityId?: string; ListMember?: { listmemberid: string } };
    if (rest === 'Microsoft.Dynamics.CRM.AddMemberList') return this.#addMember(listId, given.EntityId ?? '');
    const isOffered = rest === 'Microsoft.Dynamics.CRM.RemoveMemberList' && this.#removalParameter !== null;
    if (!isOffered) return failed(404, '0x8006088a');
    const removed = this.#removalParameter === 'EntityId' ? given.EntityId : given.ListMember?.listmemberid;
    return removed === undefined ? failed(400, '0x80048d19') : this.#removeMember(listId, removed);
  }

  #addMember(listId: string, recordId: string): VendorResponse {
    if (!this.records.has(recordId)) return failed(404, '0x80040217');
    const isMember = [...this.#members.values()].some((row) => row.listId === listId && row.recordId === recordId);
    const id = randomUUID();
    if (!isMember) this.#members.set(id, { listId, recordId });
    return json(200, { ListMemberId: id });
  }

  #removeMember(listId: string, recordId: string): VendorResponse {
    for (const [id, row] of this.#members) {
      if (row.listId !== listId || row.recordId !== recordId) continue;
      this.#members.delete(id);
      return { status: 204 };
    }
    return failed(404, '0x80040217');
  }

  #patch(key: string, headers: VendorRequest['headers'], body: string): VendorResponse {
    const [, column, text] = /^(\w+)='(.*)'$/.exec(key) ?? [];
    if (column !== undefined && !this.#alternateKeys.includes(column)) return failed(400, '0x80060891');
    const value = text?.replaceAll("''", "'");
    if (this.#everybodyIsThere && column === undefined && !this.records.has(key)) {
      this.records.set(key, { [this.table.id]: key });
    }
    // Microsoft documents that such a value does not work in a URL (define-alternate-keys-portal).
    if (value !== undefined && /[/#<>*%&:\\?+]/.test(value)) return failed(400, '0x80060888');
    const [foundId, found] =
      column === undefined
        ? [key, this.records.get(key)]
        : ([...this.records].find(([, row]) => row[column] === value) ?? []);
    if (found === undefined && headers['if-match'] === '*') return failed(404, '0x80040217');
    if ([value, found?.emailaddress1].some((known) => typeof known === 'string' && this.refused.has(known)))
      return failed(400, '0x80048408', value);
    const id = found === undefined || foundId === undefined ? randomUUID() : foundId;
    const written = JSON.parse(body) as Columns;
    this.records.set(id, {
      ...found,
      ...(column !== undefined && { [column]: value ?? '' }),
      ...written,
      [this.table.id]: id,
    });
    return json(found === undefined ? 201 : 200, { [this.table.id]: id });
  }

  #createRecord(body: string): VendorResponse {
    const columns = JSON.parse(body) as Columns;
    const isThere = (name: string) =>
      name in columns && [...this.records.values()].some((row) => row[name] === columns[name]);
    if (this.#alternateKeys.some(isThere)) return failed(412, '0x80060892');
    return json(201, { [this.table.id]: this.addRecord(columns) });
  }

  #findRecords(filter: string, top: number): VendorResponse {
    const [, column = '', text = '', isExcluded, state] =
      /^(\w+) eq '(.*?)'(?: and statecode (eq|ne) (\d))?$/.exec(filter) ?? [];
    const isActive = (row: Row) =>
      isExcluded === undefined || (isExcluded === 'eq') === ((row.statecode ?? 0) === Number(state));
    const value = text.replaceAll("''", "'");
    if (this.#everybodyIsThere && ![...this.records.values()].some((row) => row[column] === value)) {
      this.addRecord({ [column]: value });
    }
    const rows = [...this.records.values()].filter((row) => row[column] === value && isActive(row));
    return json(200, { value: rows.slice(0, top).map((row) => ({ [this.table.id]: row[this.table.id] })) });
  }

  #findMembers(filter: string): VendorResponse {
    const [, listId, recordId] = /^_listid_value eq (\S+) and _entityid_value eq (\S+)$/.exec(filter) ?? [];
    const rows = [...this.#members].filter(([, row]) => row.listId === listId && row.recordId === recordId);
    return json(200, { value: rows.map(([listmemberid]) => ({ listmemberid })) });
  }

  /**
   * Gives lists in another order than they were made, as a database may, unless the request has
   * one.
   */
  #findLists(filter: string, order: string | null): VendorResponse {
    const [, name = ''] = /^listname eq '(.*)'$/.exec(filter) ?? [];
    const named = [...this.lists.values()].filter(({ listname }) => listname === name.replaceAll("''", "'"));
    return json(200, { value: (order === 'createdon asc,listid asc' ? named : named.reverse()).slice(0, 2) });
  }

  #createList(body: string): VendorResponse {
    const listId = this.addList(JSON.parse(body) as Partial<List>);
    return json(201, this.lists.get(listId));
  }
}
