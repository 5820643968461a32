import { identityText, type Identity } from './identity.ts';
import {
  formerOfCharactersMax,
  type FormerOf,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
} from './ledger.ts';
import type { MembershipState } from './state.ts';

/**
 * The identities of both, each once, with the digest that came last; of the added ones those for
 * which the row has room, in their order (docs/specs/ledger.md, section 6). Undefined when there
 * are none.
 */
export function remember(
  kept: readonly FormerOf[] | undefined,
  added: readonly FormerOf[] | undefined,
): readonly FormerOf[] | undefined {
  if (added === undefined || added.length === 0) return kept;
  // As of most people, who have one identity and are new under the other.
  if (kept === undefined && added.length === 1) return areRememberable(added) ? added : undefined;
  const all = new Map((kept ?? []).map((each) => [identityText(each), each]));
  let characters = formerOfText(kept ?? []).length;
  for (const each of added) {
    const text = identityText(each);
    const before = all.get(text);
    const more =
      before === undefined ? charactersOf(each) + Math.min(all.size, 1) : charactersOf(each) - charactersOf(before);
    if (characters + more > formerOfCharactersMax) continue;
    all.set(text, each);
    characters += more;
  }
  return all.size === 0 ? undefined : [...all.values()];
}

/** The characters of an identity in the JSON of several, without the comma before it. */
function charactersOf(identity: FormerOf): number {
  return formerOfText([identity]).length - '[]'.length;
}

/** Whether the row remembers the identities, or has room for them. */
export function hasRoomFor({ formerOf }: LedgerRecord, identities: readonly FormerOf[]): boolean {
  const texts = new Set(remember(formerOf, identities)?.map(identityText));
  return identities.every((identity) => texts.has(identityText(identity)));
}

/**
 * Whether a row has room for the identities. Their JSON is written only where it could be too long,
 * by their lengths: a character takes six at most, `\u001f`, and an identity eleven for its frame
 * and its comma.
 */
export function areRememberable(identities: readonly FormerOf[]): boolean {
  let charactersMax = 2;
  for (const { namespace, value, linkDigest } of identities)
    charactersMax += 6 * (namespace.length + value.length + linkDigest.length) + 11;
  return charactersMax <= formerOfCharactersMax || formerOfText(identities).length <= formerOfCharactersMax;
}

/** The JSON in which a row keeps the identities: namespace, value and digest of each. */
export function formerOfText(identities: readonly FormerOf[]): string {
  return JSON.stringify(identities.map(({ namespace, value, linkDigest }) => [namespace, value, linkDigest]));
}

/**
 * Whether the row lets no person be a member under its identity before these identities have lost
 * their digests: it knows no member, and remembers them.
 */
export function isFormerOf(record: LedgerRecord | undefined, identities: readonly Identity[]): boolean {
  if (record === undefined || record.known.isMember) return false;
  const texts = new Set(record.formerOf?.map(identityText));
  return identities.every((identity) => texts.has(identityText(identity)));
}

/** The row without these identities in what it remembers; undefined when it remembers none. */
export function forgetFormerOf(record: LedgerRecord, identities: ReadonlySet<string>): LedgerRecord | undefined {
  const { formerOf, ...others } = record;
  const left = formerOf?.filter((identity) => !identities.has(identityText(identity)));
  if (left === undefined || left.length === formerOf?.length) return undefined;
  return left.length === 0 ? others : { ...others, formerOf: left };
}

/**
 * What a row remembers, each with the key of its row: of the same destination and audience. Empty
 * when it remembers nothing.
 */
export function rememberedRows(
  key: LedgerKey,
  { formerOf }: LedgerRecord,
): readonly { readonly of: FormerOf; readonly key: LedgerKey }[] {
  return (formerOf ?? []).map((of) => {
    const { namespace, value } = of;
    return { of, key: { ...key, identity: { namespace, value } } };
  });
}

/**
 * Whether the newest state of a remembered row comes from an export with the identities of the
 * digest: as of that export the other row is a former one.
 */
export function isAsOf(remembered: LedgerRecord, { linkDigest }: FormerOf): boolean {
  return (remembered.linkDigest ?? remembered.knownDigest) === linkDigest;
}

/**
 * The write that takes the digest from a row, so that the next export of the person looks for their
 * other rows. It is a write also where there is no digest, and where there is no row: a process
 * that is about to write one there finds out that it must look again. It leaves a lease as it is.
 */
export function unlinked(key: LedgerKey, row: LedgerRow | undefined): LedgerWrite {
  if (row === undefined) {
    const record = { known: neverState, rowState: { is: 'noted' }, attributes: {}, inDoubt: false } as const;
    return { key, record, expected: undefined };
  }
  const { linkDigest, knownDigest = '', ...others } = row.record;
  const digest = others.rowState.is === 'deferred' ? '' : (linkDigest ?? knownDigest);
  return { key, record: digest === '' ? others : { ...others, knownDigest: digest }, expected: row.version };
}

/**
 * Older than whatever an export says, also of a time before 1970: as of the first time that a
 * `Date` can have.
 */
const neverState: MembershipState = Object.freeze({
  status: 'exited',
  isMember: false,
  qualifiedAtMs: -8_640_000_000_000_000,
  enqueuedAtMs: 0,
  sequenceNumber: 0,
  content: '',
});
