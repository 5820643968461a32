import {
  type StandInVendor,
  type StartLocalVendor,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';
import { z } from 'zod';
import { linkedinOptions } from './settings.ts';
import { linkedinKinds } from './takes.ts';

/** LinkedIn's Marketing API, as far as the connector uses it. */
export interface LinkedinVendor extends StandInVendor {
  /** Adds a segment, and gives its id. */
  addSegment(name: string, about?: { readonly id?: string | undefined; readonly type?: string }): string;
  deleteSegment(id: string): void;
  hasSegment(nameOrId: string): boolean;
  /** From now on lists at most so many segments in an answer, and says how many there are. */
  listInPagesOf(count: number): void;
  /** The ids that are in the segment with this name or id. */
  members(nameOrId: string): readonly string[];
}

export const startLocalLinkedinVendor: StartLocalVendor = async ({ routes }) => {
  const vendor = await startLinkedinVendor();
  for (const { options } of routes) {
    const { list, listId } = linkedinOptions.parse(options);
    // One that was made a moment ago would have to be waited for.
    if (!vendor.hasSegment(list ?? listId ?? '')) vendor.addSegment(list ?? 'A segment', { id: listId });
  }
  return {
    settings: { baseUrl: vendor.origin, tokenUrl: `${vendor.origin}/oauth/v2/accessToken` },
    members: ({ options }) => {
      const { list, listId } = linkedinOptions.parse(options);
      return vendor.members(list ?? listId ?? '');
    },
    close: () => vendor.close(),
  };
};

/**
 * Starts LinkedIn on a free local port, with a segment called Sports Fans ("DMP Segments" and "DMP
 * Segment Users", learn.microsoft.com/en-us/linkedin/marketing/matched-audiences). A segment that
 * is neither edited nor used for 90 days by `now` expires with its data
 * (linkedin.com/help/lms/answer/a795242). The words with which it refuses one element, and that a
 * removal takes out each id that it names, are guesses.
 */
export async function startLinkedinVendor(now: () => number = Date.now): Promise<LinkedinVendor> {
  const account = new Account(now);
  const server = await startVendorServer(
    (request) => account.answer(request),
    ({ method, url }) => method === 'GET' || url === '/oauth/v2/accessToken' || url === '/rest/dmpSegments',
  );
  account.add('Sports Fans');
  return {
    ...server,
    member: (identity) => {
      const isMember = [...account.segments.values()].some((segment) => account.idsOf(segment).has(identity));
      return isMember ? {} : undefined;
    },
    refuse: (identity) => void account.refused.add(identity),
    omit: (identity) => void account.omitted.add(identity),
    answerWithError: (code) =>
      server.setFault(code === undefined ? undefined : { kind: 'answer', answer: () => failed(Number(code)) }),
    addSegment: (name, about) => account.add(name, about),
    deleteSegment: (id) => void account.segments.delete(id),
    hasSegment: (nameOrId) => account.find(nameOrId) !== undefined,
    listInPagesOf: (count) => {
      account.pageSize = count;
    },
    members: (nameOrId) => {
      const segment = account.find(nameOrId);
      return segment === undefined ? [] : [...account.idsOf(segment)];
    },
  };
}

interface Segment {
  readonly name: string;
  readonly type: string;
  readonly ids: Set<string>;
  editedAtMs: number;
}

const text = z.string().min(1);
const user = z.strictObject({
  action: z.enum(['ADD', 'REMOVE']),
  userIds: z.array(z.strictObject({ idType: z.enum(linkedinKinds), idValue: text })).min(1),
  firstName: text.max(35).optional(),
  lastName: text.max(35).optional(),
  title: text.max(50).optional(),
  company: text.max(50).optional(),
  country: z.string().length(2).optional(),
});
const users = z.strictObject({ elements: z.array(user).max(5_000) });
const creation = z.strictObject({
  name: text,
  account: z.templateLiteral(['urn:li:sponsoredAccount:', z.string().regex(/\d+/)]),
  sourcePlatform: text,
  accessPolicy: z.literal('PRIVATE'),
  type: z.literal('USER'),
  destinations: z.array(z.strictObject({ destination: z.literal('LINKEDIN') })).length(1),
});

const segmentLifeMs = 90 * 86_400_000;

class Account {
  readonly segments = new Map<string, Segment>();
  readonly refused = new Set<string>();
  readonly omitted = new Set<string>();
  pageSize = Infinity;
  readonly #now: () => number;
  #tokens = 0;
  #lastId = 10_800n;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(name: string, { id, type = 'USER' }: { id?: string | undefined; type?: string } = {}): string {
    this.#lastId += 1n;
    const added = id ?? String(this.#lastId);
    this.segments.set(added, { name, type, ids: new Set(), editedAtMs: this.#now() });
    return added;
  }

  find(nameOrId: string): Segment | undefined {
    return [...this.segments].find(([id, { name }]) => id === nameOrId || name === nameOrId)?.[1];
  }

  isExpired({ editedAtMs }: Segment): boolean {
    return this.#now() >= editedAtMs + segmentLifeMs;
  }

  idsOf(segment: Segment): ReadonlySet<string> {
    if (this.isExpired(segment)) segment.ids.clear();
    return segment.ids;
  }

  answer({ method, url, headers, body }: VendorRequest): VendorResponse {
    if (url === '/oauth/v2/accessToken') return this.#signIn(new URLSearchParams(body));
    if (headers.authorization !== `Bearer token-${this.#tokens}`) return failed(401);
    if (!/^\d{6}$/.test(headers['linkedin-version'] ?? '') || headers['x-restli-protocol-version'] !== '2.0.0') {
      return failed(400);
    }
    const { pathname, searchParams } = new URL(url, 'http://stand-in');
    if (pathname === '/rest/dmpSegments')
      return method === 'GET' ? this.#list(searchParams) : this.#create(parse(body));
    const [, id = ''] = /^\/rest\/dmpSegments\/(\d+)\/users$/.exec(pathname) ?? [];
    const segment = this.segments.get(id);
    if (method !== 'POST' || segment === undefined) return failed(404);
    const told = users.safeParse(parse(body));
    return told.success && headers['x-restli-method'] === 'BATCH_CREATE'
      ? this.#tell(segment, told.data.elements)
      : failed(400);
  }

  #signIn(form: URLSearchParams): VendorResponse {
    const isGood = ['refresh_token', 'client_id', 'client_secret'].every((name) => (form.get(name) ?? '') !== '');
    if (form.get('grant_type') !== 'refresh_token' || !isGood) return json(400, { error: 'invalid_request' });
    this.#tokens += 1;
    return json(200, { access_token: `token-${this.#tokens}`, expires_in: 5_184_000 });
  }

  /** That an answer may have a part, and then says `total`, is of Rest.li ("Pagination"). */
  #list(query: URLSearchParams): VendorResponse {
    const start = Number(query.get('start') ?? 0);
    const newest = [...this.segments].reverse();
    const elements = newest.slice(start, start + this.pageSize).map(([id, segment]) => ({
      id: Number(id),
      name: segment.name,
      type: segment.type,
      destinations: [{ destination: 'LINKEDIN', status: this.isExpired(segment) ? 'EXPIRED' : 'READY' }],
    }));
    return json(200, { elements, paging: { start, count: elements.length, total: newest.length, links: [] } });
  }

  #create(body: unknown): VendorResponse {
    const told = creation.safeParse(body);
    if (!told.success) return failed(400);
    return { status: 201, headers: { 'x-restli-id': this.add(told.data.name) } };
  }

  /** Adding an id again, or removing one that is not there, is answered 201 too. */
  #tell(segment: Segment, elements: readonly z.output<typeof user>[]): VendorResponse {
    this.idsOf(segment);
    segment.editedAtMs = this.#now();
    const results = elements.map(({ action, userIds }) => {
      const values = userIds.map(({ idValue }) => idValue);
      if (values.some((value) => this.refused.has(value))) {
        return { status: 400, error: { status: 400, message: `Invalid user ${values.join()}` } };
      }
      for (const value of values) {
        if (action === 'ADD') segment.ids.add(value);
        else segment.ids.delete(value);
      }
      return { status: 201 };
    });
    const isOmitted = elements.map(({ userIds }) => userIds.some(({ idValue }) => this.omitted.has(idValue)));
    return json(200, { elements: results.filter((_result, place) => isOmitted[place] !== true) });
  }
}

const failed = (status: number): VendorResponse => json(status, { message: 'refused', serviceErrorCode: 100, status });

const json = (status: number, body: unknown): VendorResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
