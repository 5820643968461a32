import { z } from 'zod';
import type { JsonValue } from '@activation-hub/destination-kit';
import {
  type StandInVendor,
  type StartLocalVendor,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';
import { metaSettings, metaOptions } from './settings.ts';

const payloadSchema = z.strictObject({
  schema: z.array(z.string()).min(1),
  // Only the data processing options are no texts.
  data: z.array(z.array(z.union([z.string(), z.number(), z.array(z.literal('LDU'))]))).max(10_000),
  is_raw: z.literal(true).optional(),
  page_ids: z.array(z.string().regex(/^\d+$/)).length(1).optional(),
  app_ids: z.array(z.string().regex(/^\d+$/)).length(1).optional(),
});
type Payload = z.output<typeof payloadSchema>;
const sessionSchema = z.strictObject({
  session_id: z.int().positive(),
  batch_seq: z.literal(1),
  last_batch_flag: z.literal(true),
  estimated_num_total: z.int(),
});

/** Keys that name a person alone; the others only help to find one. */
const strongKeys = new Set(['EMAIL', 'PHONE', 'MADID', 'EXTERN_ID', 'PAGEUID', 'APPUID']);
const plainKeys = new Set(['MADID', 'EXTERN_ID', 'PAGEUID', 'APPUID', 'LOOKALIKE_VALUE']);
/** How many closed sessions are remembered. */
const sessionsMax = 1_000;

interface Audience {
  readonly id: string;
  readonly name: string;
  readonly subtype: string;
  readonly statusCode: number;
  readonly canEdit: boolean;
  readonly isValueBased: boolean;
}

/** Meta's Graph API, as far as the connector uses it. */
export interface MetaVendor extends StandInVendor {
  /** An audience that a user makes in the ads manager; gives its id. */
  addAudience(audience: { readonly name: string } & Partial<Audience>): string;
  deleteAudience(id: string): void;
  /** What these keys of the members of the audience with this name or id hold. */
  members(audience: string, keys: readonly string[]): readonly string[];
  /** Names of all audiences, in the order of their creation. */
  readonly audiences: readonly string[];
}

export const startLocalMetaCustomAudiencesVendor: StartLocalVendor = async ({ settings, routes }) => {
  const keys = Object.values(metaSettings.parse(settings).identifiers);
  const vendor = await startMetaCustomAudiencesVendor();
  for (const { options } of routes) {
    const { audience, audienceId, createAudience } = metaOptions.parse(options);
    const isThere = audience !== undefined && vendor.audiences.includes(audience);
    if (isThere || createAudience) continue;
    const name = audience ?? `Audience ${audienceId ?? ''}`;
    vendor.addAudience({ name, ...(audienceId !== undefined && { id: audienceId }) });
  }
  return {
    settings: { baseUrl: vendor.origin },
    members: ({ options }) => {
      const { audience, audienceId } = metaOptions.parse(options);
      return vendor.members(audience ?? audienceId ?? '', keys);
    },
    close: () => vendor.close(),
  };
};

/**
 * Starts the Graph API on a free local port, with a custom audience called Sports Fans. It answers
 * in counts, and names no row. An `EXTERN_ID` of which it is not told for 90 days by `now` it
 * forgets ("Customer file custom audiences"). That telling it again begins the 90 days anew, and
 * that a person without another key leaves the audience then, is a guess.
 */
export async function startMetaCustomAudiencesVendor(now: () => number = Date.now): Promise<MetaVendor> {
  const state = new MetaState(now);
  const server = await startVendorServer(
    (request) => {
      const answer = state.answer(request);
      const use = { type: 'ads_management', call_count: state.usedPercent, total_cputime: 1, total_time: 1 };
      const usage = JSON.stringify({ '1234567890': [{ ...use, estimated_time_to_regain_access: 0 }] });
      return { ...answer, headers: { ...answer.headers, 'x-business-use-case-usage': usage } };
    },
    ({ method, url }) => method === 'GET' || url.endsWith('/customaudiences'),
  );
  state.addAudience({ name: 'Sports Fans' });
  return {
    ...server,
    member: (identity) => state.member(identity),
    refuse: (identity) => void state.refused.add(identity),
    omit: (identity) => void state.omitted.add(identity),
    answerWithError: (written) => {
      const [code = '', subcode] = (written ?? '').split('/');
      // What has seven digits is a subcode, which comes with a code that says little.
      const response = code.length === 7 ? failed(400, 100, Number(code)) : failed(400, Number(code), subcode);
      server.setFault(written === undefined ? undefined : { kind: 'answer', answer: () => response });
    },
    sayQuotaIsNearlyUsed: (isNearlyUsed) => {
      state.usedPercent = isNearlyUsed ? 95 : 3;
    },
    addAudience: (audience) => state.addAudience(audience),
    deleteAudience: (id) => void state.audiences.delete(id),
    members: (audience, keys) => state.members(audience, keys),
    get audiences() {
      return [...state.audiences.values()].map(({ name }) => name);
    },
  };
}

const externIdLifeMs = 90 * 86_400_000;

/** Persons of one audience, found by any value that names them. */
class Members {
  readonly #byValue = new Map<string, Record<string, string>>();
  /** When an `EXTERN_ID` was told last. */
  readonly #toldAtMs = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  find(value: string): Readonly<Record<string, string>> | undefined {
    this.#forgetExternIds();
    return this.#byValue.get(value);
  }

  all(): readonly Readonly<Record<string, string>>[] {
    this.#forgetExternIds();
    return [...new Set(this.#byValue.values())];
  }

  add(row: Readonly<Record<string, string>>): void {
    this.#forgetExternIds();
    if (row.EXTERN_ID !== undefined) this.#toldAtMs.set(row.EXTERN_ID, this.#now());
    const known = strongValues(row).map((value) => this.#byValue.get(value));
    const person = Object.assign({}, ...known, row) as Record<string, string>;
    for (const value of strongValues(person)) this.#byValue.set(value, person);
  }

  remove(row: Readonly<Record<string, string>>): void {
    this.#forgetExternIds();
    for (const value of strongValues(row)) {
      const person = this.#byValue.get(value);
      if (person !== undefined) for (const other of strongValues(person)) this.#byValue.delete(other);
    }
  }

  #forgetExternIds(): void {
    for (const [value, atMs] of this.#toldAtMs) {
      if (this.#now() < atMs + externIdLifeMs) continue;
      this.#toldAtMs.delete(value);
      const person = this.#byValue.get(value);
      if (person?.EXTERN_ID === value) delete person.EXTERN_ID;
      this.#byValue.delete(value);
    }
  }
}

const strongValues = (row: Readonly<Record<string, string>>): string[] =>
  Object.entries(row).flatMap(([key, value]) => (strongKeys.has(key) && value !== '' ? [value] : []));

class MetaState {
  usedPercent = 3;
  readonly audiences = new Map<string, Audience & { readonly members: Members }>();
  readonly refused = new Set<string>();
  readonly omitted = new Set<string>();
  readonly #closedSessions = new Set<number>();
  readonly #now: () => number;
  #lastId = 23_850_000_000_000_000n;

  constructor(now: () => number) {
    this.#now = now;
  }

  addAudience(audience: { readonly name: string } & Partial<Audience>): string {
    this.#lastId += 1n;
    const fresh = { id: String(this.#lastId), subtype: 'CUSTOM', statusCode: 200, canEdit: true, isValueBased: false };
    const added = { ...fresh, ...audience, members: new Members(this.#now) };
    this.audiences.set(added.id, added);
    return added.id;
  }

  members(nameOrId: string, keys: readonly string[]): readonly string[] {
    const audience = [...this.audiences.values()].find(({ id, name }) => id === nameOrId || name === nameOrId);
    const persons = audience?.members.all() ?? [];
    return persons.flatMap((person) => keys.flatMap((key) => person[key] ?? []));
  }

  member(identity: string): Readonly<Record<string, JsonValue>> | undefined {
    for (const { members } of this.audiences.values()) {
      const person = members.find(identity);
      if (person === undefined) continue;
      return Object.fromEntries(Object.entries(person).filter(([, value]) => value !== identity));
    }
    return undefined;
  }

  /**
   * As for a new app: a field that is called `method` is ignored, so who overrides it does
   * something else than is meant.
   */
  answer({ method, url, headers, body }: VendorRequest): VendorResponse {
    const { pathname, searchParams } = new URL(url, 'http://stand-in');
    const form = method === 'GET' ? searchParams : new URLSearchParams(body);
    if (form.get('access_token') === null && !/^Bearer \S+$/.test(headers.authorization ?? '')) return failed(400, 104);
    const [, , node = '', edge] = pathname.split('/');
    if (edge === 'customaudiences') return method === 'GET' ? this.#list(form) : this.#create(form);
    if (edge === 'usersofanyaudience') return method === 'DELETE' ? this.#forget(form) : failed(400, 100);
    const audience = this.audiences.get(node);
    if (audience === undefined) return failed(400, 100, 33);
    if (method === 'GET') return json(200, nodeOf(audience));
    return edge === 'users'
      ? this.#changeUsers(audience, method === 'DELETE' ? 'remove' : 'add', form)
      : failed(400, 100);
  }

  /** Two to a page, the newest first, whatever limit is asked for. */
  #list(form: URLSearchParams): VendorResponse {
    const all = [...this.audiences.values()].reverse();
    const start = Number(form.get('after') ?? 0);
    const end = start + 2;
    const next = end < all.length ? { next: 'https://graph.facebook.com/next?access_token=echoed' } : {};
    const paging = { cursors: { before: String(start), after: String(end) }, ...next };
    return json(200, { data: all.slice(start, end).map(nodeOf), paging });
  }

  #create(form: URLSearchParams): VendorResponse {
    const name = form.get('name');
    if (name === null || form.get('subtype') !== 'CUSTOM' || form.get('customer_file_source') === null) {
      return failed(400, 100);
    }
    const isValueBased = form.get('is_value_based') === '1';
    return json(200, { id: this.addAudience({ name, isValueBased }), message: '' });
  }

  #changeUsers(
    audience: Audience & { readonly members: Members },
    direction: 'add' | 'remove',
    form: URLSearchParams,
  ): VendorResponse {
    const payload = payloadSchema.safeParse(parse(form.get('payload')));
    const session = sessionSchema.safeParse(parse(form.get('session')));
    if (!payload.success || !session.success) return failed(400, 100);
    if (audience.statusCode === 471) return failed(400, 100, 1_713_230);
    const { schema } = payload.data;
    const data = rowsIn(payload.data);
    if (data === undefined) return failed(400, 100);
    if (schema.includes('LOOKALIKE_VALUE') && !(audience.isValueBased && direction === 'add')) return failed(400, 100);
    // What comes in a session that is closed is dropped, and answered like the rest.
    const isDropped = this.#isClosed(session.data.session_id);
    const refused = data.filter((row) => row.some((value, place) => !this.#isValid(schema[place] ?? '', value)));
    const invalid = new Set(refused);
    for (const row of data) {
      if (invalid.has(row) || isDropped) continue;
      audience.members[direction](personOf(schema, row));
    }
    const omitted = data.filter((row) => row.some((value) => this.omitted.has(value)));
    return json(200, {
      audience_id: audience.id,
      session_id: String(session.data.session_id),
      num_received: data.length - omitted.length,
      num_invalid_entries: refused.length,
      invalid_entry_samples: refused.flat().filter(Boolean).reverse().slice(0, 100),
    });
  }

  #forget(form: URLSearchParams): VendorResponse {
    const payload = payloadSchema.safeParse(parse(form.get('payload')));
    const data = payload.success ? rowsIn(payload.data) : undefined;
    if (!payload.success || data === undefined) return failed(400, 100);
    for (const row of data)
      for (const { members } of this.audiences.values()) members.remove(personOf(payload.data.schema, row));
    return json(200, { success: true });
  }

  #isClosed(session: number): boolean {
    if (this.#closedSessions.has(session)) return true;
    const [oldest] = this.#closedSessions;
    if (oldest !== undefined && this.#closedSessions.size >= sessionsMax) this.#closedSessions.delete(oldest);
    this.#closedSessions.add(session);
    return false;
  }

  #isValid(key: string, value: string): boolean {
    if (this.refused.has(value)) return false;
    return value === '' || plainKeys.has(key) || /^[0-9a-f]{64}$/.test(value);
  }
}

/** The rows of a payload as texts; `undefined` when they do not fit its schema. */
function rowsIn({ schema, data, page_ids: pages, app_ids: apps }: Payload): readonly (readonly string[])[] | undefined {
  const isScoped =
    schema.includes('PAGEUID') === (pages !== undefined) && schema.includes('APPUID') === (apps !== undefined);
  if (!isScoped || data.some((row) => row.length !== schema.length)) return undefined;
  return data.map((row) =>
    row.map((value, place) =>
      typeof value === 'string' ? value : schema[place] === 'LOOKALIKE_VALUE' ? JSON.stringify(value) : '',
    ),
  );
}

const personOf = (schema: readonly string[], row: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(schema.flatMap((key, place) => (row[place] ? [[key, row[place]]] : [])));

const nodeOf = ({ id, name, subtype, statusCode, canEdit, isValueBased }: Audience) => ({
  id,
  name,
  subtype,
  operation_status: { code: statusCode, description: 'status' },
  permission_for_actions: { can_edit: canEdit },
  is_value_based: isValueBased,
});

const json = (status: number, body: unknown): VendorResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

const failed = (status: number, code: number, subcode?: number | string): VendorResponse =>
  json(status, {
    error: {
      message: 'Invalid parameter',
      type: 'OAuthException',
      code,
      ...(subcode === undefined ? {} : { error_subcode: Number(subcode) }),
      fbtrace_id: 'A1',
    },
  });

function parse(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
