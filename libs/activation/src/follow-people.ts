import {
  isFormerOf,
  isUnreadableRow,
  keep,
  ledgerKeyText,
  type DesiredState,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
} from '@activation-hub/membership';
import type { SettledMembership } from './settled-membership.ts';
import { waitingDeferral, type DeferredChange, type Deferral } from './defer-changes.ts';
import type { LeasedRow } from './deliver-rows.ts';
import { foundNothing } from './finds-nothing.ts';
import { heldByPause } from './held-back.ts';
import {
  apart,
  formersOf,
  isHidden,
  isOut,
  lookAt,
  rememberedOf,
  type Former,
  type Looked,
  type SharedFormer,
  type Unread,
} from './former-identities.ts';
import { broughtAgain, peopleToFollow, type Followed, type Outcome } from './people-to-follow.ts';
import { planRow, type RowPlan } from './plan-row.ts';
import { announceLooks } from './postponed-looks.ts';
import { rememberLinks, withoutDigest, type TakenOut } from './remember-links.ts';
import { rowKey } from './resolve-memberships.ts';
import { newHolder, tellRows } from './tell-rows.ts';
import type { Telling } from './telling.ts';
import { leaveUnread } from './unreadable-rows.ts';
import { writePlans } from './write-plans.ts';

/**
 * While the route is told, the row of another export is told soon; in an outage or a pause this one
 * comes again with the others.
 */
const lookAgainMs = 30_000;
const notSettledReason = 'another export of the person is not told yet';
/**
 * How often a person whose rows other processes keep writing is looked at again before that waits.
 */
const roundsMax = 5;

/**
 * Takes people out of destinations under identities that their routes do not resolve to any more
 * (docs/specs/ledger.md, section 6): a better identity has appeared, another value sorts first, or
 * one has vanished from the profile and the route follows the person by another. It comes last, so
 * that the new identity has entered before the old one leaves.
 *
 * Only people are looked at of whom a row does not carry the digest of these very identities, so
 * that exports which change nothing cost nothing. A person of whom something is still open is left
 * to the retry. Gives what must wait for the lease of another process, or until a row can be read.
 */
export async function followPeople(outcome: Outcome, telling: Telling): Promise<readonly DeferredChange[]> {
  const { context, settleBy, tally } = telling;
  const deferrals: DeferredChange[] = [];
  const settled = await withRowsOfOtherRetries(outcome.settled, telling);
  const people = peopleToFollow({ ...outcome, settled }, context, telling.work);
  deferrals.push(...people.later.map((each) => whenSettled(each, telling)));
  await announceLooks(people.postponed, outcome, telling);
  const isReplay = telling.work?.retry?.isReplay === true;
  let open = people.now;
  const unread: Unread[] = [];
  // One round for each of those who must wait for one another, and a few for races that are lost.
  const rounds = open.length + roundsMax;
  for (let round = 0; open.length > 0; round += 1) {
    if (round === rounds) {
      for (const followed of open) deferrals.push(laterOf(followed, context.clock.now(), telling));
      break;
    }
    const { now, later } = apart(open);
    const mayExpect = round === 0 && telling.work !== undefined && telling.work.retry === undefined;
    const { looked, unread: unreadNow } = await lookAt(now, outcome.newest, context, {
      tally,
      signal: settleBy,
      mayExpect,
    });
    unread.push(...unreadNow);
    // A person who replays an event wants also that told again which was rejected.
    const found = isReplay ? looked : looked.filter((each) => !foundNothing(each, context));
    const taken = await takeOut(found, outcome.deferred, telling);
    deferrals.push(...taken.deferrals);
    const lost = await rememberLinks(taken.done, telling);
    open = [...taken.lost, ...lost, ...later];
  }
  // The usual case, of every batch.
  if (unread.length === 0) return deferrals;
  const brought = [...broughtAgain(outcome), ...deferrals.map(({ deferral }) => deferral)];
  return [...deferrals, ...unread.flatMap((each) => whenReadable(each, brought, telling) ?? [])];
}

/**
 * The rows of a person may wait for several retries, and each leaves the person to the others while
 * a row of theirs is open. So a retry that has settled its own rows reads those of the others
 * again: the last of them finds all settled.
 */
async function withRowsOfOtherRetries(
  settled: readonly SettledMembership[],
  { context, work, settleBy, tally }: Telling,
): Promise<readonly SettledMembership[]> {
  if (work?.retry === undefined) return settled;
  const waiting = settled.filter(
    ({ desired, row }) => row?.record.rowState.is === 'deferred' && desired.person.linkDigest !== '',
  );
  if (waiting.length === 0) return settled;
  const rows = await context.ledger.read(
    waiting.map(({ desired }) => desired.key),
    settleBy,
  );
  tally.ledgerReads += waiting.length;
  const now = new Map(waiting.map((each, index) => [each, rows[index]]));
  return settled.map((each) => {
    const row = now.get(each);
    // Of a row that cannot be read it is not known that it is settled.
    return now.has(each) && !isUnreadableRow(row) ? { ...each, row } : each;
  });
}

/**
 * Takes people out under their former identities. Gives those of whom nothing is open any more, and
 * those to be looked at again.
 */
async function takeOut(
  looked: readonly Looked[],
  deferred: Outcome['deferred'],
  telling: Telling,
): Promise<{
  readonly done: readonly TakenOut[];
  readonly lost: readonly Followed[];
  readonly deferrals: readonly DeferredChange[];
}> {
  const { context, settleBy, tally } = telling;
  const by = newHolder(context);
  const nowMs = context.clock.now();
  // The rows for which a retry is responsible were looked at before: what it gave up or had
  // rejected is not sent again here.
  const cause = telling.work?.retry?.isReplay === true ? 'replay' : 'export';
  const after = new Map<string, LedgerRecord | undefined>();
  const waiting = new Set<Looked>();
  const deferrals: DeferredChange[] = [];
  const planned = formersOf(looked).flatMap((shared): PlannedFormer[] => {
    const { key, row, of, newest } = shared;
    const { asOf, person } = newest;
    const formerOf = rememberedOf(shared);
    const desired = { state: { ...asOf, isMember: false, content: '' }, attributes: {}, formerOf };
    const { mode } = person.route;
    const plan = planRow(key, row, desired, { mode, by, nowMs, cause, because: 'former-identity' });
    if (plan.is === 'wait') {
      // A second retry of one event would make two more of itself for as long as the two are in
      // each other's way.
      for (const { each } of of) {
        if (!waiting.has(each) && !isBroughtAgain(each, key, deferred))
          deferrals.push(laterOf(each, plan.untilMs, telling));
        waiting.add(each);
      }
      return [];
    }
    const write = plan.is === 'nothing' ? keptFormer(key, row, desired, plan.because) : plan.write;
    return write === undefined ? [] : [{ newest, of, key, plan, write }];
  });
  const { written, lost: lostPlans } = await writePlans(planned, context, tally, settleBy);
  const lost = new Set(lostPlans.flatMap(({ of }) => of.map(({ each }) => each)).filter((each) => !waiting.has(each)));
  const leased = written.flatMap(({ planned: { newest, key, plan }, after: row }): LeasedRow[] => {
    const keyText = ledgerKeyText(key);
    after.set(keyText, row.record);
    if (plan.is !== 'lease') return [];
    tally.formerIdentities += 1;
    const { audience, route, event, membership } = newest.person;
    const { kind, state, isRepair } = plan;
    return [{ key, keyText, row, kind, state, isRepair, audience, route, audienceName: membership.name, event }];
  });
  for (const { keyText, settled } of await tellRows(leased, telling))
    if (settled !== undefined) after.set(keyText, settled.record);
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
        isToBeLookedAt:
          each.isShared ||
          left.some((former) => stateOf(former)?.rowState.is === 'paused') ||
          each.formers.some((former) => isHidden(former, each) && !isFormerOf(stateOf(former), each.person.identities)),
      };
    });
  return { done, lost: [...lost], deferrals };
}

/**
 * What is written to a row of people who are out already. It remembers whose it was, and is written
 * also when it knows that: a process that is about to make it a member, as of an older export,
 * finds out by that. Of any other row only the digest goes, which would hide that the links have
 * moved on since.
 */
function keptFormer(
  key: LedgerKey,
  row: LedgerRow | undefined,
  desired: DesiredState,
  because: 'unchanged' | 'superseded',
): LedgerWrite | undefined {
  if (row === undefined) return undefined;
  const isHidden = desired.formerOf !== undefined && desired.formerOf.length > 0;
  if (isHidden && !row.record.known.isMember) return { key, record: keep(row.record, desired), expected: row.version };
  return because === 'unchanged' ? withoutDigest(key, row) : undefined;
}

/** Whether a retry that was put for the row brings the export of the person again. */
function isBroughtAgain({ person }: Looked, key: LedgerKey, deferred: Outcome['deferred']): boolean {
  const keyText = ledgerKeyText(key);
  return deferred.some(
    ({ deferral: { event, key: of } }) => event === person.event && of !== undefined && ledgerKeyText(of) === keyText,
  );
}

interface PlannedFormer extends Pick<SharedFormer, 'key' | 'of' | 'newest'> {
  readonly plan: RowPlan;
  readonly write: LedgerWrite;
}

/**
 * The event again, when what holds the person up is over: it finds that the links are still to be
 * looked at.
 */
function laterOf(
  followed: Followed,
  untilMs: number,
  { context, work }: Telling,
  why: Partial<Pick<Deferral, 'reason'>> = {},
): DeferredChange {
  return { deferral: waitingDeferral({ ...againOf(followed), ...why }, untilMs, work, context.clock.now()) };
}

/** What a retry brings when it brings the event of the person again. */
function againOf({ person, ledgerName }: Followed) {
  const { route, audience, event, identities } = person;
  const [identity = { namespace: '', value: '' }] = identities;
  const key = rowKey(ledgerName, route, audience, identity);
  return { destination: route.destination, key, event, audience: audience.key };
}

/**
 * The event again, when the row that cannot be read may be readable. Nothing where a retry brings
 * it anyway, and when it has waited for so long that it would be given up: the rows of the person
 * have no digest, so that the next export looks.
 */
function whenReadable(
  { followed, row }: Unread,
  brought: ReturnType<typeof broughtAgain>,
  { context, work }: Telling,
): DeferredChange | undefined {
  const again = againOf(followed);
  const isBrought = brought.some(
    ({ event, destination, audience }) =>
      event === again.event && destination === again.destination && audience === again.audience,
  );
  if (isBrought) return undefined;
  const { deferral } = leaveUnread(again, row, work?.retry, context);
  return deferral === undefined ? undefined : { deferral };
}

/** The event again, when the row of an identity of the person may be settled. */
function whenSettled(followed: Followed, telling: Telling): DeferredChange {
  const { context } = telling;
  const { route, audience } = followed.person;
  const nowMs = context.clock.now();
  const { deferral } = laterOf(followed, nowMs + lookAgainMs, telling, { reason: notSettledReason });
  const isTold =
    context.targets.get(route.destination)?.breaker.isClosed(nowMs) === true &&
    heldByPause(route.destination, audience.key, context) === undefined;
  return { deferral: isTold ? deferral : { ...deferral, isLeased: false, notBeforeMs: 0 } };
}
