import { hash } from 'node:crypto';

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
 * Gives an identity's value in the form in which a destination gets it; undefined when it cannot be
 * brought into it.
 */
export type FormIdentity = (identity: Identity) => string | undefined;

/**
 * The identities of a profile that a route accepts, in the form in which its destination gets them.
 * The first namespace in which the profile has a value that can be brought into that form decides;
 * none when there is no such value.
 *
 * AEP promises no order of values, so `first` is the smallest by code unit, as strings sort: every
 * worker and every repetition of the export chooses the same one. `all` gives them in that order,
 * and those that become the same once.
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
    for (const value of values.length === 1 ? values : values.toSorted()) {
      const formed = form({ namespace, value });
      if (formed === undefined || resolved.some((other) => other.value === formed)) continue;
      resolved.push({ namespace, value: formed });
      if (choice.identities === 'first') break;
    }
    if (resolved.length > 0) return resolved;
  }
  return [];
}

/**
 * The other identities of a profile that the route would accept too, in the form in which its
 * destination gets them: the destination may know the person under one of them from an earlier
 * export.
 */
export function otherIdentities(
  identities: ReadonlyMap<string, readonly string[]>,
  choice: IdentityChoice,
  form: FormIdentity,
  chosen: readonly Identity[],
): readonly Identity[] {
  const others: Identity[] = [];
  const seen = new Identities(chosen);
  for (const namespace of choice.namespaces) {
    for (const value of identities.get(namespace) ?? []) {
      const formed = form({ namespace, value });
      if (formed === undefined) continue;
      const identity = { namespace, value: formed };
      if (seen.add(identity)) others.push(identity);
    }
  }
  return others;
}

/** Up to this many identities a look through the list is quicker than a set. */
const shortListMax = 8;

/** Distinct identities. */
class Identities {
  readonly #list: Identity[];
  #texts: Set<string> | undefined;

  constructor(identities: readonly Identity[]) {
    this.#list = [...identities];
  }

  /** Adds an identity; false when it was there. */
  add(identity: Identity): boolean {
    if (this.#list.length < shortListMax) {
      if (this.#list.some(({ namespace, value }) => namespace === identity.namespace && value === identity.value))
        return false;
      this.#list.push(identity);
      return true;
    }
    this.#texts ??= new Set(this.#list.map(identityText));
    const text = identityText(identity);
    if (this.#texts.has(text)) return false;
    this.#texts.add(text);
    return true;
  }
}

/**
 * Digest of everything in a profile that links a person's rows: the values of the route's
 * namespaces, and those that it follows. Empty when the profile has a single value in the route's
 * namespaces and the route follows nothing, as most have. The same whatever the order of the
 * values; a row that carries it was looked at with the same identities, by a route that asked for
 * the same ones of them.
 */
export function linkDigest(
  identities: ReadonlyMap<string, readonly string[]>,
  { namespaces, identities: asked }: IdentityChoice,
  follow: readonly string[],
): string {
  let count = 0;
  for (const namespace of namespaces) count += identities.get(namespace)?.length ?? 0;
  if (count < 2 && follow.length === 0) return '';
  const text = (count < 2 ? '' : severalMarks[asked]) + linkText(identities, namespaces) + linkText(identities, follow);
  return hash('sha256', text, 'base64url').slice(0, 16);
}

function linkText(identities: ReadonlyMap<string, readonly string[]>, namespaces: readonly string[]): string {
  let text = '';
  for (const namespace of namespaces) {
    const values = identities.get(namespace);
    if (values === undefined) continue;
    // Counted, so that no value can look like the end of another.
    for (const value of values.length === 1 ? values : values.toSorted())
      text += `${namespace} ${value.length} ${value}\n`;
  }
  return text;
}

/**
 * In front of several identities. Rows of release 0.1.0 have digests although those of former
 * identities do not remember them (docs/specs/ledger.md, section 6): with another digest a process
 * looks once more. And so it does when a route that asked for all values asks for the first: the
 * rows of the others have the digest too.
 */
const severalMarks = { first: '2\n', all: '2 all\n' } as const;

/** One string per identity, distinct for distinct ones; for the keys of maps. */
export function identityText({ namespace, value }: Identity): string {
  return `${namespace}\n${value}`;
}
