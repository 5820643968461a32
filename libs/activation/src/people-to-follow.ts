import {
  compareStates,
  identityCharactersMax,
  ledgerKeyText,
  linkKey,
  linkOf,
  otherIdentities,
  type Identity,
  type LedgerKey,
  type LedgerRow,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import type { SettledMembership } from './decide-changes.ts';
import { rowKey, type DesiredMembership, type RoutedPerson } from './resolve-memberships.ts';
import type { ToldRow } from './tell-rows.ts';
import type { Work } from './work.ts';

/** A person whose rows under this route may be more than the route resolves to now. */
export interface Followed {
  readonly person: RoutedPerson;
  readonly ledgerName: string;
  /** The rows of the identities that the route resolves to, as they were settled. */
  readonly chosen: readonly SettledMembership[];
  readonly linkKeys: readonly LedgerKey[];
}

/** What the stages before have made of the people of a batch. */
export interface Outcome {
  readonly desired: readonly DesiredMembership[];
  readonly superseded: readonly DesiredMembership[];
  readonly settled: readonly SettledMembership[];
  readonly told: readonly ToldRow[];
  readonly unresolved: readonly RoutedPerson[];
}

/**
 * The people of whom a row does not carry the digest of these very identities, or may be under others, from old to new. Those of
 * whom something is open are left to the retry.
 */
export function peopleToFollow(
  { desired, superseded, settled, told, unresolved }: Outcome,
  context: ActivationContext,
  work: Work | undefined,
): readonly Followed[] {
  // A person who replays an event wants everything of it looked at again.
  const isReplay = work?.retry?.isReplay === true;
  const rows = new Map<string, SettledMembership>(settled.map((each) => [each.desired.keyText, each]));
  const byKey = new Map(desired.map((each) => [each.keyText, each]));
  for (const { keyText, settled: row } of told) {
    const of = byKey.get(keyText);
    if (of !== undefined && row !== undefined && row.record.rowState.is !== 'deferred')
      rows.set(keyText, { desired: of, row, isSuperseded: isMovedOn(row, of) });
  }
  const people: Followed[] = [];
  for (const [person, memberships] of Map.groupBy([...desired, ...superseded], (each) => each.person)) {
    const newest = memberships.filter((each) => byKey.get(each.keyText) === each);
    // What a newer export of the batch has superseded is as settled as that one, unless the person entered under another identity.
    const deciding = newest.length > 0 ? newest : memberships;
    if (deciding.some(({ keyText }) => !rows.has(keyText))) continue;
    const chosen = newest.flatMap(({ keyText }) => rows.get(keyText) ?? []);
    const isKnown = ({ keyText }: DesiredMembership): boolean =>
      (rows.get(keyText)?.row?.record.linkDigest ?? '') === person.linkDigest;
    if (isReplay || !memberships.every(isKnown)) people.push(followed(person, chosen, context));
  }
  for (const person of unresolved) {
    if (person.route.follow.length === 0) continue;
    const each = followed(person, [], context);
    if (isReplay || !isKnownWithout(each, context)) people.push(each);
  }
  return newestOfEach(people.toSorted((left, right) => compareStates(left.person.state, right.person.state)));
}

/** A settling that was lost: another process has written something newer, or has the lease. */
function isMovedOn({ record: { known, rowState } }: LedgerRow, { state }: DesiredMembership): boolean {
  return rowState.is === 'leased' || compareStates(known, state) > 0;
}

/** Of exports with the same identities the newest, in their order: the others link nothing else. */
function newestOfEach(people: readonly Followed[]): readonly Followed[] {
  const newest = new Map<string, Followed>();
  for (const each of people) {
    const { route, audience, linkDigest } = each.person;
    const text = JSON.stringify([route.destination, audience.key, linkDigest]);
    newest.delete(text);
    newest.set(text, each);
  }
  return [...newest.values()];
}

function followed(
  person: RoutedPerson,
  chosen: readonly SettledMembership[],
  { matcher }: ActivationContext,
): Followed {
  const { route, profileExport, audience } = person;
  const ledgerName = matcher.destination(route.destination)?.ledgerName ?? route.destination;
  const linkKeys = route.follow.flatMap((namespace) =>
    (profileExport.identities.get(namespace) ?? [])
      .filter((value) => value.length <= identityCharactersMax)
      .map((value) => linkKey(rowKey(ledgerName, route, audience, { namespace, value }), { namespace, value })),
  );
  return { person, ledgerName, chosen, linkKeys };
}

/** Whether the cache knows that the person, of whom the route accepts no identity, is linked to none as of this qualification. */
function isKnownWithout({ linkKeys, person }: Followed, { ledgerCache, clock }: ActivationContext): boolean {
  const { qualifiedAtMs, status } = person.state;
  return linkKeys.every((key) => {
    const row = ledgerCache.get(ledgerKeyText(key), clock.now());
    if (row === undefined) return false;
    const { identities, leaving } = linkOf(row.record);
    if (identities.length > 0 || leaving.length > 0) return false;
    const { known } = row.record;
    return known.qualifiedAtMs === qualifiedAtMs && known.status === status;
  });
}

/** The other identities of the export that the route would accept. */
export function others({ person }: Followed): readonly Identity[] {
  const { route, profileExport, identities, form } = person;
  const choice = { namespaces: route.identityNamespaces, identities: route.identities };
  return otherIdentities(profileExport.identities, choice, form, identities);
}
