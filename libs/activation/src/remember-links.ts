import {
  linkRecord,
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

/** A person with the former identities of whom it is not certain that the destination has them no more. */
export interface TakenOut extends Looked {
  readonly leaving: readonly Identity[];
  /** The route is paused, so later exports must look again. */
  readonly isPaused: boolean;
}

/**
 * Remembers under which identities the person is known now: in the links, and as a digest in the rows, by which the next
 * export knows that there is nothing to look for. Gives the people of whom another process wrote a link in between.
 */
export async function rememberLinks(
  done: readonly TakenOut[],
  { context, settleBy, tally }: Telling,
): Promise<readonly Followed[]> {
  const current = done.filter(({ isOutdated }) => !isOutdated);
  const links = current.flatMap((each) =>
    each.linkKeys.map((key, index) => ({
      each,
      write: {
        key,
        record: linkRecord(
          each.person.state,
          { identities: each.person.identities, leaving: each.leaving },
          each.person.linkDigest,
        ),
        expected: each.links[index]?.version,
      },
    })),
  );
  const written = await writePlans(links, context, tally, settleBy);
  const lost = new Set(written.lost.map(({ each }) => each));
  const rows = current
    .filter((each) => !lost.has(each))
    .flatMap(({ person, chosen, isPaused }) =>
      chosen.flatMap(({ desired, row, isSuperseded }) => {
        if (row === undefined || isSuperseded) return [];
        const write = isPaused ? withoutDigest(desired.key, row) : withDigest(desired.key, row, person);
        return write === undefined ? [] : [{ write }];
      }),
    );
  await writePlans(rows, context, tally, settleBy);
  return [...lost];
}

/** The row as one of which nobody has looked for the person's others; undefined when it is. */
export function withoutDigest(key: LedgerKey, { record, version }: LedgerRow): LedgerWrite | undefined {
  const { linkDigest, ...unlinked } = record;
  if (linkDigest === undefined) return undefined;
  return { key, record: { ...unlinked, knownDigest: linkDigest }, expected: version };
}

function withDigest(key: LedgerKey, { record, version }: LedgerRow, { linkDigest }: RoutedPerson): LedgerWrite {
  const { known, rowState, attributes, delivered, deliveredAtMs, deliveredAttributes, inDoubt, history } = record;
  const linked: LedgerRecord = {
    known,
    rowState,
    attributes,
    ...(delivered === undefined ? {} : { delivered }),
    ...(deliveredAtMs === undefined ? {} : { deliveredAtMs }),
    ...(deliveredAttributes === undefined ? {} : { deliveredAttributes }),
    inDoubt,
    ...(linkDigest === '' ? {} : { linkDigest }),
    ...(history === undefined ? {} : { history }),
  };
  return { key, record: linked, expected: version };
}
