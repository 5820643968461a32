import { isJsonObject } from './attribute-at.ts';
import { parseQualificationTime } from './parse-qualification-time.ts';
import type { ProfileExport } from './profile-export.ts';
import { memberPath, refuse } from './refusal.ts';
import type { Refusal, RefusalCode } from './refusal.ts';

/** A profile's state in one audience, as one export gives it. */
export interface AudienceMembership {
  readonly namespace: string;
  readonly audienceId: string;
  readonly status: 'realized' | 'existing' | 'exited';
  /** True for `realized` and for the legacy `existing`. */
  readonly isMember: boolean;
  /** `lastQualificationTime` in epoch milliseconds. */
  readonly qualifiedAtMs: number;
  /** The audience's display name, where AEP sends it. */
  readonly name?: string;
}

/**
 * How far a qualification may lie ahead of the event that reports it: for senders with a wrong
 * clock, or that write local time as UTC (14 hours at most). What lies further ahead would count as
 * the newest state for years, and suppress all that follow.
 */
export const qualifiedAheadMaxMs = 24 * 3_600_000;

/**
 * Reads one membership of an export: namespace and audience id exactly as they stand in
 * `segmentMembership`. Reads nothing else, because the activation file names few items of an
 * export. Never throws; an item that is absent, has another status than the three, or has no
 * readable `lastQualificationTime`, or one that lies further than `qualifiedAheadMaxMs` after the
 * event was enqueued (`enqueuedAtMs`, epoch milliseconds), is refused (tell by `isRefusal`), and
 * the rest of the export stays good. A `name` that is not a string is left out.
 */
export function readMembership(
  profileExport: ProfileExport,
  namespace: string,
  audienceId: string,
  enqueuedAtMs: number,
): AudienceMembership | Refusal {
  const { segmentMembership } = profileExport;
  const items = Object.hasOwn(segmentMembership, namespace) ? segmentMembership[namespace] : undefined;
  if (items === undefined || !Object.hasOwn(items, audienceId)) {
    return refuseItem(profileExport, namespace, audienceId, 'absent-membership');
  }
  const item = items[audienceId];
  if (!isJsonObject(item)) return refuseItem(profileExport, namespace, audienceId, 'invalid-membership');
  const { status, lastQualificationTime, name } = item;
  if (status !== 'realized' && status !== 'existing' && status !== 'exited') {
    return refuseItem(profileExport, namespace, audienceId, 'unknown-status', 'status');
  }
  const qualifiedAtMs =
    typeof lastQualificationTime === 'string' ? parseQualificationTime(lastQualificationTime) : undefined;
  if (qualifiedAtMs === undefined) {
    return refuseItem(profileExport, namespace, audienceId, 'invalid-qualification-time', 'lastQualificationTime');
  }
  if (qualifiedAtMs > enqueuedAtMs + qualifiedAheadMaxMs) {
    return refuseItem(profileExport, namespace, audienceId, 'future-qualification-time', 'lastQualificationTime');
  }
  const isMember = status !== 'exited';
  return typeof name === 'string'
    ? { namespace, audienceId, status, isMember, qualifiedAtMs, name }
    : { namespace, audienceId, status, isMember, qualifiedAtMs };
}

function refuseItem(
  profileExport: ProfileExport,
  namespace: string,
  audienceId: string,
  code: RefusalCode,
  field?: string,
): Refusal {
  const itemPath = memberPath(memberPath(`${profileExport.path}.segmentMembership`, namespace), audienceId);
  return refuse(field === undefined ? itemPath : memberPath(itemPath, field), code);
}
