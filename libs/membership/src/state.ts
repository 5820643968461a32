import { hash } from 'node:crypto';
import type { JsonValue } from '@activation-hub/destination-kit';

/**
 * What AEP says about one identity in one audience, and what the destination should therefore know.
 */
export interface MembershipState {
  /** AEP's word; the legacy `existing` counts as `realized`. */
  readonly status: 'realized' | 'exited';
  /**
   * Whether the destination should have the person: a member of the audience whose consent is not
   * withdrawn.
   */
  readonly isMember: boolean;
  /** AEP's `lastQualificationTime`, in epoch milliseconds. */
  readonly qualifiedAtMs: number;
  /** When the hub took the event, in epoch milliseconds. */
  readonly enqueuedAtMs: number;
  /** The hub's number of the event in its partition: orders events of one millisecond. */
  readonly sequenceNumber: number;
  /**
   * Digest of the mapped attributes, by `contentDigest`; empty for a person whom the destination
   * should not have.
   */
  readonly content: string;
}

/** A state of which the content is not known, because computing it is dear. */
export type UndigestedState = Omit<MembershipState, 'content'>;

/**
 * Orders the states of one key from old to new: by `lastQualificationTime`; then an exit after a
 * realisation, for an exit may carry the time of the qualification that it ends; then by the time
 * the event was enqueued, which alone can order attributes and consent. The sequence number only
 * makes the order the same for every worker.
 */
export function compareStates(left: UndigestedState, right: UndigestedState): number {
  return (
    left.qualifiedAtMs - right.qualifiedAtMs ||
    Number(left.status === 'exited') - Number(right.status === 'exited') ||
    left.enqueuedAtMs - right.enqueuedAtMs ||
    left.sequenceNumber - right.sequenceNumber
  );
}

/** Whether a destination that knows one of the states has nothing to learn from the other. */
export function saysTheSame(left: MembershipState, right: MembershipState): boolean {
  return left.isMember === right.isMember && left.content === right.content;
}

/** Mapped attributes under the names that a route gives them. */
export type Attributes = Readonly<Record<string, JsonValue>>;

/**
 * Digest of mapped attributes: equal when they are equal, whatever the order of keys inside their
 * values, and otherwise different. Empty when there is none.
 */
export function contentDigest(attributes: Attributes): string {
  const json = canonicalJson(attributes);
  return json === '{}' ? '' : hash('sha256', json, 'base64url').slice(0, 22);
}

/**
 * JSON with the keys of every object in code-unit order, if there is one inside; else those come in
 * the order of the route.
 */
function canonicalJson(attributes: Attributes): string {
  for (const name in attributes) {
    if (typeof attributes[name] === 'object' && attributes[name] !== null) {
      return JSON.stringify(attributes, (_key, value: JsonValue) =>
        typeof value === 'object' && value !== null && !isArray(value) ? sortedByKey(value) : value,
      );
    }
  }
  return JSON.stringify(attributes);
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
 * Whether two sets of attributes are certainly the same, at the cost of a few comparisons.
 * Attributes that are objects are not looked into: for two of them the answer is no, and only the
 * digest knows.
 */
export function areSameAttributes(left: Attributes, right: Attributes): boolean {
  if (left === right) return true;
  for (const name in left) if (left[name] !== right[name]) return false;
  for (const name in right) if (!Object.hasOwn(left, name)) return false;
  return true;
}

/**
 * The deterministic id of a change: the same for every attempt at the same state of the same key
 * (given by its `ledgerKeyText`), different for any other. An attempt that ends in doubt turns an
 * update into an entry, so the id is of what the destination should know, not of the words in which
 * it is told. 27 characters of `[A-Za-z0-9_-]`, from which neither the identity nor the attributes
 * can be read.
 */
export function changeId(keyText: string, state: MembershipState): string {
  const { status, isMember, qualifiedAtMs, enqueuedAtMs, content } = state;
  const said = `${keyText}\n${status}\n${String(isMember)}\n${qualifiedAtMs}\n${enqueuedAtMs}\n${content}`;
  return hash('sha256', said, 'base64url').slice(0, 27);
}
