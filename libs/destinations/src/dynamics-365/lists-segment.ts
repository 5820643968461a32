import { createHash } from 'node:crypto';
import { type Choice, type HttpSender, NamedLists } from '@activation-hub/destination-kit';
import type { Dynamics365Requests, MemberTable, SegmentGroup } from './request.ts';
import {
  readCreatedSegment,
  readDefinition,
  readSegments,
  requireDone,
  type Segment,
  type StaticGroup,
} from './response.ts';
import type { Dynamics365Options } from './settings.ts';

/** The name of the group of static members that is ours, where a segment has several. */
const groupName = 'Activation Hub';

/**
 * The segments of Customer Insights – Journeys that options name, each with its group of static
 * members.
 */
export type JourneySegments = NamedLists<Dynamics365Options, Segment, SegmentGroup>;

/** Finds segments of records of this table. */
export function journeySegments(
  http: HttpSender,
  requests: Dynamics365Requests,
  table: MemberTable,
  now: () => number,
): JourneySegments {
  return new NamedLists<Dynamics365Options, Segment, SegmentGroup>({
    find: async (options, signal) => readSegments(await http.send(requests.findSegment(options), signal), now()),
    mayCreate: ({ createSegment }) => createSegment,
    /**
     * Creates the definition with its group, then the segment, and publishes it. This sends no
     * change.
     */
    create: async ({ segment: name = '' }, signal) => {
      const definition = await http.send(requests.createDefinition(idFrom(name), groupName), signal);
      const { definitionId } = readDefinition(definition, now());
      const created = await http.send(requests.createSegment(name, definitionId), signal);
      const segmentId = readCreatedSegment(created, now());
      requireDone(await http.send(requests.publishSegment(segmentId), signal), now());
      return [
        {
          msdynmkt_segmentid: segmentId,
          msdynmkt_baseentitylogicalname: table.entity,
          msdynmkt_sourcesegmentuid: definitionId,
        },
      ];
    },
    /**
     * Names need not be unique: where the options let processes make one, so that several may have
     * done it, all take the oldest.
     */
    choose: async ([segment, ...others], options, signal): Promise<Choice<SegmentGroup>> => {
      const { segment: name, segmentId: id, createSegment } = options;
      const named = name === undefined ? `with the id ${id ?? ''}` : JSON.stringify(name);
      const cannot = (why: string) => ({ refuse: `Failed to use the segment ${named}: ${why}` });
      if (segment === undefined) {
        return {
          refuse: `Failed to find the segment ${named}. Create it, or let the options create it by name (createSegment: true).`,
        };
      }
      if (others.length > 0 && !createSegment) return cannot('several segments have this name. Name it by segmentId.');
      const { msdynmkt_baseentitylogicalname: holds, msdynmkt_sourcesegmentuid: definitionId } = segment;
      if (holds !== table.entity)
        return cannot(`it holds records of the type ${holds}. Name another, or set memberType.`);
      if (typeof definitionId !== 'string') return cannot('it is none of Customer Insights - Journeys. Name another.');
      const answer = await http.send(requests.readDefinition(definitionId), signal);
      const group = ownGroup(readDefinition(answer, now()).groups);
      return typeof group === 'string'
        ? cannot(group)
        : { use: { segmentId: segment.msdynmkt_segmentid, groupId: group.groupId } };
    },
    flaw: ({ length }, { segment = '' }) =>
      length < 2
        ? undefined
        : `Dynamics 365 has several segments named ${JSON.stringify(segment)}: the oldest is used. Name it by segmentId.`,
  });
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

/** An id that is unique in the segment, and the same in every process. */
function idFrom(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}
