import {
  areSameAttributes,
  compareStates,
  isSameWish,
  type LedgerRecord,
  type MembershipState,
} from '@activation-hub/membership';
import type { DesiredMembership, Resolved } from './resolve-memberships.ts';

/**
 * The keys for which the batch brings an older state that asks for something else, or comes with
 * other identities. A retry may bring that state alone later, so the newest is written to the row
 * also where it changes nothing.
 */
export function contestedKeys({ newest, superseded }: Pick<Resolved, 'newest' | 'superseded'>): ReadonlySet<string> {
  const contested = new Set<string>();
  for (const { keyText, state, attributes, person } of superseded) {
    const other = newest.get(keyText);
    const isSame =
      other?.person.linkDigest === person.linkDigest &&
      other.state.isMember === state.isMember &&
      areSameAttributes(other.attributes, attributes);
    if (!isSame) contested.add(keyText);
  }
  return contested;
}

/** The person whom the export brings. */
interface OfPerson {
  readonly person: Pick<DesiredMembership['person'], 'linkDigest'>;
}

/**
 * Whether an export that changes nothing moves its row to its state (docs/specs/ledger.md, section
 * 3): the row's state comes from an export with other identities, or is in question, or the key is
 * contested in the batch.
 */
export function isMovedBy(
  { keyText, state, person }: Pick<DesiredMembership, 'keyText' | 'state'> & OfPerson,
  { known, linkDigest, knownDigest }: LedgerRecord,
  contested: ReadonlySet<string>,
): boolean {
  const isFromOthers = (linkDigest ?? knownDigest ?? '') !== person.linkDigest;
  return (isFromOthers || contested.has(keyText)) && compareStates(state, known) > 0;
}

/** A paused route notes a change once; the exports that repeat it need no further write. */
export function isPausedAlready(
  { route }: Pick<DesiredMembership, 'route'>,
  state: MembershipState,
  record: LedgerRecord,
): boolean {
  return route.mode === 'paused' && record.rowState.is === 'paused' && isSameWish(record.known, state);
}
