import { hash } from 'node:crypto';
import type { ChangeKind, JsonValue } from '@activation-hub/destination-kit';
import type { LedgerKey } from './ledger.ts';

/** What AEP says about one identity in one audience, and what the destination should therefore know. */
export interface MembershipState {
  /** AEP's word; the legacy `existing` counts as `realized`. */
  readonly status: 'realized' | 'exited';
  /** Whether the person is to be in the destination: a member of the audience, and consent is not withdrawn. */
  readonly isMember: boolean;
  /** AEP's `lastQualificationTime`, in epoch milliseconds. */
  readonly qualifiedAtMs: number;
  /** When the hub took the event, in epoch milliseconds. */
  readonly enqueuedAtMs: number;
  /** The hub's number of the event in its partition: orders events of one millisecond. */
  readonly sequenceNumber: number;
  /** Digest of the mapped attributes, by `contentDigest`; empty for somebody who is not to be in the destination. */
  readonly content: string;
}

/**
 * Orders the states of one key from old to new: by `lastQualificationTime`; then an exit after a realisation, for an
 * exit may carry the time of the qualification that it ends; then by the time the event was enqueued, which alone can
 * order attributes and consent. Sequence number and content only make the order total, so that every worker agrees.
 */
export function compareStates(left: MembershipState, right: MembershipState): number {
  return (
    left.qualifiedAtMs - right.qualifiedAtMs ||
    Number(left.status === 'exited') - Number(right.status === 'exited') ||
    left.enqueuedAtMs - right.enqueuedAtMs ||
    left.sequenceNumber - right.sequenceNumber ||
    (left.content < right.content ? -1 : left.content > right.content ? 1 : 0)
  );
}

/** Whether a destination that knows one of the states has nothing to learn from the other. */
export function saysTheSame(left: MembershipState, right: MembershipState): boolean {
  return left.isMember === right.isMember && left.content === right.content;
}

/**
 * Digest of mapped attributes; equal exactly when the attributes are equal, whatever the order of keys inside their
 * values. The names come in the route's order. Empty when there is none.
 */
export function contentDigest(attributes: readonly (readonly [name: string, value: JsonValue])[]): string {
  if (attributes.length === 0) return '';
  return hash('sha256', canonicalJson(attributes), 'base64url').slice(0, 22);
}

/** JSON with the keys of every object in code-unit order. */
function canonicalJson(attributes: readonly (readonly [string, JsonValue])[]): string {
  return JSON.stringify(attributes, (_key, value: JsonValue) =>
    typeof value === 'object' && value !== null && !isArray(value) ? sortedByKey(value) : value,
  );
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function sortedByKey(value: Readonly<Record<string, JsonValue>>): Record<string, JsonValue> {
  // Without a prototype a key named `__proto__` is a key like any other.
  const sorted = Object.create(null) as Record<string, JsonValue>;
  for (const key of Object.keys(value).sort()) sorted[key] = value[key] ?? null;
  return sorted;
}

/**
 * The deterministic id of a change: the same for every attempt at the same state of the same key, different for any
 * other. 27 characters of `[A-Za-z0-9_-]`, from which neither the identity nor the attributes can be read.
 */
export function changeId(key: LedgerKey, kind: ChangeKind, state: MembershipState): string {
  const said = [
    key.destination,
    key.identity.namespace,
    key.identity.value,
    key.audience.namespace,
    key.audience.id,
    kind,
    state.qualifiedAtMs,
    state.enqueuedAtMs,
    state.content,
  ];
  return hash('sha256', JSON.stringify(said), 'base64url').slice(0, 27);
}
