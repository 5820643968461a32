import { randomUUID } from 'node:crypto';
import type { JsonValue } from '@activation-hub/destination-kit';
import {
  type StandInVendor,
  type StartLocalVendor,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';
import { dynamics365Settings, dynamics365Options } from './settings.ts';
import { readBatchRequest, writeBatchAnswer } from './vendor-batch.ts';

type Columns = Readonly<Record<string, JsonValue>>;
type Row = Columns & { readonly contactid: string };

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
  /** Columns that are alternate keys of contacts. */
  readonly alternateKeys?: readonly string[];
  /** Whoever is asked about is there: somebody made the contact in Dynamics 365 itself. */
  readonly everybodyIsThere?: boolean;
}

/** A Dataverse environment and the sign-in of its tenant, as far as the connector uses them. */
export interface Dynamics365Vendor extends StandInVendor {
  /** A list that somebody makes in Dynamics 365 itself; gives its id. */
  addList(list: Partial<List>): string;
  deleteList(listId: string): void;
  /** What these columns of the members of the list with this name or id hold. */
  members(list: string, columns: readonly string[]): readonly string[];
  readonly lists: readonly string[];
  /** A contact that somebody makes in Dynamics 365 itself; gives its id. */
  addContact(columns: Columns): string;
  /** A member whom somebody adds in Dynamics 365 itself. */
  addMember(list: string, contactId: string): void;
  readonly contacts: readonly Row[];
  /** From now on the tokens that were given are refused. */
  revokeTokens(): void;
  /** From now on every part about this identity meets service protection; `undefined` ends it. */
  throttle(identity: string | undefined): void;
}

export const startLocalDynamics365Vendor: StartLocalVendor = async ({ settings, routes }) => {
  const { identities, memberType } = dynamics365Settings.parse(settings);
  if (memberType !== 'contact') {
    throw new Error(
      `Failed to stand in for Dynamics 365: the stand-in has contacts and no ${memberType}s. Leave memberType out.`,
    );
  }
  const columns = Object.values(identities);
  const alternateKeys = columns.filter(({ alternateKey }) => alternateKey).map(({ column }) => column);
  const vendor = await startDynamics365Vendor({ alternateKeys, everybodyIsThere: true });
  for (const { options } of routes) {
    const { list, listId, createList } = dynamics365Options.parse(options);
    const isThere = list !== undefined && vendor.lists.includes(list);
    if (!isThere && !createList)
      vendor.addList({ listname: list ?? 'A list', ...(listId !== undefined && { listid: listId }) });
  }
  return {
    // Two addresses of one server, so that each can be told from the other in what is sent.
    settings: { environmentUrl: vendor.origin, signInUrl: vendor.origin.replace('127.0.0.1', 'localhost') },
    members: ({ options }) => {
      const { list, listId } = dynamics365Options.parse(options);
      const names = columns.map(({ column }) => column);
      return vendor.members(list ?? listId ?? '', names);
    },
    close: () => vendor.close(),
  };
};

/** Starts an environment on a free local port, with a static list of contacts called Sports Fans. */
export async function startDynamics365Vendor(options: Dynamics365VendorOptions = {}): Promise<Dynamics365Vendor> {
  const environment = new Environment(options);
  const server = await startVendorServer(
    (request) => environment.answer(request),
    ({ method, url, body }) =>
      method === 'GET' || !url.endsWith('$batch') || readBatchRequest(body).every((part) => part.method === 'GET'),
  );
  environment.addList({ listname: 'Sports Fans' });
  return {
    ...server,
    member: (identity) => environment.member(identity),
    refuse: (identity) => void environment.refused.add(identity),
    omit: (identity) => void environment.omitted.add(identity),
    answerWithError: (code) => {
      const answer = ({ body }: VendorRequest) =>
        writeBatchAnswer(readBatchRequest(body).map(() => documented(code ?? '')));
      server.setFault(code === undefined ? undefined : { kind: 'answer', answer });
    },
    poison: (identity) => {
      const naming = encodeURIComponent(identity);
      server.setFault({ kind: 'answer', naming, answer: () => failed(400, '0x80060888') });
    },
    forgetPerson: (identity) => environment.deleteContact(identity),
    addList: (list) => environment.addList(list),
    deleteList: (listId) => void environment.lists.delete(listId),
    members: (list, columns) => environment.membersOf(list, columns),
    get lists() {
      return [...environment.lists.values()].map(({ listname }) => listname);
    },
    addContact: (columns) => environment.addContact(columns),
    addMember: (list, contactId) => environment.makeMember(list, contactId),
    get contacts() {
      return [...environment.contacts.values()];
    },
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
  readonly contacts = new Map<string, Row>();
  /** List member rows by their id. */
  readonly #members = new Map<string, { readonly listId: string; readonly contactId: string }>();
  readonly refused = new Set<string>();
  readonly omitted = new Set<string>();
  throttled: string | undefined;
  firstGoodToken = 1;
  lastToken = 0;
  readonly #removalParameter: 'EntityId' | 'ListMember' | null;
  readonly #alternateKeys: readonly string[];
  readonly #everybodyIsThere: boolean;

  constructor(options: Dynamics365VendorOptions) {
    this.#removalParameter = options.removalParameter === undefined ? 'EntityId' : options.removalParameter;
    this.#alternateKeys = options.alternateKeys ?? ['emailaddress1'];
    this.#everybodyIsThere = options.everybodyIsThere ?? false;
  }

  addList(list: Partial<List>): string {
    const fresh = { listname: 'A list', createdfromcode: 2, type: false, lockstatus: false, statecode: 0 };
    const added = { listid: randomUUID(), ...fresh, ...list };
    this.lists.set(added.listid, added);
    return added.listid;
  }

  membersOf(nameOrId: string, columns: readonly string[]): readonly string[] {
    const list = [...this.lists.values()].find(({ listid, listname }) => listid === nameOrId || listname === nameOrId);
    const rows = [...this.#members.values()].filter(({ listId }) => listId === list?.listid);
    const held = rows.flatMap(({ contactId }) => columns.map((column) => this.contacts.get(contactId)?.[column]));
    return held.filter((value) => typeof value === 'string');
  }

  makeMember(listname: string, contactId: string): void {
    const list = [...this.lists.values()].find((each) => each.listname === listname);
    if (list !== undefined) this.#members.set(randomUUID(), { listId: list.listid, contactId });
  }

  addContact(columns: Columns): string {
    const contactid = randomUUID();
    this.contacts.set(contactid, { ...columns, contactid });
    return contactid;
  }

  /** With its memberships, as Dataverse deletes them. */
  deleteContact(emailAddress: string): void {
    for (const [contactId, { emailaddress1 }] of this.contacts) {
      if (emailaddress1 !== emailAddress) continue;
      this.contacts.delete(contactId);
      for (const [id, row] of this.#members) if (row.contactId === contactId) this.#members.delete(id);
    }
  }

  member(identity: string): Readonly<Record<string, JsonValue>> | undefined {
    const contact = [...this.contacts.values()].find(({ emailaddress1 }) => emailaddress1 === identity);
    if (contact === undefined) return undefined;
    if (![...this.#members.values()].some((row) => row.contactId === contact.contactid)) return undefined;
    return Object.fromEntries(
      Object.entries(contact).filter(([name]) => name !== 'contactid' && name !== 'emailaddress1'),
    );
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
    const contact = [...this.contacts.values()].find(({ emailaddress1 }) => emailaddress1 === identity);
    return text.includes(identity) || (contact !== undefined && text.includes(contact.contactid));
  }

  #signIn(body: string): VendorResponse {
    const form = new URLSearchParams(body);
    if (form.get('grant_type') !== 'client_credentials' || !form.get('scope')?.endsWith('/.default')) {
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
    if (resource === '$metadata') return { status: 200, body: this.#metadata() };
    if (resource.startsWith('EntityDefinitions')) {
      const key = (name: string) => ({ KeyAttributes: [name], EntityKeyIndexStatus: 'Active' });
      return json(200, { value: this.#alternateKeys.map(key) });
    }
    if (resource === 'lists') return method === 'POST' ? this.#createList(body) : this.#findLists(filter);
    if (resource === 'contacts') {
      return this.#findContacts(filter, Number(new URLSearchParams(query).get('$top') ?? Infinity));
    }
    if (resource === 'listmembers') return this.#findMembers(filter);
    const [, set, key = '', rest = ''] = /^(\w+)\((.+?)\)(?:\/(.*))?$/.exec(decodeURIComponent(resource)) ?? [];
    if (set === 'contacts' && method === 'PATCH') return this.#patch(key, headers, body);
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
    const [, associated] = /^listcontact_association\((.+)\)\/\$ref$/.exec(rest) ?? [];
    if (associated !== undefined && method === 'DELETE') return this.#removeMember(listId, associated);
    const given = JSON.parse(body) as { EntityId?: string; ListMember?: { listmemberid: string } };
    if (rest === 'Microsoft.Dynamics.CRM.AddMemberList') return this.#addMember(listId, given.EntityId ?? '');
    const isOffered = rest === 'Microsoft.Dynamics.CRM.RemoveMemberList' && this.#removalParameter !== null;
    if (!isOffered) return failed(404, '0x8006088a');
    const removed = this.#removalParameter === 'EntityId' ? given.EntityId : given.ListMember?.listmemberid;
    return removed === undefined ? failed(400, '0x80048d19') : this.#removeMember(listId, removed);
  }

  #addMember(listId: string, contactId: string): VendorResponse {
    if (!this.contacts.has(contactId)) return failed(404, '0x80040217');
    const isMember = [...this.#members.values()].some((row) => row.listId === listId && row.contactId === contactId);
    const id = randomUUID();
    if (!isMember) this.#members.set(id, { listId, contactId });
    return json(200, { ListMemberId: id });
  }

  #removeMember(listId: string, contactId: string): VendorResponse {
    for (const [id, row] of this.#members) {
      if (row.listId !== listId || row.contactId !== contactId) continue;
      this.#members.delete(id);
      return { status: 204 };
    }
    return failed(404, '0x80040217');
  }

  #patch(key: string, headers: VendorRequest['headers'], body: string): VendorResponse {
    const [, column, text] = /^(\w+)='(.*)'$/.exec(key) ?? [];
    if (column !== undefined && !this.#alternateKeys.includes(column)) return failed(400, '0x80060891');
    const value = text?.replaceAll("''", "'");
    if (this.#everybodyIsThere && column === undefined && !this.contacts.has(key)) {
      this.contacts.set(key, { contactid: key });
    }
    const found =
      column === undefined ? this.contacts.get(key) : [...this.contacts.values()].find((row) => row[column] === value);
    if (found === undefined && headers['if-match'] === '*') return failed(404, '0x80040217');
    if ([value, found?.emailaddress1].some((known) => typeof known === 'string' && this.refused.has(known)))
      return failed(400, '0x80048408', value);
    const contactid = found === undefined ? randomUUID() : found.contactid;
    const written = JSON.parse(body) as Columns;
    this.contacts.set(contactid, {
      ...found,
      ...(column !== undefined && { [column]: value ?? '' }),
      ...written,
      contactid,
    });
    return json(found === undefined ? 201 : 200, { contactid });
  }

  #findContacts(filter: string, top: number): VendorResponse {
    const [, column = '', text = ''] = /^(\w+) eq '(.*?)'(?: and statecode eq 0)?$/.exec(filter) ?? [];
    const isActive = (row: Row) => !filter.endsWith(' and statecode eq 0') || (row.statecode ?? 0) === 0;
    const value = text.replaceAll("''", "'");
    if (this.#everybodyIsThere && ![...this.contacts.values()].some((row) => row[column] === value)) {
      this.addContact({ [column]: value });
    }
    const rows = [...this.contacts.values()].filter((row) => row[column] === value && isActive(row));
    return json(200, { value: rows.slice(0, top).map(({ contactid }) => ({ contactid })) });
  }

  #findMembers(filter: string): VendorResponse {
    const [, listId, contactId] = /^_listid_value eq (\S+) and _entityid_value eq (\S+)$/.exec(filter) ?? [];
    const rows = [...this.#members].filter(([, row]) => row.listId === listId && row.contactId === contactId);
    return json(200, { value: rows.map(([listmemberid]) => ({ listmemberid })) });
  }

  #findLists(filter: string): VendorResponse {
    const [, name = ''] = /^listname eq '(.*)'$/.exec(filter) ?? [];
    const named = [...this.lists.values()].filter(({ listname }) => listname === name.replaceAll("''", "'"));
    return json(200, { value: named.slice(0, 2) });
  }

  #createList(body: string): VendorResponse {
    const listId = this.addList(JSON.parse(body) as Partial<List>);
    return json(201, this.lists.get(listId));
  }

  #metadata(): string {
    const parameter = this.#removalParameter;
    const entity = (name: string) => `<Parameter Name="entity" Type="mscrm.${name}" Nullable="false" />`;
    const add = `<Action Name="AddMemberList" IsBound="true">${entity('list')}<Parameter Name="EntityId" Type="Edm.Guid" /></Action>`;
    const remove =
      parameter === null
        ? ''
        : `<Action Name="RemoveMemberList" IsBound="true">${entity('list')}<Parameter Name="${parameter}" /></Action>`;
    // Larger than what an ordinary answer may be, as the real one is.
    const others = '<EntityType Name="other" />'.repeat(60_000);
    return `<?xml version="1.0"?><edmx:Edmx><Schema>${others}${add}${remove}</Schema></edmx:Edmx>`;
  }
}

/** Only the application itself is refused by 401. */
const documented = (code: string): VendorResponse => failed(/^0x8007255|^0x8005f/.test(code) ? 401 : 403, code);

const json = (status: number, body: unknown): VendorResponse => ({
  status,
  headers: { 'content-type': 'application/json; odata.metadata=minimal' },
  body: JSON.stringify(body),
});

const failed = (status: number, code: string, about = ''): VendorResponse =>
  json(status, { error: { code, message: `A value is not valid: ${about}` } });
