import { DestinationError, ListsByName, type VendorApi } from '@activation-hub/destination-kit';
import type { LinkedinRequests } from './request.ts';
import { type LinkedinSegment, segmentsSchema } from './response.ts';
import type { LinkedinOptions } from './settings.ts';

/** How long LinkedIn may lose members of a segment that it has just made ("DMP Segment Users"). */
const settlesAfterMs = 5_000;

/**
 * How long a segment that was made here is known although LinkedIn does not list it: what is not
 * listed then is gone.
 */
const rememberedMs = 600_000;

const noAccess =
  'Failed to look for the segment: LinkedIn answered 404. Check baseUrl, and that LinkedIn has given the app rw_dmp_segments.';
const noId = 'Failed to create the segment: LinkedIn gave no id. It is looked for again.';

/** The segments that options name. */
export function linkedinSegments(api: VendorApi, requests: LinkedinRequests, now: () => number) {
  /** What was made here, by its name: LinkedIn may not list it yet when it is looked for again. */
  const made = new Map<string, { readonly segment: LinkedinSegment; readonly madeAtMs: number }>();
  const make = async (name: string, signal: AbortSignal) => {
    const { headers } = await api.send(requests.createSegment(name), signal);
    const id = headers['x-restli-id'] ?? '';
    if (!/^\d+$/.test(id)) throw new DestinationError('transient', noId);
    return { segment: { id, name, type: 'USER', destinations: [] }, madeAtMs: now() };
  };
  return new ListsByName<LinkedinOptions, LinkedinSegment>({
    vendor: 'LinkedIn',
    what: 'segment',
    page: async (from, signal) => {
      const answer = await api.find(requests.listSegments(from), segmentsSchema, ['404'], signal);
      if (answer === undefined) throw new DestinationError('set-up', noAccess);
      const { elements, paging } = answer;
      const listed = new Set(elements.map(({ id }) => id));
      for (const [name, { segment, madeAtMs }] of made)
        if (listed.has(segment.id) || now() >= madeAtMs + rememberedMs) made.delete(name);
      const read = Number(from ?? 0) + elements.length;
      return { lists: elements, next: read >= paging.total ? undefined : String(read) };
    },
    create: async (name, signal) => {
      const { segment, madeAtMs } = made.get(name) ?? (await make(name, signal));
      made.set(name, { segment, madeAtMs });
      const settledAtMs = madeAtMs + settlesAfterMs;
      if (now() >= settledAtMs) return segment;
      const why = `the segment ${JSON.stringify(name)} was made a moment ago. It is tried again.`;
      throw new DestinationError('throttled', `Failed to deliver: ${why}`, { notBeforeMs: settledAtMs });
    },
    idsGrow: true,
    missing: 'It must be of this sourcePlatform. Let the options create it by name (createList: true).',
    unfit: ({ type, destinations }) => {
      if (type !== 'USER') return 'it is not of users. Name one that is.';
      const hasExpired = destinations.some(({ status }) => status === 'EXPIRED');
      return hasExpired ? 'it has expired. Delete it, and make a new one.' : undefined;
    },
  });
}
