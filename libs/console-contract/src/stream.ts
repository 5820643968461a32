import type { ChangeRow } from './changes.ts';
import type { Overview, SeriesPoint } from './overview.ts';

/** One message of `GET /api/stream`, as JSON in the `data` of a server-sent event. */
export type StreamMessage =
  /**
   * The first: what was before. A page that gets it again begins anew: the server has, or an
   * environment was looked at again.
   */
  | {
      readonly is: 'begin';
      readonly rows: readonly ChangeRow[];
      readonly series: readonly SeriesPoint[];
      /** Absent until an environment was looked at for the first time. */
      readonly overview?: Overview;
    }
  | {
      readonly is: 'changes';
      readonly rows: readonly ChangeRow[];
      /** So many came faster than the page took them, and are not among the rows. */
      readonly leftOut: number;
    }
  /** With the last seconds that are over; some of them were sent before. */
  | { readonly is: 'overview'; readonly overview: Overview; readonly points: readonly SeriesPoint[] };
