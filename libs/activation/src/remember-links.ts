import {
  compareStates,
  isLive,
  linkRecord,
  unlinked,
  type Identity,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
} from '@activation-hub/membership';
import type { Looked } from './former-identities.ts';
import type { Followed } from './people-to-follow.ts';
import type { RoutedPerson } from './resolve-memberships.ts';
import type { Telling } from './telling.ts';
import { writePlans } from './write-plans.ts';

/**
 * A person with the former identities of whom it is not certain that the destination has them no
 * more.
 */
export interface TakenOut extends Looked {
  readonly leaving: readonly Identity[];
  /**
   * Later exports must look again: the route is paused, or a row of a former identity cannot say
   * whose it was.
   */
  readonly isToBeLookedAt: boolean;
}

/**
 * Remembers under which identities the person is known now: in the links, and as a digest in the
 * rows, by which the next export knows that there is nothing to look for. Gives the people of whom
 * another process wrote a row or a link in between.
 *
 * Digests of other identities go before the links move. A newer export that finds such a digest in
 * its row relies on the link as it was: either it writes the row first, and the person is looked at
 * again here, or it finds no digest, and looks itself.
 */
export async function rememberLinks(done: readonly TakenOut[], telling: Telling): Promise<readonly Followed[]> {
  const current = done.filter(({ isOutdated }) => !isOutdated);
  const rows = current.flatMap((each) =>
    each.chosen.flatMap(({ desired: { key, state }, row }): PersonRow[] =>
      // A row that knows something newer is another export's to write.
      row === undefined || compareStates(row.record.known, state) > 0 ? [] : [{ each, key, row }],
    ),
  );
  const { context, tally, settleBy } = telling;
  const nowMs = context.clock.now();
  const stale = rows.flatMap((each) => {
    const write = isRight(each) ? undefined : withoutDigest(each.key, each.row);
    return write === undefined ? [] : [{ ...each, write }];
  });
  // A write would take the lease of a process that tells the same state again, which would then be
  // told twice.
  const { leased = [], free = [] } = Object.groupBy(stale, (each) => (isLeased(each, nowMs) ? 'leased' : 'free'));
  const freed = await writePlans(free, context, tally, settleBy);
  const lost = new Set([...leased, ...freed.lost].map(({ each }) => each));
  const links = current.filter((each) => !lost.has(each)).flatMap((each) => linksOf(each, each.leaving));
  const moved = await writePlans(links, context, tally, settleBy);
  for (const { each } of moved.lost) lost.add(each);
  const { ledgerCache } = context;
  for (const [of, isFound] of [
    [moved.written.map(({ planned }) => planned), false],
    [moved.lost, true],
  ] as const)
    for (const { each, write } of of) if (each.isUnread) ledgerCache.countLookedFor(write.key.destination, isFound);
  const afterOf = new Map(freed.written.map(({ planned: { row }, after }) => [row, after]));
  const linked = rows
    .filter((each) => !each.each.isToBeLookedAt && !lost.has(each.each) && !isRight(each) && !isLeased(each, nowMs))
    .map(({ each, key, row }) => ({ write: withDigest(key, afterOf.get(row) ?? row, each.person) }));
  await writePlans(linked, context, tally, settleBy);
  return [...lost];
}

/** A row of an identity that the person has. */
interface PersonRow {
  readonly each: TakenOut;
  readonly key: LedgerKey;
  readonly row: LedgerRow;
}

/** Whether the row carries the digest that it should, where it should carry one. */
function isRight({ each, row }: PersonRow): boolean {
  return !each.isToBeLookedAt && row.record.linkDigest === each.person.linkDigest;
}

function isLeased({ row }: PersonRow, nowMs: number): boolean {
  return isLive(row.record.rowState, nowMs);
}

/**
 * The links of a person as of the export that is looked at, with the former identities under which
 * the destination may still know the person.
 */
export function linksOf<Each extends Looked>(
  each: Each,
  leaving: readonly Identity[],
): readonly { readonly each: Each; readonly write: LedgerWrite }[] {
  const { person, links, linkKeys } = each;
  const record = linkRecord(person.state, { identities: person.identities, leaving }, person.linkDigest);
  return linkKeys.map((key, index) => ({ each, write: { key, record, expected: links[index]?.version } }));
}

/** The row without its digest, so that the person is followed again; undefined when it has none. */
export function withoutDigest(key: LedgerKey, { record, version }: LedgerRow): LedgerWrite | undefined {
  return record.linkDigest === undefined ? undefined : unlinked(key, { record, version });
}

function withDigest(key: LedgerKey, { record, version }: LedgerRow, { linkDigest }: RoutedPerson): LedgerWrite {
  const { known, rowState, attributes, delivered, deliveredAtMs, deliveredAttributes, inDoubt, formerOf, history } =
    record;
  const linked: LedgerRecord = {
    known,
    rowState,
    attributes,
    ...(delivered === undefined ? {} : { delivered }),
    ...(deliveredAtMs === undefined ? {} : { deliveredAtMs }),
    ...(deliveredAttributes === undefined ? {} : { deliveredAttributes }),
    inDoubt,
    ...(linkDigest === '' ? {} : { linkDigest }),
    ...(formerOf === undefined ? {} : { formerOf }),
    ...(history === undefined ? {} : { history }),
  };
  return { key, record: linked, expected: version };
}
