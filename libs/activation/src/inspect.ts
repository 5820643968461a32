import type { Matcher, Route } from '@activation-hub/activation-file';
import { deliver, type Clock, type DeliveryResult, type Target } from '@activation-hub/delivery';
import type { Change } from '@activation-hub/destination-kit';
import { contentDigest, decide } from '@activation-hub/membership';
import type { Telemetry } from '@activation-hub/telemetry';
import { deliveryOf } from './deliver-changes.ts';
import { readEvents, type Unreadable } from './read-events.ts';
import { resolveDemands, type Demand } from './resolve-demands.ts';
import { routeExports, type RoutedMembership } from './route-exports.ts';
import { Tally } from './tally.ts';

/** What the journey would make of one event, stage by stage, if nobody had been told anything yet. */
export interface Inspection {
  readonly exports: readonly {
    readonly path: string;
    /** How many values the profile has in each namespace. */
    readonly identities: Readonly<Record<string, number>>;
    readonly audiences: number;
    readonly routedAudiences: number;
  }[];
  readonly unreadable: readonly { readonly path: string; readonly code: string; readonly message: string }[];
  readonly decisions: readonly InspectedDecision[];
}

/** What one route makes of one membership. Holds personal data: it is for the person who asked, not for logs. */
export interface InspectedDecision {
  readonly audience: string;
  readonly status: string;
  readonly destination: string;
  readonly mode: Route['mode'];
  readonly decision: Change['kind'] | 'unresolved' | 'withheld' | 'superseded' | 'not-told';
  /** Why, in a sentence. */
  readonly because: string;
  readonly change?: Change;
  /** What the destination answered; only for changes of live routes. */
  readonly result?: DeliveryResult;
}

/**
 * Runs the stages on one body with an empty ledger. Changes of live routes are handed to their targets, so give it
 * targets that record requests instead of sending them. Never throws on account of the body.
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
  const demands = resolveDemands(memberships, options.targets, new Tally(options.clock.now()));

  const decided = memberships.flatMap((routed) =>
    routed.audience.routes.flatMap((route) => decisionsOf(routed, route, demands, options.clock.now())),
  );
  const live = Map.groupBy(
    decided.filter(({ route, demand }) => demand !== undefined && route.mode === 'live'),
    ({ route }) => route.destination,
  );
  const results = new Map<string, DeliveryResult>();
  for (const [destination, changes] of live) {
    const target = options.targets.get(destination);
    const deliveries = changes.flatMap(({ delivery }) => (delivery === undefined ? [] : [delivery]));
    if (target === undefined) continue;
    for (const [id, result] of await deliver(target, deliveries, { ...options, waitMaxMs: 0 })) results.set(id, result);
  }

  return {
    exports: exports.map(({ profileExport }) => ({
      path: profileExport.path,
      identities: Object.fromEntries(
        [...profileExport.identities].map(([namespace, values]) => [namespace, values.length]),
      ),
      audiences: Object.values(profileExport.segmentMembership).reduce(
        (sum, items) => sum + Object.keys(items).length,
        0,
      ),
      routedAudiences: memberships.filter((routed) => routed.profileExport === profileExport).length,
    })),
    unreadable: [...unreadable, ...refused].map(({ refusal }: Unreadable) => ({ ...refusal })),
    decisions: decided.map(({ inspected, delivery }) => {
      const result = delivery === undefined ? undefined : results.get(delivery.change.id);
      return result === undefined ? inspected : { ...inspected, result };
    }),
  };
}

interface Decided {
  readonly route: Route;
  readonly inspected: InspectedDecision;
  readonly demand?: Demand;
  readonly delivery?: ReturnType<typeof deliveryOf>;
}

function decisionsOf(
  routed: RoutedMembership,
  route: Route,
  demands: readonly Demand[],
  nowMs: number,
): readonly Decided[] {
  const { audience, membership } = routed;
  const about = { audience: audience.key, status: membership.status, destination: route.destination, mode: route.mode };
  const own = demands.filter((demand) => demand.route === route && demand.membership === membership);
  if (own.length === 0) {
    const isNamed = route.identityNamespaces.some((namespace) => routed.profileExport.identities.has(namespace));
    return [
      {
        route,
        inspected: isNamed
          ? {
              ...about,
              decision: 'superseded',
              because: 'The same body holds a newer state of this identity in this audience.',
            }
          : {
              ...about,
              decision: 'unresolved',
              because: `The profile has no identity in ${route.identityNamespaces.join(', ')}.`,
            },
      },
    ];
  }
  return own.map((demand): Decided => {
    const state = { ...demand.state, content: contentDigest(demand.attributes) };
    const decision = decide(undefined, state, nowMs);
    if (decision.action !== 'tell') {
      return {
        route,
        inspected: membership.isMember
          ? {
              ...about,
              decision: 'withheld',
              because: 'The consent attribute does not say yes, and the destination was never told of this person.',
            }
          : {
              ...about,
              decision: 'not-told',
              because: 'The destination was never told of this person, so there is nothing to take back.',
            },
      };
    }
    const delivery = deliveryOf({ demand, kind: decision.kind, state });
    const because = 'The destination was never told of this person in this audience.';
    return {
      route,
      demand,
      delivery,
      inspected: { ...about, decision: decision.kind, because, change: delivery.change },
    };
  });
}
