import {
  compareStates,
  isFormerOf,
  keep,
  ledgerKeyText,
  note,
  saysTheSame,
  type Identity,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
} from '@activation-hub/membership';
import { DesiredStates } from './desired-states.ts';
import {
  apart,
  formersOf,
  isHidden,
  isOut,
  lookAt,
  rememberedOf,
  type Looked,
  type SharedFormer,
} from './former-identities.ts';
import type { Followed, Outcome } from './people-to-follow.ts';
import type { DesiredMembership } from './resolve-memberships.ts';
import { linksOf } from './remember-links.ts';
import type { Telling } from './telling.ts';
import { writePlans } from './write-plans.ts';

/**
 * How often a person whose rows other processes keep writing is announced again: who keeps writing
 * them reads them.
 */
const roundsMax = 5;

/**
 * Announces the looks of people who are not looked at yet, because a row of theirs is open
 * (docs/specs/ledger.md, section 6). Until the retry looks, later exports may bring a person back,
 * under one of these identities or under another one, and change nothing in any row: they would not
 * be written, and the retry would look as of the older export. So the rows under the other
 * identities of the export say that they are in question: an export that changes nothing there is
 * written then. Nothing is told.
 */
export async function announceLooks(
  postponed: readonly Followed[],
  { newest }: Pick<Outcome, 'newest'>,
  telling: Telling,
): Promise<void> {
  const { context, settleBy, tally } = telling;
  let open = postponed;
  const rounds = open.length + roundsMax;
  for (let round = 0; open.length > 0 && round < rounds; round += 1) {
    const { now, later } = apart(open);
    const { looked } = await lookAt(now, newest, context, { tally, signal: settleBy, mayExpect: false });
    const rows = new Map<string, RowWrite>();
    for (const each of looked) {
      for (const { key, row } of each.rows) {
        const keyText = ledgerKeyText(key);
        const write = row === undefined ? undefined : movedByBatch(newest.get(keyText), row);
        if (write !== undefined) rows.set(keyText, { keyText, of: [each], write });
      }
    }
    for (const shared of formersOf(looked)) {
      const write = announced(shared, context.clock.now());
      const keyText = ledgerKeyText(shared.key);
      if (write !== undefined) rows.set(keyText, { keyText, of: shared.of.map(({ each }) => each), write });
    }
    const lost = new Set<Looked>(
      (await writePlans([...rows.values()], context, tally, settleBy)).lost.flatMap(({ of }) => of),
    );
    const links = looked
      .filter((each) => !each.isOutdated && !lost.has(each))
      .flatMap((each) => linksOf(each, leavingOf(each)));
    for (const { each } of (await writePlans(links, context, tally, settleBy)).lost) lost.add(each);
    open = [...lost, ...later];
  }
}

/** The write of a row that people are in question under. */
interface RowWrite {
  readonly keyText: string;
  readonly of: readonly Looked[];
  readonly write: LedgerWrite;
}

/**
 * The row as of the newest export of the batch, which changes nothing in it; undefined when there
 * is none, or it changes something.
 */
function movedByBatch(again: DesiredMembership | undefined, { record, version }: LedgerRow): LedgerWrite | undefined {
  if (again === undefined || record.rowState.is === 'leased') return undefined;
  const { key, attributes, person } = again;
  const state = new DesiredStates().of(again, record);
  if (compareStates(state, record.known) <= 0 || !saysTheSame(state, record.known)) return undefined;
  return { key, record: keep(record, { state, attributes, linkDigest: person.linkDigest }), expected: version };
}

/**
 * What the row under another identity is before it is looked at; undefined when it stays as it is.
 */
function announced(shared: SharedFormer, atMs: number): LedgerWrite | undefined {
  const { key, row, of, newest } = shared;
  const { asOf, person, isOutdated } = newest;
  if (isOutdated) return undefined;
  const hidden = of.filter(({ each, former }) => isHidden(former, each));
  const formerOf = rememberedOf(shared);
  const desired = { state: { ...asOf, isMember: false, content: '' }, attributes: {}, formerOf };
  if (row === undefined)
    return {
      key,
      record: note(undefined, desired, 'noted', { atMs, because: 'former-identity' }),
      expected: undefined,
    };
  const { record, version } = row;
  const order = compareStates(record.known, asOf);
  // A member as of this very state came with an earlier export of the same event.
  if (record.known.isMember)
    return order > 0 ? undefined : { key, record: withDigestOf(record, person.linkDigest), expected: version };
  if (order >= 0 && hidden.every(({ each }) => isFormerOf(record, each.person.identities))) return undefined;
  // The process that has the lease of a row settles it all the same when it remembers more people.
  const state = record.rowState.is === 'leased' ? record.known : desired.state;
  return { key, record: keep(record, { ...desired, state }), expected: version };
}

/** The row of a member with the digest of another export than that from which its state comes. */
function withDigestOf(record: LedgerRecord, knownDigest: string): LedgerRecord {
  const inQuestion: { -readonly [Name in keyof LedgerRecord]: LedgerRecord[Name] } = { ...record, knownDigest };
  delete inQuestion.linkDigest;
  return inQuestion;
}

/** The former identities of which it is not certain that the destination has them no more. */
function leavingOf({ formers }: Looked): readonly Identity[] {
  return formers.filter(({ row }) => row !== undefined && !isOut(row.record)).map(({ identity }) => identity);
}
