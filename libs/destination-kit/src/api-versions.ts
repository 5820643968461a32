/** The versions of a vendor's API, and until when each is served. */
export interface ApiVersions {
  /** The setting that names one. */
  readonly setting: string;
  /**
   * By name, the oldest first: the day on which it ends (`YYYY-MM-DD`, UTC), `undefined` where the
   * vendor has not said.
   */
  readonly ends: Readonly<Record<string, string | undefined>>;
  readonly source: string;
}

/** How long before its end a version is warned of. */
const warningMs = 90 * 86_400_000;

/**
 * A sentence about a version that has ended or ends within 90 days, with what to do; `undefined`
 * for any other, one that the table does not know among them.
 */
export function versionWarning({ setting, ends }: ApiVersions, version: string, nowMs: number): string | undefined {
  const endsOn = Object.hasOwn(ends, version) ? ends[version] : undefined;
  if (endsOn === undefined) return undefined;
  const leftMs = Date.parse(`${endsOn}T00:00:00Z`) - nowMs;
  if (leftMs >= warningMs) return undefined;
  const days = Math.ceil(leftMs / 86_400_000);
  const when = days > 0 ? `ends on ${endsOn}, in ${days} ${days === 1 ? 'day' : 'days'}` : `ended on ${endsOn}`;
  const newest = Object.keys(ends).at(-1) ?? version;
  return `The version ${version} of the API ${when}. Write ${setting}: ${newest}, once you have read what it changes.`;
}
