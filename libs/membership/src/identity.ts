/** An identity in the form in which a destination gets it. `namespace` is lower case. */
export interface Identity {
  readonly namespace: string;
  readonly value: string;
}

/** Which identity a route asks for. */
export interface IdentityChoice {
  /** Lower-case namespaces in order of precedence: the first that the profile has decides. */
  readonly namespaces: readonly string[];
  /** Of several values in that namespace: one of them, or all. */
  readonly identities: 'first' | 'all';
}

/** Gives an identity's value in the form in which a destination gets it; undefined when it cannot be brought into it. */
export type FormIdentity = (identity: Identity) => string | undefined;

/**
 * The identities of a profile that a route accepts, in the form in which its destination gets them. The first namespace
 * in which the profile has a value that can be brought into that form decides; none when there is no such value.
 *
 * AEP promises no order of values, so `first` is the smallest by code unit: every worker and every repetition of the
 * export chooses the same one. `all` gives them in that order, and those that become the same once.
 */
export function resolveIdentities(
  identities: ReadonlyMap<string, readonly string[]>,
  choice: IdentityChoice,
  form: FormIdentity,
): readonly Identity[] {
  for (const namespace of choice.namespaces) {
    const values = identities.get(namespace);
    if (values === undefined || values.length === 0) continue;
    const resolved: Identity[] = [];
    for (const value of values.length === 1 ? values : values.toSorted(byCodeUnit)) {
      const formed = form({ namespace, value });
      if (formed === undefined || resolved.some((other) => other.value === formed)) continue;
      resolved.push({ namespace, value: formed });
      if (choice.identities === 'first') break;
    }
    if (resolved.length > 0) return resolved;
  }
  return [];
}

function byCodeUnit(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
