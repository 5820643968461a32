import { z } from 'zod';

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

/**
 * Schema of the setting `apiVersion`: a version of this form, `usual` when absent. A version that
 * the table gets later does not become the default by that: a person reads first what it changes.
 * Throws when the table does not have `usual`.
 */
export function apiVersion({ ends }: ApiVersions, usual: string, form: RegExp, description: string) {
  if (!Object.hasOwn(ends, usual))
    throw new Error(`Failed to make the setting apiVersion: the table of versions has no ${usual}. Add it.`);
  const newest = Object.keys(ends).at(-1);
  return z
    .string()
    .regex(form, `Write a version such as ${usual}.`)
    .default(usual)
    .meta({ description, examples: [newest] });
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
