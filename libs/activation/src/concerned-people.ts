import { ledgerKeyText, type Identity } from '@activation-hub/membership';
import { othersOf } from './people-to-follow.ts';
import type { Resolved, RoutedPerson } from './resolve-memberships.ts';

/**
 * The people of whom the same batch brings a row under another identity of theirs. The destination
 * may be told of them under it with this very batch, so that a digest in their rows, which says
 * that somebody has looked, says nothing (docs/specs/ledger.md, section 6).
 *
 * Most batches have none: only values of a namespace in which the batch chose some are compared at
 * all.
 */
export function concernedPeople({
  desired,
  newest,
  superseded,
}: Pick<Resolved, 'desired' | 'newest' | 'superseded'>): ReadonlySet<RoutedPerson> {
  const concerned = new Set<RoutedPerson>();
  if (newest.size < 2) return concerned;
  const chosen = new Map<string, Set<string>>();
  for (const { key } of desired) {
    const { namespace, value } = key.identity;
    const values = chosen.get(namespace);
    if (values === undefined) chosen.set(namespace, new Set([value]));
    else values.add(value);
  }
  let last: { readonly identities: readonly Identity[]; readonly others: readonly Identity[] } | undefined;
  for (const memberships of superseded.length === 0 ? [desired] : [desired, superseded]) {
    for (const { person, key } of memberships) {
      if (person.linkDigest === '') continue;
      // The audiences of an export come one after the other, and those that are routed alike share
      // the identities.
      if (last?.identities !== person.identities)
        last = { identities: person.identities, others: chosenOthersOf(person, chosen) };
      const { destination, audience } = key;
      if (last.others.some((identity) => newest.has(ledgerKeyText({ destination, identity, audience }))))
        concerned.add(person);
    }
  }
  return concerned;
}

/** Values that the batch chose, by their namespace. */
type Chosen = ReadonlyMap<string, ReadonlySet<string>>;

/** The other identities of an export that the batch chose, for whatever destination. */
function chosenOthersOf(person: RoutedPerson, chosen: Chosen): readonly Identity[] {
  if (!mayHaveOthersIn(person, chosen)) return [];
  return othersOf(person).filter(({ namespace, value }) => chosen.get(namespace)?.has(value) === true);
}

/**
 * Whether the export has more identities than the person is known under in the namespaces in which
 * the batch chose some.
 */
function mayHaveOthersIn({ route, profileExport, identities }: RoutedPerson, chosen: Chosen): boolean {
  const ofPerson = identities[0]?.namespace;
  return route.identityNamespaces.some((namespace) => {
    const values = profileExport.identities.get(namespace)?.length ?? 0;
    return values > (namespace === ofPerson ? identities.length : 0) && chosen.has(namespace);
  });
}
