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

/**
 * The identities of a profile that a route accepts; none when the profile has no value in any of the namespaces.
 *
 * AEP promises no order of values, so `first` is the smallest by code unit: every worker and every repetition of the
 * export chooses the same one. `all` gives them in that order.
 */
export function resolveIdentities(
  identities: ReadonlyMap<string, readonly string[]>,
  choice: IdentityChoice,
): readonly Identity[] {
  for (const namespace of choice.namespaces) {
    const values = identities.get(namespace);
    if (values === undefined || values.length === 0) continue;
    if (choice.identities === 'all') return values.toSorted(byCodeUnit).map((value) => ({ namespace, value }));
    return [{ namespace, value: smallest(values) }];
  }
  return [];
}

function smallest(values: readonly string[]): string {
  let chosen = values[0] ?? '';
  for (const value of values) if (value < chosen) chosen = value;
  return chosen;
}

function byCodeUnit(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
