import { createHash } from 'node:crypto';
import { CachedLookup, DestinationError, type HttpSender, reading } from '@activation-hub/destination-kit';
import type { Dynamics365Requests, MemberTable, SegmentGroup } from './request.ts';
import {
  readCreatedSegment,
  readDefinition,
  readSegments,
  requireDone,
  type Segment,
  type StaticGroup,
} from './response.ts';
import { type Dynamics365Options, dynamics365Options } from './settings.ts';

/** The name of the group of static members that is ours, where a segment has several. */
const groupName = 'Activation Hub';
/** `statuscode` of a segment that was deleted. */
const deletedStatus = 4;

/** The segments of Customer Insights – Journeys that options name. */
export class JourneySegments {
  readonly #http: HttpSender;
  readonly #requests: Dynamics365Requests;
  readonly #table: MemberTable;
  readonly #now: () => number;
  readonly #groups = new CachedLookup((key, signal) =>
    this.#findOrCreate(dynamics365Options.parse(JSON.parse(key)), signal),
  );

  constructor(http: HttpSender, requests: Dynamics365Requests, table: MemberTable, now: () => number) {
    this.#http = http;
    this.#requests = requests;
    this.#table = table;
    this.#now = now;
  }

  /**
   * Gives the segment and its group of static members; the segment is created, with one, where the options allow it. Throws
   * `DestinationError`: class `set-up` when there is no such segment, several, or one that takes no static members of this type.
   */
  groupOf(options: Dynamics365Options, signal: AbortSignal): Promise<SegmentGroup> {
    return this.#groups.get(JSON.stringify(options), signal);
  }

  /** Looks for the segment anew the next time: it turned out to be gone. */
  forget(options: Dynamics365Options): void {
    this.#groups.forget(JSON.stringify(options));
  }

  /** Says what is wrong with the segment of these options; creates nothing. */
  async problem(options: Dynamics365Options, signal: AbortSignal): Promise<string | undefined> {
    const found = await reading(this.#find(options, signal));
    if (found.length === 0 && options.createSegment) return undefined;
    const looked = await reading(this.#look(found, options, signal));
    return typeof looked === 'string' ? looked : undefined;
  }

  async #findOrCreate(options: Dynamics365Options, signal: AbortSignal): Promise<SegmentGroup> {
    const found = await reading(this.#find(options, signal));
    if (found.length === 0 && options.createSegment && options.segment !== undefined) {
      return await reading(this.#create(options.segment, signal));
    }
    const looked = await reading(this.#look(found, options, signal));
    if (typeof looked === 'string') throw new DestinationError('set-up', looked);
    return looked;
  }

  async #find(options: Dynamics365Options, signal: AbortSignal): Promise<readonly Segment[]> {
    const response = await this.#http.send(this.#requests.findSegment(options), signal);
    return readSegments(response, this.#now()).filter(({ statuscode }) => statuscode !== deletedStatus);
  }

  /** The segment with its group, or why it cannot be used. */
  async #look(
    found: readonly Segment[],
    { segment: name, segmentId: id }: Dynamics365Options,
    signal: AbortSignal,
  ): Promise<SegmentGroup | string> {
    const named = name === undefined ? `with the id ${id ?? ''}` : JSON.stringify(name);
    const cannot = (why: string) => `Failed to use the segment ${named}: ${why}`;
    const [segment, ...others] = found;
    if (segment === undefined) {
      return `Failed to find the segment ${named}. Create it, or let the options create it by name (createSegment: true).`;
    }
    if (others.length > 0) return cannot('several segments have this name. Name it by segmentId.');
    const { msdynmkt_baseentitylogicalname: holds, msdynmkt_sourcesegmentuid: definitionId } = segment;
    if (holds !== this.#table.entity)
      return cannot(`it holds records of the type ${holds}. Name another, or set memberType.`);
    if (typeof definitionId !== 'string') return cannot('it is none of Customer Insights - Journeys. Name another.');
    const answer = await this.#http.send(this.#requests.readDefinition(definitionId), signal);
    const group = ownGroup(readDefinition(answer, this.#now()).groups);
    return typeof group === 'string'
      ? cannot(group)
      : { segmentId: segment.msdynmkt_segmentid, groupId: group.groupId };
  }

  /** Creates the definition with its group, then the segment, and publishes it. Nobody is told anything by that. */
  async #create(name: string, signal: AbortSignal): Promise<SegmentGroup> {
    const groupId = idFrom(name);
    const definition = await this.#http.send(this.#requests.createDefinition(groupId, groupName), signal);
    const { definitionId } = readDefinition(definition, this.#now());
    const created = await this.#http.send(this.#requests.createSegment(name, definitionId), signal);
    const segmentId = readCreatedSegment(created, this.#now());
    requireDone(await this.#http.send(this.#requests.publishSegment(segmentId), signal), this.#now());
    return { segmentId, groupId };
  }
}

/** The group that has our name, or the only one that includes its members; or why there is none. */
function ownGroup(groups: readonly StaticGroup[]): StaticGroup | string {
  const including = groups.filter(({ includeType }) => includeType === 'Include');
  const [only, ...others] = including;
  if (only === undefined) return 'it has no group of static members that are included. Add one.';
  if (others.length === 0) return only;
  const ours = including.find(({ name }) => name === groupName);
  return ours ?? `it has several groups of static members. Call the one that is meant ${JSON.stringify(groupName)}.`;
}

/** An id that is unique in the segment, and the same whoever makes it. */
function idFrom(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}
