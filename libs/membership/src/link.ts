import type { JsonValue } from '@activation-hub/destination-kit';
import type { Identity } from './identity.ts';
import type { LedgerKey, LedgerRecord } from './ledger.ts';
import { contentDigest, type UndigestedState } from './state.ts';

/**
 * Where a link is kept: by an identity that stays the person's while others come and go, for one destination and audience.
 * A link says under which identities the destination was last told of the person (docs/specs/ledger.md, section 6).
 */
export function linkKey(
  { destination, audience }: Pick<LedgerKey, 'destination' | 'audience'>,
  identity: Identity,
): LedgerKey {
  return { destination: linkDestination(destination), identity, audience };
}

/** Where the links of a destination are kept, apart from its rows. */
export function linkDestination(destination: string): string {
  return `${destination}~link`;
}

/** So many characters of identities are kept in one link; the row holds twice as many. Nobody but a hostile export has more. */
const charactersMax = 96_000;

/** The row of a link, as of the state of the export from which it comes. Identities over the bound of a link are left out. */
export function linkRecord(state: UndigestedState, identities: readonly Identity[]): LedgerRecord {
  let characters = 0;
  const kept = identities.filter(({ namespace, value }) => {
    characters += JSON.stringify([namespace, value]).length + 1;
    return characters <= charactersMax;
  });
  const attributes = { identities: kept.map(({ namespace, value }) => [namespace, value]) };
  return {
    known: { ...state, content: contentDigest(attributes) },
    rowState: { is: 'noted' },
    attributes,
    inDoubt: false,
  };
}

/** Under which identities the destination was told. Throws when the row is not a link. */
export function linkedIdentities({ attributes }: LedgerRecord): readonly Identity[] {
  const { identities } = attributes;
  if (!isList(identities)) throw new Error('Failed to read a link: its row holds no identities. Delete the row.');
  return identities.map((pair) => {
    const [namespace, value] = isList(pair) ? pair : [];
    if (typeof namespace !== 'string' || typeof value !== 'string')
      throw new Error('Failed to read a link: its row holds something else than identities. Delete the row.');
    return { namespace, value };
  });
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
