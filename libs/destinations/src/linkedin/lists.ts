import { DestinationError, type HttpSender, NamedLists } from '@activation-hub/destination-kit';
import type { LinkedinRequests } from './request.ts';
import { type LinkedinSegment, readCreated, readSegments } from './response.ts';
import type { LinkedinOptions } from './settings.ts';

/** How long LinkedIn may lose members of a segment that it has just made ("DMP Segment Users"). */
const settlesAfterMs = 5_000;

/**
 * How long a segment that was made here is known although LinkedIn does not list it: what is not
 * listed then is gone.
 */
const rememberedMs = 600_000;

/** Answers that are read for one look-up. */
const pagesMax = 20;

/**
 * The segments that options name, each by its id. Names need not be unique: ids grow, and the
 * lowest is the oldest.
 */
export function linkedinSegments(
  http: HttpSender,
  requests: LinkedinRequests,
  now: () => number,
): NamedLists<LinkedinOptions, LinkedinSegment, string> {
  /** What was made here, by its name: LinkedIn may not list it yet when it is looked for again. */
  const made = new Map<string, { readonly segment: LinkedinSegment; readonly madeAtMs: number }>();
  const all = async (signal: AbortSignal): Promise<readonly LinkedinSegment[]> => {
    const segments: LinkedinSegment[] = [];
    let total = 0;
    for (let page = 0; page < pagesMax; page += 1) {
      const answer = readSegments(await http.send(requests.listSegments(segments.length), signal), now());
      segments.push(...answer.segments);
      ({ total } = answer);
      if (segments.length >= total) return segments;
    }
    const why = `LinkedIn lists ${segments.length} of ${total}. Delete segments of this sourcePlatform that no route needs.`;
    throw new DestinationError('set-up', `Failed to look for the segment: ${why}`);
  };
  return new NamedLists({
    find: async ({ list, listId }, signal) => {
      const segments = await all(signal);
      const listed = new Set(segments.map(({ id }) => id));
      for (const [name, { segment, madeAtMs }] of made)
        if (listed.has(segment.id) || now() >= madeAtMs + rememberedMs) made.delete(name);
      return segments
        .filter(({ id, name }) => (listId === undefined ? name === list : id === listId))
        .toSorted((left, right) => (BigInt(left.id) < BigInt(right.id) ? -1 : 1));
    },
    mayCreate: ({ createList }) => createList,
    create: async ({ list: name = '' }, signal) => {
      const { segment, madeAtMs } = made.get(name) ?? {
        segment: {
          id: readCreated(await http.send(requests.createSegment(name), signal), now()),
          name,
          type: 'USER',
          destinations: [],
        },
        madeAtMs: now(),
      };
      made.set(name, { segment, madeAtMs });
      const settledAtMs = madeAtMs + settlesAfterMs;
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
