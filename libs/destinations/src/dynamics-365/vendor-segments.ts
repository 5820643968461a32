import { randomUUID } from 'node:crypto';
import type { VendorResponse } from '@activation-hub/destination-kit/testing';
import { z } from 'zod';
import { failed, json } from './vendor-answers.ts';

/**
 * A segment of Customer Insights – Journeys and its definition, as the Web API has them
 * (real-time-marketing-api-segment).
 */
interface Segment {
  readonly id: string;
  readonly name: string;
  readonly entity: string;
  readonly definitionId: string;
  isPublished: boolean;
}

interface Group {
  readonly groupId: string;
  readonly includeType: string;
  readonly name: string;
  readonly inputType: string;
}

const groups = z
  .array(
    z.strictObject({
      groupId: z.guid(),
      includeType: z.enum(['Include', 'Exclude']),
      name: z.string(),
      inputType: z.literal('manualSelect'),
    }),
  )
  .max(10);
const definitionBody = z.strictObject({
  msdynmkt_segmentquery: z.string(),
  statecode: z.literal(0),
  statuscode: z.literal(723_270_001),
  msdynmkt_staticlistmembers: z.string(),
  msdynmkt_disablesegmentrefresh: z.boolean(),
  msdynmkt_segmentrefreshintervalminutes: z.number(),
});
const segmentBody = z.strictObject({
  msdynmkt_displayname: z.string(),
  msdynmkt_type: z.literal(10),
  msdynmkt_source: z.literal(12),
  msdynmkt_baseentitylogicalname: z.enum(['contact', 'lead']),
  statecode: z.literal(1),
  statuscode: z.literal(2),
  msdynmkt_sourcesegmentuid: z.guid(),
});
const memberBody = z.strictObject({
  SegmentId: z.guid(),
  GroupId: z.guid(),
  EntityIds: z.array(z.guid()).min(1).max(1_000),
});

/**
 * The segments of an environment, as far as the connector uses them. What no document says is
 * marked as a guess.
 */
export class VendorSegments {
  readonly #segments = new Map<string, Segment>();
  readonly #definitions = new Map<string, readonly Group[]>();
  /** Segments that are deleted, which the environment keeps with a status of their own. */
  readonly #deleted = new Map<string, Segment>();
  /** Record ids by group. */
  readonly #members = new Map<string, Set<string>>();

  /**
   * A segment that a user makes in Customer Insights – Journeys itself, with these groups of static
   * members.
   */
  add(name: string, entity: string, written: readonly Partial<Group>[], id: string = randomUUID()): string {
    const definitionId = randomUUID();
    const fresh = { includeType: 'Include', name: 'Members', inputType: 'manualSelect' };
    this.#definitions.set(
      definitionId,
      written.map((group) => ({ groupId: randomUUID(), ...fresh, ...group })),
    );
    this.#deleted.delete(id);
    this.#segments.set(id, { id, name, entity, definitionId, isPublished: true });
    return id;
  }

  get names(): readonly string[] {
    return [...this.#segments.values()].map(({ name }) => name);
  }

  get published(): readonly string[] {
    return [...this.#segments.values()].filter(({ isPublished }) => isPublished).map(({ name }) => name);
  }

  delete(id: string): void {
    const segment = this.#segments.get(id);
    if (segment !== undefined) this.#deleted.set(id, segment);
    this.#segments.delete(id);
  }

  /** Record ids of the static members of the segment with this name or id. */
  members(nameOrId: string): readonly string[] {
    const segment = [...this.#segments.values()].find(({ id, name }) => id === nameOrId || name === nameOrId);
    const of = this.#definitions.get(segment?.definitionId ?? '') ?? [];
    return of.flatMap(({ groupId }) => [...(this.#members.get(groupId) ?? [])]);
  }

  holds(recordId: string): boolean {
    return [...this.#members.values()].some((members) => members.has(recordId));
  }

  /** With the record its memberships go; a guess. */
  forget(recordId: string): void {
    for (const members of this.#members.values()) members.delete(recordId);
  }

  /** The answer to a request about segments; `undefined` for any other. */
  answer(method: string, resource: string, filter: string, body: string): VendorResponse | undefined {
    if (resource === 'msdynmkt_segments') return method === 'POST' ? this.#create(body) : this.#find(filter);
    if (resource === 'msdynmkt_segmentdefinitions') return this.#define(body);
    const [, definitionId] = /^msdynmkt_segmentdefinitions\((.+)\)$/.exec(resource) ?? [];
    if (definitionId !== undefined) return this.#readDefinition(definitionId);
    if (resource === 'msdynmkt_PublishSegmentDefinition') return this.#publish(body);
    const [, direction] = /^msdynmkt_(Add|Remove)StaticMembers$/.exec(resource) ?? [];
    return direction === undefined ? undefined : this.#change(direction, body);
  }

  #find(filter: string): VendorResponse {
    const [, column, text = '', isThere] = /^(msdynmkt_\w+) eq '?(.*?)'?( and statuscode ne 4)?$/.exec(filter) ?? [];
    const wanted = text.replaceAll("''", "'");
    const kept = isThere === undefined ? [...this.#deleted.values()] : [];
    const found = [...kept, ...this.#segments.values()].filter(({ id, name }) =>
      column === 'msdynmkt_segmentid' ? id === wanted : name === wanted,
    );
    return json(200, {
      value: found.slice(0, 2).map(({ id, entity, definitionId }) => ({
        msdynmkt_segmentid: id,
        msdynmkt_baseentitylogicalname: entity,
        msdynmkt_sourcesegmentuid: definitionId,
      })),
    });
  }

  #readDefinition(definitionId: string): VendorResponse {
    const of = this.#definitions.get(definitionId);
    if (of === undefined) return failed(404, '0x80040217');
    return json(200, { msdynmkt_segmentdefinitionid: definitionId, msdynmkt_staticlistmembers: JSON.stringify(of) });
  }

  #define(body: string): VendorResponse {
    const parsed = definitionBody.safeParse(JSON.parse(body));
    const listed = parsed.success ? groups.safeParse(JSON.parse(parsed.data.msdynmkt_staticlistmembers)) : parsed;
    if (!parsed.success || !listed.success) return failed(400, '0x80048d19');
    const definitionId = randomUUID();
    this.#definitions.set(definitionId, listed.data);
    return json(201, {
      msdynmkt_segmentdefinitionid: definitionId,
      msdynmkt_staticlistmembers: parsed.data.msdynmkt_staticlistmembers,
    });
  }

  #create(body: string): VendorResponse {
    const parsed = segmentBody.safeParse(JSON.parse(body));
    if (!parsed.success || !this.#definitions.has(parsed.data.msdynmkt_sourcesegmentuid))
      return failed(400, '0x80048d19');
    const { msdynmkt_displayname: name, msdynmkt_baseentitylogicalname: entity } = parsed.data;
    const id = randomUUID();
    const definitionId = parsed.data.msdynmkt_sourcesegmentuid;
    this.#segments.set(id, { id, name, entity, definitionId, isPublished: false });
    return json(201, { msdynmkt_segmentid: id });
  }

  #publish(body: string): VendorResponse {
    const segment = this.#segments.get((JSON.parse(body) as { SegmentId: string }).SegmentId);
    if (segment === undefined) return failed(404, '0x80040217');
    segment.isPublished = true;
    return { status: 204 };
  }

  /**
   * Answers 204 as actions without a return value do; a person who is a member already, or is none,
   * is no error. Both are guesses.
   */
  #change(direction: string, body: string): VendorResponse {
    const parsed = memberBody.safeParse(JSON.parse(body));
    if (!parsed.success) return failed(400, '0x80048d19');
    const { SegmentId, GroupId, EntityIds } = parsed.data;
    const segment = this.#segments.get(SegmentId);
    if (segment === undefined) return failed(404, '0x80040217');
    const of = this.#definitions.get(segment.definitionId) ?? [];
    if (!of.some(({ groupId }) => groupId === GroupId)) return failed(400, '0x80040203');
    const members = this.#members.get(GroupId) ?? new Set();
    this.#members.set(GroupId, members);
    for (const id of EntityIds) {
      if (direction === 'Add') members.add(id);
      else members.delete(id);
    }
    return { status: 204 };
  }
}
