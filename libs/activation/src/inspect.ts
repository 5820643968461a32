import type { Matcher, Route } from '@activation-hub/activation-file';
import { deliver, type Clock, type DeliveryResult, type Target } from '@activation-hub/delivery';
import type { Change, Delivery } from '@activation-hub/destination-kit';
import { decide } from '@activation-hub/membership';
import type { Telemetry } from '@activation-hub/telemetry';
import { DesiredStates } from './desired-states.ts';
import { deliveryOf } from './deliver-rows.ts';
import { readEvents, type ReadExport, type Unreadable } from './read-events.ts';
import { resolveMemberships, type DesiredMembership, type Resolved, type RoutedPerson } from './resolve-memberships.ts';
import { tooDeep, whyUnfit } from './unfit-attributes.ts';
import { routeExports, type RoutedMembership } from './route-exports.ts';

/** What the journey would make of one event, stage by stage, if the ledger were empty. */
export interface Inspection {
  readonly exports: readonly {
    readonly path: string;
    /** How many values the profile has in each namespace. */
    readonly identities: Readonly<Record<string, number>>;
    readonly audiences: number;
    readonly routedAudiences: number;
    /** The audiences of which no destination is told, each with the reason. */
    readonly notRouted: readonly { readonly namespace: string; readonly id: string; readonly because: string }[];
  }[];
  readonly unreadable: readonly { readonly path: string; readonly code: string; readonly message: string }[];
  readonly decisions: readonly InspectedDecision[];
}

/**
 * What one route makes of one membership. Holds personal data: it is for the person who asked, not
 * for logs.
 */
export interface InspectedDecision {
  readonly audience: string;
  readonly status: string;
  readonly destination: string;
  readonly mode: Route['mode'];
  readonly decision: Change['kind'] | 'unresolved' | 'withheld' | 'retired' | 'superseded' | 'not-told' | 'rejected';
  /** Why, in a sentence. */
  readonly because: string;
  /** The mapped attributes that the profile does not have: their names, with their XDM paths. */
  readonly absentAttributes: readonly { readonly name: string; readonly path: string }[];
  readonly change?: Change;
  /** What the destination answered; only for changes of live routes. */
  readonly result?: DeliveryResult;
}

/**
 * Runs the stages of the journey on one body, with an empty ledger. Changes of live routes are
 * handed to their targets, so give it targets that record requests instead of sending them. Never
 * throws on account of the body.
 */
export async function inspect(
  body: Uint8Array,
  options: {
    readonly matcher: Matcher;
    readonly targets: ReadonlyMap<string, Target>;
    readonly telemetry: Telemetry;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<Inspection> {
  const event = { body, partitionId: '0', sequenceNumber: 0, enqueuedAtMs: options.clock.now() };
  const { exports, unreadable } = readEvents([event]);
  const { memberships, refused } = routeExports(exports, options.matcher);
  const resolved = resolveMemberships(memberships, options);

  const decided = memberships.flatMap((routed) =>
    routed.audience.routes.flatMap((route) => decisionsOf(routed, route, resolved, options.clock.now())),
  );
  const results = new Map<string, DeliveryResult>();
  const live = decided.filter(({ inspected }) => inspected.mode === 'live');
  for (const [destination, changes] of Map.groupBy(live, ({ inspected }) => inspected.destination)) {
    const target = options.targets.get(destination);
    const deliveries = changes.flatMap(({ delivery }) => (delivery === undefined ? [] : [delivery]));
    if (target === undefined) continue;
    for (const [id, result] of await deliver(target, deliveries, { ...options, waitMaxMs: 0 })) results.set(id, result);
  }

  return {
    exports: exports.map((read) => inspectedExport(read, memberships, options.matcher)),
    unreadable: [...unreadable, ...refused].map(({ refusal }: Unreadable) => ({ ...refusal })),
    decisions: decided.map(({ inspected, delivery }) => {
      const result = delivery === undefined ? undefined : results.get(delivery.change.id);
      return result === undefined ? inspected : { ...inspected, result };
    }),
  };
}

function inspectedExport(
  { profileExport }: ReadExport,
  memberships: readonly RoutedMembership[],
  matcher: Matcher,
): Inspection['exports'][number] {
  const audiences = Object.entries(profileExport.segmentMembership).flatMap(([namespace, items]) =>
    Object.keys(items).map((id) => ({ namespace, id })),
  );
  const own = memberships.filter((routed) => routed.profileExport === profileExport);
  const notRouted = audiences.flatMap(({ namespace, id }) => {
    const entry = matcher.audience(namespace, id);
    if (entry === undefined) return [{ namespace, id, because: 'The activation file does not name it.' }];
    if (entry.routes.length === 0) return [{ namespace, id, because: `audiences.${entry.key} has no route.` }];
    const isRead = own.some(({ membership: each }) => each.namespace === namespace && each.audienceId === id);
    return isRead ? [] : [{ namespace, id, because: 'Its membership cannot be read.' }];
  });
  return {
    path: profileExport.path,
    identities: Object.fromEntries(
      [...profileExport.identities].map(([namespace, values]) => [namespace, values.length]),
    ),
    audiences: audiences.length,
    routedAudiences: own.length,
    notRouted,
  };
}

interface Decided {
  readonly inspected: InspectedDecision;
  readonly delivery?: Delivery;
}

/** What one route makes of one membership, by what the third stage made of it. */
function decisionsOf(routed: RoutedMembership, route: Route, resolved: Resolved, nowMs: number): readonly Decided[] {
  const isThis = (each: RoutedPerson | DesiredMembership): boolean =>
    each.route === route && each.membership === routed.membership;
  const about = {
    audience: routed.audience.key,
    status: routed.membership.status,
    destination: route.destination,
    mode: route.mode,
    absentAttributes: absentAttributes(routed, resolved.desired.find(isThis)),
  };
  const person = resolved.unresolved.find(isThis);
  if (person !== undefined)
    return [{ inspected: { ...about, decision: 'unresolved', because: whyUnresolved(person) } }];
  return [
    ...resolved.desired.filter(isThis).map((desired) => decisionOf(desired, about, nowMs)),
    ...resolved.tooDeep.filter(isThis).map((): Decided => ({
      inspected: { ...about, decision: 'rejected', because: tooDeep.reason },
    })),
    ...resolved.superseded.filter(isThis).map((): Decided => ({
      inspected: {
        ...about,
        decision: 'superseded',
        because: 'The same body holds a newer state of this identity in this audience.',
      },
    })),
  ];
}

function decisionOf(
  desired: DesiredMembership,
  about: Omit<InspectedDecision, 'decision' | 'because'>,
  nowMs: number,
): Decided {
  const { key, keyText, audience, route, membership, attributes } = desired;
  const state = new DesiredStates().of(desired, undefined);
  const decision = decide(undefined, state, nowMs);
  if (decision.action !== 'deliver') return { inspected: { ...about, ...whyNotTold(desired) } };
  const unfit = whyUnfit(desired);
  if (unfit !== undefined) return { inspected: { ...about, decision: 'rejected', because: unfit.reason } };
  const { kind } = decision;
  const delivery = deliveryOf({
    key,
    keyText,
    row: { record: { attributes, inDoubt: false } },
    kind,
    state,
    audience,
    route,
    ...(membership.name === undefined ? {} : { audienceName: membership.name }),
  });
  const because = 'The destination was never told of this person in this audience.';
  return { delivery, inspected: { ...about, decision: kind, because, change: delivery.change } };
}

function whyNotTold({ membership, route }: DesiredMembership): Pick<InspectedDecision, 'decision' | 'because'> {
  if (!membership.isMember) {
    const because = 'The destination was never told of this person, so there is nothing to take back.';
    return { decision: 'not-told', because };
  }
  if (route.mode === 'retired') {
    return { decision: 'retired', because: 'The route is retired: whom the destination was told of is taken out.' };
  }
  const because = 'The consent attribute does not say yes, and the destination was never told of this person.';
  return { decision: 'withheld', because };
}

function whyUnresolved({ route, profileExport: { identities, unreadableIdentities } }: RoutedPerson): string {
  const namespaces = route.identityNamespaces;
  const refusal = namespaces.map((namespace) => unreadableIdentities.get(namespace)).find((each) => each !== undefined);
  if (refusal !== undefined) return `The identity at ${refusal.path} cannot be read: ${refusal.message}`;
  const present = namespaces.filter((namespace) => (identities.get(namespace)?.length ?? 0) > 0);
  if (present.length === 0) return `The profile has no identity in ${namespaces.join(', ')}.`;
  return `The profile has an identity in ${present.join(', ')}, and none of its values has a form that the destination takes.`;
}

function absentAttributes(
  { membership }: RoutedMembership,
  desired: DesiredMembership | undefined,
): InspectedDecision['absentAttributes'] {
  if (desired === undefined || !membership.isMember || !desired.state.isMember) return [];
  return desired.route.attributes.flatMap(({ name, path }) =>
    Object.hasOwn(desired.attributes, name) ? [] : [{ name, path: path.join('.') }],
  );
}
