import { hash } from 'node:crypto';
import {
  identityText,
  isUnreadableRow,
  linkDestination,
  linkOf,
  shadowDestination,
  UnreadableRowCount,
  type Identity,
  type Ledger,
  type LedgerEntry,
  type UnreadableRows,
} from '@activation-hub/membership';

/** A destination at which a person is looked for. */
export interface ErasurePlace {
  /** The name under which the ledger keeps it. */
  readonly ledgerName: string;
  /**
   * Every form of an identity that its rows may hold: as the destination gets it now, and as it got
   * it under other settings.
   */
  readonly forms: (identity: Identity) => readonly string[];
}

/** In which forms one destination may know a person. */
export interface FoundForms {
  readonly ledgerName: string;
  /** Of the identities that were given. */
  readonly formsGiven: readonly Identity[];
  /** These, and what the links of the destination say besides. */
  readonly forms: readonly Identity[];
  /** Links that cannot be read: they may name more. */
  readonly unreadable: UnreadableRows;
}

/**
 * In which forms each destination may know the person: as AEP exports the identities, as the
 * destination stores them, and what the links of these say besides. Also what `ledger show` and
 * `explain` look for.
 */
export async function findForms(
  identities: readonly Identity[],
  places: readonly ErasurePlace[],
  ledger: Pick<Ledger, 'rows'>,
  signal: AbortSignal,
): Promise<readonly FoundForms[]> {
  return await Promise.all(
    places.map(async (place) => {
      const formsGiven = distinctIdentities(identities.flatMap((identity) => formsOf(identity, place)));
      const known = new Map(formsGiven.map((each) => [identityText(each), each]));
      const unreadable = new UnreadableRowCount();
      // A link can name what another one is kept by, so the walk is repeated until it adds nothing.
      for (let before = -1; before < known.size;) {
        before = known.size;
        for (const name of [place.ledgerName, shadowDestination(place.ledgerName)]) {
          for await (const entry of ledger.rows({ destination: linkDestination(name) }, signal)) {
            if (isUnreadableRow(entry)) {
              unreadable.add(entry);
              continue;
            }
            const all = identitiesOfLink(entry);
            if (!all.some((each) => known.has(identityText(each)))) continue;
            for (const each of all) known.set(identityText(each), each);
          }
        }
      }
      return { ledgerName: place.ledgerName, formsGiven, forms: [...known.values()], unreadable: unreadable.now };
    }),
  );
}

/**
 * The identities of one person; of a row that is no link, only the one by which it is kept: it
 * stops no erasure.
 */
function identitiesOfLink({ key, record }: LedgerEntry): readonly Identity[] {
  try {
    const { identities, leaving } = linkOf(record);
    return [key.identity, ...identities, ...leaving];
  } catch {
    // It says what is wrong with the row, and nothing that it holds.
    return [key.identity];
  }
}

/** AEP's own hash of an address: trimmed, in lower case, SHA-256 (namespace `Email_LC_SHA256`). */
function hashOf(address: string): Identity {
  return { namespace: 'email_lc_sha256', value: hash('sha256', address.trim().toLowerCase(), 'hex') };
}

/**
 * An identity as it was given, in lower case where case says nothing, and as the destination may
 * store it.
 */
function formsOf(identity: Identity, { forms }: ErasurePlace): readonly Identity[] {
  const { namespace, value } = identity;
  const lowerCase = { namespace, value: value.toLowerCase() };
  const spellings =
    namespace === 'email'
      ? [identity, lowerCase, hashOf(value)]
      : namespace.startsWith('email')
        ? [identity, lowerCase]
        : [identity];
  return spellings.flatMap((each) => [
    each,
    ...forms(each).map((formed) => ({ namespace: each.namespace, value: formed })),
  ]);
}

/** Each identity once. */
export function distinctIdentities(identities: readonly Identity[]): readonly Identity[] {
  return [...new Map(identities.map((each) => [identityText(each), each])).values()];
}
