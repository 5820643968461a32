import { ledgerKeyText, type Identity, type LedgerKey } from '@activation-hub/membership';
import { othersOf } from './people-to-follow.ts';
import type { DesiredMembership, Resolved, RoutedPerson } from './resolve-memberships.ts';

/**
 * The people of whom the same batch brings a row under another identity of theirs. The destination
 * may be told of them under it with this very batch, so that the digest in their rows, which says
 * that a process has followed them, does not count (docs/specs/ledger.md, section 6).
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
  const chosen = new Chosen(desired);
  let identities: readonly Identity[] | undefined;
  let others = none;
  for (const memberships of [desired, superseded]) {
    for (const { person, key } of memberships) {
      if (person.linkDigest === '') continue;
      // The audiences of an export come one after the other, and those that are routed alike share
      // the identities.
      if (identities !== person.identities) {
        identities = person.identities;
        others = chosenOthersOf(person, chosen);
      }
      if (isInBatch(others, key, newest)) concerned.add(person);
    }
  }
  return concerned;
}

/** Whether the batch brings the row of one of these identities in the audience of the key. */
function isInBatch(
  identities: readonly Identity[],
  { destination, audience }: LedgerKey,
  newest: Resolved['newest'],
): boolean {
  return identities.some((identity) => newest.has(ledgerKeyText({ destination, identity, audience })));
}

/** The identities that the batch chose. */
class Chosen {
  readonly namespaces: readonly string[];
  readonly #desired: readonly DesiredMembership[];
  /** By namespace; looked for only when a person may have another one in it. */
  #values: ReadonlyMap<string, ReadonlySet<string>> | undefined;

  constructor(desired: readonly DesiredMembership[]) {
    this.#desired = desired;
    const namespaces = new Set<string>();
    for (const { key } of desired) namespaces.add(key.identity.namespace);
    this.namespaces = [...namespaces];
  }

  has({ namespace, value }: Identity): boolean {
    return (this.#values ??= this.#valuesByNamespace()).get(namespace)?.has(value) === true;
  }

  #valuesByNamespace(): ReadonlyMap<string, ReadonlySet<string>> {
    const values = new Map(this.namespaces.map((namespace) => [namespace, new Set<string>()]));
    for (const { key } of this.#desired) values.get(key.identity.namespace)?.add(key.identity.value);
    return values;
  }
}

/** The other identities of an export that the batch chose, for whatever destination. */
function chosenOthersOf(person: RoutedPerson, chosen: Chosen): readonly Identity[] {
  if (!mayHaveOthersIn(person, chosen)) return none;
  return othersOf(person).filter((identity) => chosen.has(identity));
}

const none: readonly Identity[] = [];

/**
 * Whether the export has more identities than the person is known under in the namespaces in which
 * the batch chose some.
 */
function mayHaveOthersIn({ route, profileExport, identities }: RoutedPerson, { namespaces }: Chosen): boolean {
  const ofPerson = identities[0]?.namespace;
  return namespaces.some((namespace) => {
    const values = profileExport.identities.get(namespace)?.length ?? 0;
    return values > (namespace === ofPerson ? identities.length : 0) && route.identityNamespaces.includes(namespace);
  });
}
