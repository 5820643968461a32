import type { ActivationContext } from './activation-context.ts';
import { keepLost, keepUnreadable, unfitChange } from './dead-letters-of.ts';
import { decideChanges } from './decide-changes.ts';
import { deferChanges } from './defer-changes.ts';
import { wakeRetries } from './wake-retries.ts';
import { followPeople } from './follow-people.ts';
import { whileFollowed } from './followed-controls.ts';
import { takeOpenRows } from './open-rows.ts';
import { readEvents } from './read-events.ts';
import { removeRetry } from './remove-retry.ts';
import { resolveMemberships } from './resolve-memberships.ts';
import { routeExports } from './route-exports.ts';
import { Tally } from './tally.ts';
import { newHolder, tellRows } from './tell-rows.ts';
import { tooDeep } from './unfit-attributes.ts';
import { withDeadlines, type Deadlines } from './with-deadlines.ts';
import { spanOf, type Work } from './work.ts';

/**
 * The way of an event, from what Adobe Experience Platform sent to what each third party was told.
 *
 * Takes the events of one partition, or those of a retry, and returns when every event, and every
 * change in it, has ended in an outcome that is durable. Then, and only then, may the partition
 * move on. Throws when a store cannot be reached: the same work must be given again, and what was
 * settled is not repeated.
 */
export async function activate(work: Work, context: ActivationContext): Promise<void> {
  const { name, options } = spanOf(work);
  const { telemetry, timing } = context;
  await telemetry.span(name, options, () =>
    withDeadlines(timing, (deadlines) => whileFollowed(context, () => journey(work, context, deadlines))),
  );
}

async function journey(work: Work, context: ActivationContext, { deadline, settleBy }: Deadlines): Promise<void> {
  const { telemetry } = context;
  const tally = new Tally(context);
  const telling = { context, work, deadline, settleBy, tally };
  const by = newHolder(context);
  if (work.retry === undefined) context.ledgerCache.follow(work.events);

  // 1. Read: an event is one profile export or several; what cannot be read becomes a dead letter.
  const { exports, unreadable } = telemetry.stage('read', () => readEvents(work.events));

  // 2. Route: an export holds every audience of the person; the file routes few of them.
  const routed = telemetry.stage('route', () => routeExports(exports, context.matcher, work.retry));

  // 3. Resolve: under which identities the destination knows the person, what it should know, and
  //    whether consent allows it.
  const resolved = telemetry.stage('resolve', () => resolveMemberships(routed.memberships, context));
  tally.countResolved(resolved);

  // 4. Decide: against what the destination was told. The row of a change is leased before it is
  //    sent, so that no other process sends it.
  const { decided, open } = await telemetry.stage('decide', async () => {
    const made = await decideChanges(resolved, work, by, context, tally, deadline);
    return { decided: made, open: await takeOpenRows(work, { ...resolved, ...made }, by, context, tally, deadline) };
  });

  // 5. Settle what is not sent now: dead letters of what cannot be read or kept, retries of what
  //    must wait.
  await telemetry.stage('settle', async () => {
    await keepUnreadable([...unreadable, ...routed.refused], context, settleBy);
    const lost = [...resolved.tooDeep.map((each) => unfitChange(each, tooDeep)), ...decided.lost];
    await keepLost(lost, work.retry?.attempts ?? 0, context, settleBy);
    await deferChanges([...decided.deferred, ...open.deferred], telling);
  });

  // 6. Tell: deliver in batches, each destination on its own, and settle every row.
  const told = await telemetry.stage('tell', () => tellRows([...decided.leased, ...open.leased], telling));

  // 7. Follow: whom a destination knows under an identity that is not the person's any more is
  //    taken out under it.
  await telemetry.stage('follow', async () =>
    deferChanges(await followPeople({ ...resolved, ...decided, told }, telling), telling),
  );

  if (work.retry !== undefined) await removeRetry(work.retry, context, settleBy);
  await wakeRetries(context, settleBy);
  tally.report(work, exports.length, context);
}
