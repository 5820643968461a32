import type { HttpSender, Verdict } from '@activation-hub/destination-kit';
import type { Members, Row } from './members.ts';
import { type Dynamics365Requests, memberTables } from './request.ts';
import { requireDone } from './response.ts';
import { type JourneySegments, journeySegments } from './lists-segment.ts';
import type { Dynamics365Options, Dynamics365Settings } from './settings.ts';

/** Records in one request, at most (real-time-marketing-api-segment). */
const recordsMax = 1_000;

/**
 * The static members of segments of Customer Insights – Journeys. A request tells of all of its
 * records, and is answered as a whole.
 */
export class SegmentMembers implements Members {
  readonly #http: HttpSender;
  readonly #requests: Dynamics365Requests;
  readonly #segments: JourneySegments;
  readonly #now: () => number;

  constructor(http: HttpSender, requests: Dynamics365Requests, settings: Dynamics365Settings, now: () => number) {
    this.#http = http;
    this.#requests = requests;
    this.#segments = journeySegments(http, requests, memberTables[settings.memberType], now);
    this.#now = now;
  }

  async prepare(options: Dynamics365Options, signal: AbortSignal): Promise<void> {
    await this.#segments.get(options, signal);
  }

  problem(options: Dynamics365Options, signal: AbortSignal): Promise<string | undefined> {
    return this.#segments.problem(options, signal);
  }

  add(rows: readonly Row[], options: Dynamics365Options, signal: AbortSignal): Promise<readonly Verdict[]> {
    return this.#change('add', rows, options, signal);
  }

  remove(rows: readonly Row[], options: Dynamics365Options, signal: AbortSignal): Promise<readonly Verdict[]> {
    return this.#change('remove', rows, options, signal);
  }

  async #change(
    direction: 'add' | 'remove',
    rows: readonly Row[],
    options: Dynamics365Options,
    signal: AbortSignal,
  ): Promise<readonly Verdict[]> {
    const group = await this.#segments.get(options, signal);
    const recordIds = [...new Set(rows.map(({ recordId }) => recordId))];
    for (let start = 0; start < recordIds.length; start += recordsMax) {
      const part = recordIds.slice(start, start + recordsMax);
      const response = await this.#http.send(this.#requests.changeStaticMembers(direction, group, part), signal);
      if (response.status === 404) this.#segments.forget(options);
      requireDone(response, this.#now());
    }
    return rows.map(({ id }): Verdict => ({ id, status: 'delivered' }));
  }
}
