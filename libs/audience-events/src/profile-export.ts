import type { Refusal } from './refusal.ts';

/** What `JSON.parse` can return. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

/**
 * A JSON object. Its keys may be hostile (`__proto__`, `constructor`): look up own properties only.
 */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/**
 * One profile export as it stands on the wire: mapped attributes at the root on their XDM paths,
 * and at least one of the two maps. Fields that are not named here are allowed everywhere. `null`
 * instead of a map counts as absent. Source: Adobe, *Azure Event Hubs* destination, "Exported
 * data"; XDM `segmentMembership` and `identityMap`.
 */
export interface WireProfileExport {
  /** Audience namespace (`ups` for AEP's own audiences) to audience id to item. */
  readonly segmentMembership?: Readonly<Record<string, Readonly<Record<string, WireMembership>>>> | null;
  /**
   * Identity namespace (lower case in practice, whatever the case of its code) to the identities of
   * the profile.
   */
  readonly identityMap?: Readonly<Record<string, readonly WireIdentity[]>> | null;
  readonly [attribute: string]: unknown;
}

/** One item of `segmentMembership` on the wire. */
export interface WireMembership {
  /** `realized` (member), `existing` (member, legacy) or `exited` (not a member). */
  readonly status: 'realized' | 'existing' | 'exited';
  /**
   * When the profile last qualified, in any of AEP's spellings of ISO 8601; not necessarily the
   * time of an exit.
   */
  readonly lastQualificationTime: string;
  /**
   * The audience's display name: only with the toggle "Include Segment Names", only for audiences
   * mapped to the dataflow.
   */
  readonly name?: string;
  /**
   * When the audience was made, in epoch milliseconds: this and the next three only with "Include
   * Segment Timestamps".
   */
  readonly createdAt?: number;
  readonly updatedAt?: number;
  /** When the audience was mapped to the dataflow, in epoch milliseconds. */
  readonly mappingCreatedAt?: number;
  readonly mappingUpdatedAt?: number;
  readonly [field: string]: unknown;
}

/**
 * One identity on the wire. XDM also knows `authenticatedState` and `primary`; exports have not
 * been seen to carry them.
 */
export interface WireIdentity {
  /** Always a string: an ECID has 38 digits, more than a JSON number keeps. */
  readonly id: string;
  readonly [field: string]: unknown;
}

/** One profile export in a body. */
export interface ProfileExport {
  /** Where in the body it stands: `$`, or `$[3]` in an array. */
  readonly path: string;
  /** The object as AEP wrote it; mapped attributes sit at its root on their XDM paths. */
  readonly body: JsonObject;
  /**
   * Identity values by lower-cased namespace, in AEP's order, without repetition. Empty when the
   * export has none. Namespaces that differ only in case are one; empty ids are left out, and so is
   * a namespace without any other.
   */
  readonly identities: ReadonlyMap<string, readonly string[]>;
  /**
   * By lower-cased namespace, why an identity of it cannot be read: the first of each namespace,
   * for the others are good. A reader that looks for an identity in such a namespace cannot know
   * that the profile has none there, or which one it had before.
   */
  readonly unreadableIdentities: ReadonlyMap<string, Refusal>;
  /**
   * As in the payload, without namespaces that cannot be read: namespace to audience id to item.
   * Both levels are known to be objects, the items have not been read (`readMembership` does). `{}`
   * when absent. Its keys are AEP's: look up own properties only.
   */
  readonly segmentMembership: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
