import { DestinationError, type HttpSender, NamedLists } from '@activation-hub/destination-kit';
import type { LinkedinRequests } from './request.ts';
import { type LinkedinSegment, readCreated, readSegments } from './response.ts';
import type { LinkedinOptions } from './settings.ts';

/** How long LinkedIn may lose members of a segment that it has just made ("DMP Segment Users"). */
const settlesAfterMs = 5_000;

/** The segments that options name, each by its id. Names need not be unique: ids grow, and the lowest is the oldest. */
export function linkedinSegments(
  http: HttpSender,
  requests: LinkedinRequests,
  now: () => number,
): NamedLists<LinkedinOptions, LinkedinSegment, string> {
  /** What was made here, by its name: LinkedIn may not list it yet when it is looked for again. */
  const made = new Map<string, { readonly segment: LinkedinSegment; readonly settledAtMs: number }>();
  return new NamedLists({
    find: async ({ list, listId }, signal) => {
      const segments = readSegments(await http.send(requests.listSegments(), signal), now());
      return segments
        .filter(({ id, name }) => (listId === undefined ? name === list : id === listId))
        .toSorted((left, right) => (BigInt(left.id) < BigInt(right.id) ? -1 : 1));
    },
    mayCreate: ({ createList }) => createList,
    create: async ({ list: name = '' }, signal) => {
      const { segment, settledAtMs } = made.get(name) ?? {
        segment: {
          id: readCreated(await http.send(requests.createSegment(name), signal), now()),
          name,
          type: 'USER',
          destinations: [],
        },
        settledAtMs: now() + settlesAfterMs,
      };
      made.set(name, { segment, settledAtMs });
      if (now() >= settledAtMs) return [segment];
      const why = `the segment ${JSON.stringify(name)} was made a moment ago. It is tried again.`;
      throw new DestinationError('throttled', `Failed to deliver: ${why}`, { notBeforeMs: settledAtMs });
    },
    choose: ([oldest], { list, listId = '' }) => {
      const named = `the LinkedIn segment ${list === undefined ? `with the id ${listId}` : JSON.stringify(list)}`;
      if (oldest === undefined) {
        return {
          refuse: `Failed to find ${named} of this sourcePlatform. Let the options create it by name (createList: true).`,
        };
      }
      if (oldest.type !== 'USER') return { refuse: `Failed to use ${named}: it is not of users. Name one that is.` };
      if (!oldest.destinations.some(({ status }) => status === 'EXPIRED')) return { use: oldest.id };
      return { refuse: `Failed to use ${named}: it has expired. Delete it, and make a new one.` };
    },
    flaw: ({ length }, { list = '' }) =>
      length < 2
        ? undefined
        : `LinkedIn has ${length} segments named ${JSON.stringify(list)}: the oldest is used. Write the listId.`,
  });
}
