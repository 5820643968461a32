import {
  compareStates,
  identityText,
  ledgerKeyText,
  linkOf,
  linkRecord,
  type Identity,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
  type UndigestedState,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import { waitingDeferral, type DeferredChange } from './defer-changes.ts';
import type { LeasedRow } from './deliver-rows.ts';
import { others, peopleToFollow, type Followed, type Outcome } from './people-to-follow.ts';
import { planRow, type RowPlan } from './plan-row.ts';
import { rowKey, type RoutedPerson } from './resolve-memberships.ts';
import { newHolder, tellRows } from './tell-rows.ts';
import type { Telling } from './telling.ts';

const notSettledReason = 'another export of the person is not told yet';
/** How often a person whose rows other processes keep writing is looked at again before that waits. */
const roundsMax = 5;

/**
 * Takes people out of destinations under identities that their routes do not resolve to any more (docs/specs/ledger.md,
 * section 6): a better identity has appeared, another value sorts first, or one has vanished from the profile and the route
 * follows the person by another. It comes last, so that the new identity has entered before the old one leaves.
 *
 * Only people are looked at of whom a row does not carry the digest of these very identities, so that exports which change
 * nothing cost nothing. A person of whom something is still open is left to the retry. Gives what must wait for the lease
 * of another process.
 */
export async function followPeople(outcome: Outcome, telling: Telling): Promise<readonly DeferredChange[]> {
  const { context, settleBy, tally } = telling;
  const deferrals: DeferredChange[] = [];
  const people = peopleToFollow(outcome, context, telling.work);
  deferrals.push(...people.later.map((each) => whenSettled(each, telling)));
  let open = people.now;
  // One round for each of those who share links, and a few for races that are lost.
  const rounds = open.length + roundsMax;
  const newest = new Map(outcome.desired.map(({ keyText, state }) => [keyText, state]));
  for (let round = 0; open.length > 0; round += 1) {
    if (round === rounds) {
      for (const followed of open) deferrals.push(laterOf(followed, context.clock.now(), telling));
      break;
    }
    // Of people who share a link the older export comes first: what it links, the newer one finds.
    const { now, later } = withoutSharedLinks(open);
    const looked = await lookAt(now, newest, context, settleBy);
    tally.ledgerReads += looked.reduce((sum, { reads }) => sum + reads, 0);
    const taken = await takeOut(looked, telling);
    deferrals.push(...taken.deferrals);
    const lost = await rememberLinks(taken.done, telling);
    open = [...taken.lost, ...lost, ...later];
  }
  return deferrals;
}

function withoutSharedLinks(open: readonly Followed[]): {
  readonly now: readonly Followed[];
  readonly later: readonly Followed[];
} {
  const taken = new Set<string>();
  const now: Followed[] = [];
  const later: Followed[] = [];
  for (const each of open) {
    const { person, ledgerName, linkKeys, chosen } = each;
    const keys = [
      ...linkKeys,
      ...others(each).map((identity) => rowKey(ledgerName, person.route, person.audience, identity)),
    ];
    const texts = [...keys.map(ledgerKeyText), ...chosen.map(({ desired }) => desired.keyText)];
    if (texts.some((text) => taken.has(text))) later.push(each);
    else now.push(each);
    for (const text of texts) taken.add(text);
  }
  return { now, later };
}

interface Former {
  readonly identity: Identity;
  readonly key: LedgerKey;
  readonly row: LedgerRow | undefined;
}

/** A person with the links and with the rows under identities that are not, or no longer, the person's. */
interface Looked extends Followed {
  readonly links: readonly (LedgerRow | undefined)[];
  readonly formers: readonly Former[];
  /** As of when they are not the person's: the export's state, or that of a link that is newer. */
  readonly asOf: UndigestedState;
  readonly isOutdated: boolean;
  readonly reads: number;
}

async function lookAt(
  people: readonly Followed[],
  newestOfBatch: ReadonlyMap<string, UndigestedState>,
  context: ActivationContext,
  signal: AbortSignal,
): Promise<readonly Looked[]> {
  const linkRows = await context.ledger.read(
    people.flatMap(({ linkKeys }) => linkKeys),
    signal,
  );
  const linked = splitFor(people, ({ linkKeys }) => linkKeys.length, linkRows).map(([followed, links]) =>
    candidatesOf(followed, links),
  );
  const rows = await context.ledger.read(
    linked.flatMap(({ candidates }) => candidates.map(({ key }) => key)),
    signal,
  );
  return splitFor(linked, ({ candidates }) => candidates.length, rows).map(([each, found]) =>
    lookedAt(each, found, newestOfBatch),
  );
}

/** An identity under which the destination may know the person. */
interface Candidate {
  readonly identity: Identity;
  readonly key: LedgerKey;
  /** It is not in the export: only a link says that it is, or was, the person's. */
  readonly isLinkedOnly: boolean;
}

function candidatesOf(followed: Followed, links: readonly (LedgerRow | undefined)[]) {
  const { person, ledgerName } = followed;
  const known = [...person.identities, ...others(followed)];
  const texts = new Set(known.map(identityText));
  const linked = links.flatMap((row) => {
    if (row === undefined) return [];
    const { identities, leaving } = linkOf(row.record);
    return [...identities, ...leaving];
  });
  const vanished = linked.filter((identity) => !texts.has(identityText(identity)));
  const distinct = new Map([...known, ...vanished].map((identity) => [identityText(identity), identity]));
  const candidates = [...distinct].map(([text, identity]): Candidate => {
    const key = rowKey(ledgerName, person.route, person.audience, identity);
    return { identity, key, isLinkedOnly: !texts.has(text) };
  });
  return { followed, links, candidates };
}

function lookedAt(
  { followed, links, candidates }: ReturnType<typeof candidatesOf>,
  rows: readonly (LedgerRow | undefined)[],
  newestOfBatch: ReadonlyMap<string, UndigestedState>,
): Looked {
  const { person } = followed;
  const rowOf = new Map(candidates.map(({ identity }, index) => [identityText(identity), rows[index]]));
  const [newest] = links
    .flatMap((link) => (link === undefined ? [] : [{ link, asOf: asOfLink(link, rowOf) }]))
    .toSorted((left, right) => compareStates(right.asOf, left.asOf));
  const isOutdated = newest !== undefined && compareStates(newest.asOf, person.state) > 0;
  const identities = isOutdated ? linkOf(newest.link.record).identities : person.identities;
  const current = new Set(identities.map(identityText));
  const asOf = isOutdated ? newest.asOf : person.state;
  const formers = candidates.flatMap(({ identity, key, isLinkedOnly }, index) => {
    const row = rows[index];
    // A link to a row that is gone is a link to nobody: the person was erased.
    const isNobody = row === undefined && isLinkedOnly;
    // A newer export of the batch comes back to it; when that changed nothing, the row does not say so.
    const again = newestOfBatch.get(ledgerKeyText(key));
    const isBack = again !== undefined && compareStates(again, asOf) > 0;
    return current.has(identityText(identity)) || isNobody || isBack ? [] : [{ identity, key, row }];
  });
  const reads = candidates.length + links.length;
  return { ...followed, links, formers, asOf, isOutdated, reads };
}

/**
 * As of when a link is right: of the export that wrote it, or of a later one with the very same identities, which moved a row
 * that carries the link's digest and left the link as it was.
 */
function asOfLink({ record }: LedgerRow, rowOf: ReadonlyMap<string, LedgerRow | undefined>): UndigestedState {
  return linkOf(record).identities.reduce((newest: UndigestedState, identity) => {
    const row = rowOf.get(identityText(identity))?.record;
    if (row === undefined || row.linkDigest !== record.linkDigest) return newest;
    return compareStates(row.known, newest) > 0 ? row.known : newest;
  }, record.known);
}

/** Takes people out under their former identities. Gives those of whom nothing is open any more, and those to be looked at again. */
async function takeOut(
  looked: readonly Looked[],
  telling: Telling,
): Promise<{
  readonly done: readonly TakenOut[];
  readonly lost: readonly Followed[];
  readonly deferrals: readonly DeferredChange[];
}> {
  const { context, settleBy, tally } = telling;
  const by = newHolder(context);
  const nowMs = context.clock.now();
  // The rows for which a retry is responsible were looked at before: what it gave up or had rejected is not sent again here.
  const cause = telling.work?.retry?.isReplay === true ? 'replay' : 'export';
  const after = new Map<string, LedgerRecord | undefined>();
  const waiting = new Set<Looked>();
  const deferrals: DeferredChange[] = [];
  const planned = looked.flatMap((each) =>
    each.formers.flatMap(({ key, row }): PlannedFormer[] => {
      const { route } = each.person;
      const desired = { state: { ...each.asOf, isMember: false, content: '' }, attributes: {} };
      const plan = planRow(key, row, desired, { mode: route.mode, by, nowMs, cause });
      if (plan.is === 'wait' && !waiting.has(each)) {
        waiting.add(each);
        deferrals.push(laterOf(each, plan.untilMs, telling));
      }
      if (plan.is === 'wait') return [];
      if (plan.is !== 'nothing') return [{ each, key, plan, write: plan.write }];
      // The person is out already; a row that carries a digest would hide that the links have moved on since.
      const write = plan.because === 'unchanged' && row !== undefined ? withoutDigest(key, row) : undefined;
      return write === undefined ? [] : [{ each, key, plan, write }];
    }),
  );
  const written = await context.ledger.write(
    planned.map(({ write }) => write),
    settleBy,
  );
  const lost = new Set<Looked>();
  const leased = planned.flatMap(({ each, key, plan, write }, index): LeasedRow[] => {
    const result = written[index];
    const keyText = ledgerKeyText(key);
    context.ledgerCache.delete(keyText);
    if (result?.written !== true) {
      if (!waiting.has(each)) lost.add(each);
      return [];
    }
    tally.ledgerWrites += 1;
    after.set(keyText, write.record);
    if (plan.is !== 'lease') return [];
    tally.formerIdentities += 1;
    const { audience, route, event, membership } = each.person;
    const { kind, state, isRepair } = plan;
    const row = { record: write.record, version: result.version };
    const told = { key, keyText, row, kind, state, isRepair, audience, route, event };
    return [membership.name === undefined ? told : { ...told, audienceName: membership.name }];
  });
  for (const { keyText, settled } of await tellRows(leased, telling)) after.set(keyText, settled?.record);
  const done = looked
    .filter((each) => !waiting.has(each) && !lost.has(each))
    .map((each): TakenOut => {
      const stateOf = ({ key, row }: Former): LedgerRecord | undefined => {
        const keyText = ledgerKeyText(key);
        return after.has(keyText) ? after.get(keyText) : row?.record;
      };
      const left = each.formers.filter((former) => !isOut(stateOf(former)));
      return {
        ...each,
        leaving: left.map(({ identity }) => identity),
        isPaused: left.some((former) => stateOf(former)?.rowState.is === 'paused'),
      };
    });
  return { done, lost: [...lost], deferrals };
}

interface PlannedFormer {
  readonly each: Looked;
  readonly key: LedgerKey;
  readonly plan: RowPlan;
  readonly write: LedgerWrite;
}

/** A person with the former identities of whom it is not certain that the destination has them no more. */
interface TakenOut extends Looked {
  readonly leaving: readonly Identity[];
  /** The route is paused, so later exports must look again. */
  readonly isPaused: boolean;
}

function isOut(record: LedgerRecord | undefined): boolean {
  if (record === undefined || record.known.isMember) return false;
  return record.rowState.is === 'delivered' || record.rowState.is === 'noted';
}

/**
 * Remembers under which identities the person is known now: in the links, and as a digest in the rows, by which the next
 * export knows that there is nothing to look for. Gives the people of whom another process wrote a link in between.
 */
async function rememberLinks(
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
  const lost = new Set<Followed>();
  for (const [index, result] of (await writeAll(links, context, settleBy)).entries()) {
    const link = links[index];
    if (link === undefined) continue;
    if (result.written) tally.ledgerWrites += 1;
    else lost.add(link.each);
  }
  const rows = current
    .filter((each) => !lost.has(each))
    .flatMap(({ person, chosen, isPaused }) =>
      chosen.flatMap(({ desired, row, isSuperseded }) => {
        if (row === undefined || isSuperseded) return [];
        const write = isPaused ? withoutDigest(desired.key, row) : withDigest(desired.key, row, person);
        return write === undefined ? [] : [{ write }];
      }),
    );
  for (const result of await writeAll(rows, context, settleBy)) if (result.written) tally.ledgerWrites += 1;
  return [...lost];
}

async function writeAll(
  planned: readonly { readonly write: LedgerWrite }[],
  { ledger, ledgerCache, clock }: ActivationContext,
  signal: AbortSignal,
) {
  const results = await ledger.write(
    planned.map(({ write }) => write),
    signal,
  );
  for (const [index, { write }] of planned.entries()) {
    const result = results[index];
    const keyText = ledgerKeyText(write.key);
    if (result?.written === true)
      ledgerCache.set(keyText, { record: write.record, version: result.version }, clock.now());
    else ledgerCache.delete(keyText);
  }
  return results;
}

function withoutDigest(key: LedgerKey, { record, version }: LedgerRow): LedgerWrite | undefined {
  const { linkDigest, ...unlinked } = record;
  return linkDigest === undefined ? undefined : { key, record: unlinked, expected: version };
}

function withDigest(key: LedgerKey, { record, version }: LedgerRow, { linkDigest }: RoutedPerson): LedgerWrite {
  const { known, rowState, attributes, delivered, deliveredAttributes, inDoubt } = record;
  const linked: LedgerRecord = {
    known,
    rowState,
    attributes,
    ...(delivered === undefined ? {} : { delivered }),
    ...(deliveredAttributes === undefined ? {} : { deliveredAttributes }),
    inDoubt,
    ...(linkDigest === '' ? {} : { linkDigest }),
  };
  return { key, record: linked, expected: version };
}

/** The event again, when what holds the person up is over: it finds that the links are still to be looked at. */
function laterOf({ person, ledgerName }: Followed, untilMs: number, { context, work }: Telling): DeferredChange {
  const { route, audience, event, identities } = person;
  const [identity = { namespace: '', value: '' }] = identities;
  const of = {
    destination: route.destination,
    key: rowKey(ledgerName, route, audience, identity),
    event,
    audience: audience.key,
  };
  return { deferral: waitingDeferral(of, untilMs, work, context.clock.now()) };
}

/** The event again, when the row of an identity of the person may be settled. */
function whenSettled(followed: Followed, telling: Telling): DeferredChange {
  const { deferral } = laterOf(followed, telling.context.clock.now(), telling);
  return { deferral: { ...deferral, reason: notSettledReason, isLeased: false, notBeforeMs: 0 } };
}

/** Gives each of `those` its share of the items, which stand one after the other. */
function splitFor<Those, Item>(
  those: readonly Those[],
  countOf: (one: Those) => number,
  items: readonly Item[],
): readonly (readonly [Those, readonly Item[]])[] {
  let start = 0;
  return those.map((one) => [one, items.slice(start, (start += countOf(one)))] as const);
}
