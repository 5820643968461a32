import {
  compareStates,
  hasRoomFor,
  identityText,
  ledgerKeyText,
  linkOf,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import type { Former, Looked } from './former-identities.ts';
import { linkKeysOf, othersOf } from './people-to-follow.ts';
import { formerOfPerson, type DesiredMembership, type RoutedPerson } from './resolve-memberships.ts';

/** What is known of the rows of a person. */
interface RowsOfPerson {
  /** Under the identities that the route resolves to. */
  readonly chosen: readonly (LedgerRow | undefined)[];
  /** Under the other identities of the export. */
  readonly others: readonly Pick<Former, 'identity' | 'row'>[];
  readonly links: readonly (LedgerRow | undefined)[];
  /** Another export has one of the other identities, so that no digest can be given. */
  readonly isShared: boolean;
}

/**
 * Whether a look at a person whose rows can have no digest would find nothing
 * (docs/specs/ledger.md, section 6): the row of an identity that many share has no room to remember
 * the person, a newer export has the identity, or the route is paused.
 *
 * The rows of the other identities answer for themselves: each knows no member, as of a state that
 * is as new as the person's row, or a member by a newer export than this. A row only moves on, so
 * an outdated copy of it answers as well.
 */
function findsNothing(person: RoutedPerson, { chosen, others, links, isShared }: RowsOfPerson): boolean {
  const formerOf = formerOfPerson(person);
  let hasNoDigest = isShared;
  for (const { row } of others) {
    if (row === undefined || row.record.rowState.is === 'leased') return false;
    const { known, rowState } = row.record;
    if (known.isMember) {
      if (compareStates(known, person.state) <= 0) return false;
      hasNoDigest = true;
    } else if (rowState.is === 'paused') {
      if (person.route.mode !== 'paused') return false;
      hasNoDigest = true;
    } else hasNoDigest ||= !hasRoomFor(row.record, formerOf);
  }
  return hasNoDigest && chosen.every(isAnswered) && links.every(isUpToDate);

  function isAnswered(row: LedgerRow | undefined): boolean {
    if (row === undefined || !isSettledWithoutDigest(row.record)) return false;
    const { known } = row.record;
    const asOf = compareStates(known, person.state) < 0 ? known : person.state;
    return others.every((other) => {
      const otherKnown = other.row?.record.known;
      return otherKnown !== undefined && (otherKnown.isMember || compareStates(otherKnown, asOf) >= 0);
    });
  }

  function isUpToDate(link: LedgerRow | undefined): boolean {
    if (link?.record.linkDigest !== person.linkDigest) return false;
    const texts = new Set(others.map(({ identity }) => identityText(identity)));
    return linkOf(link.record).leaving.every((identity) => texts.has(identityText(identity)));
  }
}

/** Whether nothing is open about the row, and it carries no digest that would have to go. */
function isSettledWithoutDigest({ linkDigest, rowState }: LedgerRecord): boolean {
  return linkDigest === undefined && rowState.is !== 'deferred' && rowState.is !== 'leased';
}

/**
 * Whether a look would find nothing, by the row of a membership that has nothing to learn, and by
 * what the cache knows of the person's other rows.
 */
export function isKnownToFindNothing(
  { person, key }: DesiredMembership,
  row: LedgerRow,
  { ledgerCache, matcher, clock }: Pick<ActivationContext, 'ledgerCache' | 'matcher' | 'clock'>,
): boolean {
  const nowMs = clock.now();
  const { route } = person;
  const ledgerName = matcher.destination(route.destination)?.ledgerName ?? route.destination;
  const known = (of: LedgerKey): LedgerRow | undefined => ledgerCache.get(ledgerKeyText(of), nowMs);
  return findsNothing(person, {
    chosen: [row],
    others: othersOf(person).map((identity) => ({ identity, row: known({ ...key, identity }) })),
    links: linkKeysOf(person, ledgerName).map(known),
    isShared: false,
  });
}

/**
 * Whether the look has found nothing. The cache has the rows then, and answers for the person the
 * next time.
 */
export function foundNothing(
  { person, chosen, formers, links, linkKeys, isShared, isOutdated }: Looked,
  { ledgerCache, clock }: Pick<ActivationContext, 'ledgerCache' | 'clock'>,
): boolean {
  const rows = { chosen: chosen.map(({ row }) => row), others: formers, links, isShared };
  if (isOutdated || chosen.length === 0 || !findsNothing(person, rows)) return false;
  const nowMs = clock.now();
  const read = [
    ...formers.map(({ key, row }) => ({ key, row })),
    ...linkKeys.map((key, at) => ({ key, row: links[at] })),
  ];
  // None of these is leased: with a leased row the look would have found something.
  for (const { key, row } of read) if (row !== undefined) ledgerCache.set(ledgerKeyText(key), row, nowMs);
  return true;
}
