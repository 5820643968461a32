import type { Route } from '@activation-hub/activation-file';
import { attributeAt, type JsonValue } from '@activation-hub/audience-events';
import {
  compareStates,
  contentDigest,
  ledgerKeyText,
  resolveIdentities,
  shadowDestination,
  type Identity,
  type LedgerKey,
  type MembershipState,
} from '@activation-hub/membership';
import { permits } from './consent.ts';
import type { RoutedMembership } from './route-exports.ts';
import type { Tally } from './tally.ts';

/** What one destination should know about one identity in one audience. */
export interface Demand extends RoutedMembership {
  readonly route: Route;
  readonly key: LedgerKey;
  readonly keyText: string;
  readonly state: MembershipState;
  readonly attributes: Readonly<Record<string, JsonValue>>;
}

/**
 * Turns memberships into demands, one for each route and identity that it accepts, and keeps only the newest of each
 * key: what an older one of the same batch says is superseded before anybody is asked.
 */
export function resolveDemands(memberships: readonly RoutedMembership[], tally: Tally): readonly Demand[] {
  const newest = new Map<string, Demand>();
  for (const routed of memberships) {
    const permitted = isPermitted(routed);
    for (const route of routed.audience.routes) {
      const identities = resolveIdentities(routed.profileExport.identities, {
        namespaces: route.identityNamespaces,
        identities: route.identities,
      });
      if (identities.length === 0) tally.count(route.destination, 'unresolved');
      for (const identity of identities) {
        const demand = demandOf(routed, route, identity, permitted);
        const other = newest.get(demand.keyText);
        if (other !== undefined) tally.count(route.destination, 'superseded');
        if (other === undefined || compareStates(demand.state, other.state) > 0) newest.set(demand.keyText, demand);
      }
    }
  }
  return [...newest.values()];
}

function isPermitted({ audience, profileExport }: RoutedMembership): boolean {
  return audience.consentPath === undefined || permits(attributeAt(profileExport.body, audience.consentPath));
}

function demandOf(routed: RoutedMembership, route: Route, identity: Identity, permitted: boolean): Demand {
  const { event, profileExport, audience, membership } = routed;
  const isMember = membership.isMember && permitted;
  const attributes: [string, JsonValue][] = [];
  // Somebody who is not to be in the destination is taken back by identity alone; it learns nothing more about them.
  if (isMember) {
    for (const { name, path } of route.attributes) {
      const value = attributeAt(profileExport.body, path);
      if (value !== undefined) attributes.push([name, value]);
    }
  }
  const key: LedgerKey = {
    destination: route.mode === 'shadow' ? shadowDestination(route.destination) : route.destination,
    identity,
    audience: { namespace: audience.namespace, id: audience.id },
  };
  const state: MembershipState = {
    status: membership.isMember ? 'realized' : 'exited',
    isMember,
    qualifiedAtMs: membership.qualifiedAtMs,
    enqueuedAtMs: event.enqueuedAtMs,
    sequenceNumber: event.sequenceNumber,
    content: contentDigest(attributes),
  };
  return { ...routed, route, key, keyText: ledgerKeyText(key), state, attributes: Object.fromEntries(attributes) };
}
