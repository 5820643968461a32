import type { JsonValue } from '@activation-hub/destination-kit';
import type { Identity } from './identity.ts';
import type { LedgerKey, LedgerRecord } from './ledger.ts';
import { contentDigest, type UndigestedState } from './state.ts';

/**
 * Where a link is kept: by an identity that stays the person's while others come and go, for one
 * destination and audience. A link says under which identities the destination was last told of the
 * person (docs/specs/ledger.md, section 6).
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

/** What a link says of the person. */
export interface Link {
  /** Under which identities the destination was last told of the person. */
  readonly identities: readonly Identity[];
  /**
   * Earlier ones that the destination may still have: their exit was not certain when the link was
   * written.
   */
  readonly leaving: readonly Identity[];
}

/**
 * So many characters of identities are kept of each kind in one link; the row holds twice as many.
 * Only a hostile export has more.
 */
const charactersMax = 90_000;

/**
 * The row of a link, as of the state of the export from which it comes; rows that carry its digest
 * may be newer. Identities over the bound of a link are left out.
 */
export function linkRecord(state: UndigestedState, { identities, leaving }: Link, linkDigest: string): LedgerRecord {
  const pairs = (of: readonly Identity[]): JsonValue => {
    let characters = 0;
    return of
      .map(({ namespace, value }) => [namespace, value])
      .filter((pair) => (characters += JSON.stringify(pair).length + 1) <= charactersMax);
  };
  const attributes = {
    identities: pairs(identities),
    ...(leaving.length === 0 ? {} : { leaving: pairs(leaving) }),
  };
  return {
    known: { ...state, content: contentDigest(attributes) },
    rowState: { is: 'noted' },
    attributes,
    inDoubt: false,
    linkDigest,
  };
}

/** What the row of a link says. Throws when the row is not a link. */
export function linkOf({ attributes }: LedgerRecord): Link {
  return { identities: identitiesIn(attributes.identities), leaving: identitiesIn(attributes.leaving ?? []) };
}

function identitiesIn(pairs: JsonValue | undefined): readonly Identity[] {
  if (!isList(pairs)) throw new Error('Failed to read a link: its row holds no identities. Delete the row.');
  return pairs.map((pair) => {
    const [namespace, value] = isList(pair) ? pair : [];
    if (typeof namespace !== 'string' || typeof value !== 'string')
      throw new Error('Failed to read a link: its row holds something else than identities. Delete the row.');
    return { namespace, value };
  });
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
