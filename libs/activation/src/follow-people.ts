import {
  compareStates,
  identityCharactersMax,
  identityText,
  ledgerKeyText,
  linkedIdentities,
  linkKey,
  linkRecord,
  otherIdentities,
  type Identity,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
  type UndigestedState,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import type { SettledMembership } from './decide-changes.ts';
import { waitingDeferral, type DeferredChange } from './defer-changes.ts';
import type { LeasedRow } from './deliver-rows.ts';
import { planRow } from './plan-row.ts';
import { rowKey, type DesiredMembership, type RoutedPerson } from './resolve-memberships.ts';
import { newHolder, tellRows, type ToldRow } from './tell-rows.ts';
import type { Telling } from './telling.ts';

/** How often a person whose rows other processes keep writing is looked at again before that waits. */
const roundsMax = 5;

/** A person whose rows under this route may be more than the route resolves to now. */
interface Followed {
  readonly person: RoutedPerson;
  readonly ledgerName: string;
  /** The rows of the identities that the route resolves to, as they were settled. */
  readonly chosen: readonly SettledMembership[];
  readonly linkKeys: readonly LedgerKey[];
}

/**
 * Takes people out of destinations under identities that their routes do not resolve to any more (docs/specs/ledger.md,
 * section 6): a better identity has appeared, another value sorts first, or one has vanished from the profile and the route
 * follows the person by another. It comes last, so that the new identity has entered before the old one leaves.
 *
 * Only people are looked at of whom a row does not carry the digest of these very identities, so that exports which change
 * nothing cost nothing. A person of whom something is still open is left to the retry. Gives what must wait for the lease
 * of another process.
 */
export async function followPeople(
  outcome: {
    readonly desired: readonly DesiredMembership[];
    readonly settled: readonly SettledMembership[];
    readonly told: readonly ToldRow[];
    readonly unresolved: readonly RoutedPerson[];
  },
  telling: Telling,
): Promise<readonly DeferredChange[]> {
  const { context, settleBy, tally } = telling;
  const deferrals: DeferredChange[] = [];
  let open = peopleToFollow(outcome, context);
  for (let round = 0; open.length > 0; round += 1) {
    if (round === roundsMax) {
      for (const followed of open) deferrals.push(laterOf(followed, context.clock.now(), telling));
      break;
    }
    // Of people who share a link the older export comes first: what it links, the newer one finds.
    const { now, later } = withoutSharedLinks(open);
    const looked = await lookAt(now, context, settleBy);
    tally.ledgerReads += looked.reduce((sum, { reads }) => sum + reads, 0);
    const taken = await takeOut(looked, telling);
    deferrals.push(...taken.deferrals);
    const lost = await rememberLinks(taken.done, telling);
    open = [...taken.lost, ...lost, ...later];
  }
  return deferrals;
}

function peopleToFollow(
  { desired, settled, told, unresolved }: Parameters<typeof followPeople>[0],
  context: ActivationContext,
): readonly Followed[] {
  const rows = new Map<string, SettledMembership>(settled.map((each) => [each.desired.keyText, each]));
  const byKey = new Map(desired.map((each) => [each.keyText, each]));
  for (const { keyText, settled: row } of told) {
    const of = byKey.get(keyText);
    if (of !== undefined && row !== undefined && row.record.rowState.is !== 'deferred')
      rows.set(keyText, { desired: of, row });
  }
  const people: Followed[] = [];
  for (const [person, memberships] of Map.groupBy(desired, (each) => each.person)) {
    const chosen = memberships.flatMap(({ keyText }) => rows.get(keyText) ?? []);
    if (chosen.length < memberships.length || memberships.length < person.identities.length) continue;
    if (chosen.every(({ row }) => (row?.record.linkDigest ?? '') === person.linkDigest)) continue;
    people.push(followed(person, chosen, context));
  }
  for (const person of unresolved) {
    if (person.route.follow.length === 0) continue;
    const each = followed(person, [], context);
    if (!isKnownWithout(each, context)) people.push(each);
  }
  return people.toSorted((left, right) => compareStates(left.person.state, right.person.state));
}

function followed(
  person: RoutedPerson,
  chosen: readonly SettledMembership[],
  { matcher }: ActivationContext,
): Followed {
  const { route, profileExport, audience } = person;
  const ledgerName = matcher.destination(route.destination)?.ledgerName ?? route.destination;
  const linkKeys = route.follow.flatMap((namespace) =>
    (profileExport.identities.get(namespace) ?? [])
      .filter((value) => value.length <= identityCharactersMax)
      .map((value) => linkKey(rowKey(ledgerName, route, audience, { namespace, value }), { namespace, value })),
  );
  return { person, ledgerName, chosen, linkKeys };
}

/** Whether the cache knows that the person, of whom the route accepts no identity, is linked to none. */
function isKnownWithout({ linkKeys }: Followed, { ledgerCache, clock }: ActivationContext): boolean {
  return linkKeys.every((key) => {
    const row = ledgerCache.get(ledgerKeyText(key), clock.now());
    return row !== undefined && linkedIdentities(row.record).length === 0;
  });
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

/** A person with the links and with the rows under identities that are not, or no longer, the person's. */
interface Looked extends Followed {
  readonly links: readonly (LedgerRow | undefined)[];
  readonly formers: readonly { readonly key: LedgerKey; readonly row: LedgerRow | undefined }[];
  /** As of when they are not the person's: the export's state, or that of a link that is newer. */
  readonly asOf: UndigestedState;
  readonly isOutdated: boolean;
  readonly reads: number;
}

async function lookAt(
  people: readonly Followed[],
  context: ActivationContext,
  signal: AbortSignal,
): Promise<readonly Looked[]> {
  const linkRows = await context.ledger.read(
    people.flatMap(({ linkKeys }) => linkKeys),
    signal,
  );
  const linked = splitFor(people, ({ linkKeys }) => linkKeys.length, linkRows).map(([followed, links]) => ({
    ...followed,
    links,
    ...formersOf(followed, links),
  }));
  const rows = await context.ledger.read(
    linked.flatMap(({ keys }) => keys),
    signal,
  );
  return splitFor(linked, ({ keys }) => keys.length, rows).map(([{ keys, vanished, ...followed }, found]): Looked => {
    const formers = keys.flatMap((key, at) => {
      const row = found[at];
      // A link to a row that is gone is a link to nobody: the person was erased.
      return row === undefined && vanished.has(ledgerKeyText(key)) ? [] : [{ key, row }];
    });
    return { ...followed, formers, reads: keys.length + followed.linkKeys.length };
  });
}

function formersOf(followed: Followed, links: readonly (LedgerRow | undefined)[]) {
  const { person, ledgerName } = followed;
  const keyOf = (identity: Identity): LedgerKey => rowKey(ledgerName, person.route, person.audience, identity);
  const [newest] = links
    .flatMap((row) => (row === undefined ? [] : [row.record]))
    .toSorted((left, right) => compareStates(right.known, left.known));
  const isOutdated = newest !== undefined && compareStates(newest.known, person.state) > 0;
  const linked = links.flatMap((row) => (row === undefined ? [] : linkedIdentities(row.record)));
  const current = new Set((isOutdated ? linkedIdentities(newest) : person.identities).map(identityText));
  const known = isOutdated ? [...person.identities, ...others(followed)] : others(followed);
  const candidates = new Set(known.map(identityText));
  const vanished = linked.filter((identity) => !candidates.has(identityText(identity)));
  const formers = new Map(
    [...known, ...vanished]
      .filter((each) => !current.has(identityText(each)))
      .map((each) => [identityText(each), keyOf(each)]),
  );
  return {
    keys: [...formers.values()],
    vanished: new Set(vanished.map((identity) => ledgerKeyText(keyOf(identity)))),
    asOf: isOutdated ? newest.known : person.state,
    isOutdated,
  };
}

function others({ person }: Followed): readonly Identity[] {
  const { route, profileExport, identities, form } = person;
  const choice = { namespaces: route.identityNamespaces, identities: route.identities };
  return otherIdentities(profileExport.identities, choice, form, identities);
}

/** Takes people out under their former identities. Gives those of whom nothing is open any more, and those to be looked at again. */
async function takeOut(
  looked: readonly Looked[],
  telling: Telling,
): Promise<{
  readonly done: readonly Looked[];
  readonly lost: readonly Followed[];
  readonly deferrals: readonly DeferredChange[];
}> {
  const { context, settleBy, tally } = telling;
  const by = newHolder(context);
  const nowMs = context.clock.now();
  const waiting = new Set<Looked>();
  const deferrals: DeferredChange[] = [];
  const planned = looked.flatMap((each) =>
    each.formers.flatMap(({ key, row }) => {
      const { route } = each.person;
      const desired = { state: { ...each.asOf, isMember: false, content: '' }, attributes: {}, isFormer: true };
      const plan = planRow(key, row, desired, { mode: route.mode, by, nowMs, cause: 'export' });
      if (plan.is === 'wait' && !waiting.has(each)) {
        waiting.add(each);
        deferrals.push(laterOf(each, plan.untilMs, telling));
      }
      return plan.is === 'nothing' || plan.is === 'wait' ? [] : [{ each, key, plan, write: plan.write }];
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
    if (plan.is !== 'lease') return [];
    tally.formerIdentities += 1;
    const { audience, route, event, membership } = each.person;
    const { kind, state, isRepair } = plan;
    const row = { record: write.record, version: result.version };
    const told = { key, keyText, row, kind, state, isRepair, audience, route, event };
    return [membership.name === undefined ? told : { ...told, audienceName: membership.name }];
  });
  await tellRows(leased, telling);
  return { done: looked.filter((each) => !waiting.has(each) && !lost.has(each)), lost: [...lost], deferrals };
}

/**
 * Remembers under which identities the person is known now: in the links, and as a digest in the rows, by which the next
 * export knows that there is nothing to look for. Gives the people of whom another process wrote a link in between.
 */
async function rememberLinks(
  done: readonly Looked[],
  { context, settleBy, tally }: Telling,
): Promise<readonly Followed[]> {
  const current = done.filter(({ isOutdated }) => !isOutdated);
  const links = current.flatMap((each) =>
    each.linkKeys.map((key, index) => ({
      each,
      write: {
        key,
        record: linkRecord(each.person.state, each.person.identities),
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
    .flatMap(({ person, chosen }) =>
      chosen.flatMap(({ desired, row }) =>
        row === undefined ? [] : [{ write: withDigest(desired.key, row, person) }],
      ),
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

/** Gives each of `those` its share of the items, which stand one after the other. */
function splitFor<Those, Item>(
  those: readonly Those[],
  countOf: (one: Those) => number,
  items: readonly Item[],
): readonly (readonly [Those, readonly Item[]])[] {
  let start = 0;
  return those.map((one) => [one, items.slice(start, (start += countOf(one)))] as const);
}
