import type { Route } from '@activation-hub/activation-file';
import { attributeAt, type JsonValue } from '@activation-hub/audience-events';
import {
  compareStates,
  ledgerKeyText,
  resolveIdentities,
  shadowDestination,
  type Attributes,
  type FormIdentity,
  type Identity,
  type LedgerKey,
  type UndigestedState,
} from '@activation-hub/membership';
import { permits } from './consent.ts';
import type { ActivationContext } from './activation-context.ts';
import type { RoutedMembership } from './route-exports.ts';
import type { Tally } from './tally.ts';

/** What one destination should know about one identity in one audience. */
export interface Demand extends RoutedMembership {
  readonly route: Route;
  readonly key: LedgerKey;
  readonly keyText: string;
  /** Without the digest of the attributes, which is dear and mostly known already. */
  readonly state: UndigestedState;
  readonly attributes: Attributes;
}

/**
 * Turns memberships into demands, one for each route and identity that it accepts, and keeps only the newest of each
 * key: what an older one of the same batch says is superseded before anybody is asked.
 */
export function resolveDemands(
  memberships: readonly RoutedMembership[],
  targets: ActivationContext['targets'],
  tally: Tally,
): readonly Demand[] {
  const newest = new Map<string, Demand>();
  for (const routed of memberships) {
    const permitted = isPermitted(routed);
    for (const route of routed.routes) {
      const form = targets.get(route.destination)?.formIdentity ?? unformed;
      const identities = resolveIdentities(
        routed.profileExport.identities,
        { namespaces: route.identityNamespaces, identities: route.identities },
        form,
      );
      if (identities.length === 0) tally.count(route.destination, 'unresolved');
      for (const identity of identities) {
        const demand = demandOf(routed, route, identity, permitted);
        const other = newest.get(demand.keyText);
        if (other !== undefined) tally.count(route.destination, 'superseded');
        if (other === undefined || compareStates(demand.state, other.state) >= 0) newest.set(demand.keyText, demand);
      }
    }
  }
  return [...newest.values()];
}

/** Of a destination that is not set up, as in a dry run. */
const unformed: FormIdentity = ({ value }) => value;

function isPermitted({ audience, profileExport }: RoutedMembership): boolean {
  return audience.consentPath === undefined || permits(attributeAt(profileExport.body, audience.consentPath));
}

function demandOf(routed: RoutedMembership, route: Route, identity: Identity, permitted: boolean): Demand {
  const { event, profileExport, audience, membership, routes } = routed;
  const isMember = membership.isMember && permitted;
  const key: LedgerKey = {
    destination: route.mode === 'shadow' ? shadowDestination(route.destination) : route.destination,
    identity,
    audience,
  };
  return {
    event,
    profileExport,
    audience,
    membership,
    routes,
    route,
    key,
    keyText: ledgerKeyText(key),
    state: {
      status: membership.isMember ? 'realized' : 'exited',
      isMember,
      qualifiedAtMs: membership.qualifiedAtMs,
      enqueuedAtMs: event.enqueuedAtMs,
      sequenceNumber: event.sequenceNumber,
    },
    // Somebody who is not to be in the destination is taken back by identity alone; it learns nothing more about them.
    attributes: isMember ? attributesOf(profileExport, route) : {},
  };
}

function attributesOf({ body }: RoutedMembership['profileExport'], route: Route): Attributes {
  const attributes: Record<string, JsonValue> = {};
  for (const { name, path } of route.attributes) {
    const value = attributeAt(body, path);
    if (value !== undefined) attributes[name] = value;
  }
  return attributes;
}
