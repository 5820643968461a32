import { isJsonObject } from '../src/attribute-at.ts';
import type { JsonObject, JsonValue } from '../src/profile-export.ts';
import { formatQualificationTime } from './qualification-time.ts';
import type { TimeSpelling } from './qualification-time.ts';

/**
 * What is to stand in an export. Every part is optional; without any the export is `{}`, which
 * readers refuse.
 */
export interface ProfileExportContent {
  /** Mapped attributes by dotted XDM path: `{ 'person.name.firstName': 'Ada' }`. */
  readonly attributes?: Readonly<Record<string, JsonValue>>;
  readonly memberships?: readonly MembershipContent[];
  /** Ids by namespace, written as given; exports of AEP have lower-case namespaces. */
  readonly identities?: Readonly<Record<string, readonly string[]>>;
  /** The dataflow's toggle "Include Segment Names". Default false. */
  readonly includeNames?: boolean;
  /** The dataflow's toggle "Include Segment Timestamps". Default false. */
  readonly includeTimestamps?: boolean;
}

export interface MembershipContent {
  /** Default `ups`, AEP's own audiences. */
  readonly namespace?: string;
  readonly audienceId: string;
  /** Default `realized`. */
  readonly status?: 'realized' | 'existing' | 'exited';
  readonly qualifiedAtMs: number;
  /** Default `seconds-z`. */
  readonly spelling?: TimeSpelling;
  /** What the toggles add; default `Audience` and the id. */
  readonly name?: string;
  /**
   * Whether the audience is mapped to the dataflow: the toggles add nothing to an unmapped one.
   * Default true.
   */
  readonly isMapped?: boolean;
  /** When audience and mapping were made; default one year before 2026. */
  readonly createdAtMs?: number;
}

type MutableObject = Record<string, JsonValue>;

const defaultCreatedAtMs = Date.UTC(2025, 0, 1);

/**
 * One export as AEP writes it: attributes, then `segmentMembership`, then `identityMap`; each map
 * only where the caller gives content.
 */
export function buildProfileExport(content: ProfileExportContent): JsonObject {
  const body: MutableObject = {};
  for (const [path, value] of Object.entries(content.attributes ?? {})) {
    const segments = path.split('.');
    setOwn(descend(body, segments.slice(0, -1)), segments.at(-1) ?? '', value);
  }
  for (const membership of content.memberships ?? []) {
    const items = descend(body, ['segmentMembership', membership.namespace ?? 'ups']);
    setOwn(items, membership.audienceId, buildItem(membership, content));
  }
  if (content.memberships?.length === 0) setOwn(body, 'segmentMembership', {});
  if (content.identities !== undefined) {
    const identityMap = descend(body, ['identityMap']);
    for (const [namespace, ids] of Object.entries(content.identities)) {
      setOwn(
        identityMap,
        namespace,
        ids.map((id) => ({ id })),
      );
    }
  }
  return body;
}

/** The bytes of an event with this export, or with an array of exports. */
export function encodeProfileExport(body: JsonObject | readonly JsonObject[]): Buffer {
  return Buffer.from(JSON.stringify(body));
}

function buildItem(
  membership: MembershipContent,
  { includeNames, includeTimestamps }: ProfileExportContent,
): JsonObject {
  const isMapped = membership.isMapped ?? true;
  const createdAt = membership.createdAtMs ?? defaultCreatedAtMs;
  const mappedAt = Math.ceil(createdAt / 1000) * 1000;
  return {
    lastQualificationTime: formatQualificationTime(membership.qualifiedAtMs, membership.spelling),
    status: membership.status ?? 'realized',
    ...(isMapped && includeTimestamps === true
      ? { createdAt, updatedAt: createdAt, mappingCreatedAt: mappedAt, mappingUpdatedAt: mappedAt }
      : {}),
    ...(isMapped && includeNames === true ? { name: membership.name ?? `Audience ${membership.audienceId}` } : {}),
  };
}

/** The object at the path, made where it is absent. */
function descend(root: MutableObject, path: readonly string[]): MutableObject {
  let object = root;
  for (const segment of path) {
    const next = Object.hasOwn(object, segment) ? object[segment] : undefined;
    object = isJsonObject(next) ? next : setOwn(object, segment, {});
  }
  return object;
}

/**
 * Plain assignment would change the prototype under the key `__proto__`, which tests of hostile
 * exports use.
 */
function setOwn<T extends JsonValue>(object: MutableObject, key: string, value: T): T {
  Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  return value;
}
