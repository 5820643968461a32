import type { Route } from '@activation-hub/activation-file';
import { attributeAt, type JsonValue } from '@activation-hub/audience-events';
import {
  compareStates,
  identityCharactersMax,
  ledgerKeyText,
  linkDigest,
  resolveIdentities,
  shadowDestination,
  type Attributes,
  type FormIdentity,
  type Identity,
  type LedgerKey,
  type UndigestedState,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import { permits } from './consent.ts';
import type { RoutedMembership } from './route-exports.ts';

/** What one destination should know about one identity in one audience. */
export interface DesiredMembership extends RoutedMembership {
  readonly route: Route;
  readonly key: LedgerKey;
  readonly keyText: string;
  /** Without the digest of the attributes, which is dear and mostly known already. */
  readonly state: UndigestedState;
  readonly attributes: Attributes;
  readonly person: RoutedPerson;
}

/** The person of one export, as one route sees them. */
export interface RoutedPerson extends RoutedMembership {
  readonly route: Route;
  /** The identities that the route resolves to, in the form of the destination; none when it accepts none of the profile's. */
  readonly identities: readonly Identity[];
  /** Digest of what links the person's rows (`linkDigest`); empty when nothing but the identities does. */
  readonly linkDigest: string;
  /** What the destination should know of each of them. */
  readonly state: UndigestedState;
  /** Where the export stands in its batch: people of one body often have one state, and then the later export counts. */
  readonly position: number;
  /** Brings identities into the form in which the destination gets them. */
  readonly form: FormIdentity;
}

/** Orders what exports of a batch say of people from old to new. */
export function comparePeople(
  left: Pick<RoutedPerson, 'state' | 'position'>,
  right: Pick<RoutedPerson, 'state' | 'position'>,
): number {
  return compareStates(left.state, right.state) || left.position - right.position;
}

/** What the third stage makes of routed memberships. */
export interface Resolved {
  /** The newest of each key. */
  readonly desired: readonly DesiredMembership[];
  /** Older ones of the same batch for a key that `desired` has. */
  readonly superseded: readonly DesiredMembership[];
  /** Those of which the profile has no identity that the route accepts. */
  readonly unresolved: readonly RoutedPerson[];
}

/**
 * Turns memberships into what destinations should know: one desired membership for each route and identity that the route
 * resolves to. Of several for one key only the newest is desired.
 */
export function resolveMemberships(
  memberships: readonly RoutedMembership[],
  { targets, matcher }: Pick<ActivationContext, 'targets' | 'matcher'>,
): Resolved {
  const newest = new Map<string, DesiredMembership>();
  const superseded: DesiredMembership[] = [];
  const unresolved: RoutedPerson[] = [];
  const digestOf = createLinkDigests();
  for (const [position, routed] of memberships.entries()) {
    const isConsented = hasConsent(routed);
    for (const route of routed.routes) {
      const form = keepable(targets.get(route.destination)?.formIdentity ?? asItIs);
      const isPermitted = isConsented && route.mode !== 'retired';
      const person = personOf(routed, route, { position, isPermitted, form, digestOf });
      if (person.identities.length === 0) unresolved.push(person);
      const ledgerName = matcher.destination(route.destination)?.ledgerName ?? route.destination;
      for (const identity of person.identities) {
        const desired = desiredOf(person, identity, ledgerName);
        const other = newest.get(desired.keyText);
        const isNewer = other === undefined || compareStates(desired.state, other.state) >= 0;
        if (other !== undefined) superseded.push(isNewer ? other : desired);
        if (isNewer) newest.set(desired.keyText, desired);
      }
    }
  }
  return { desired: [...newest.values()], superseded, unresolved };
}

/** The form of a destination that is not set up, as in a dry run. */
const asItIs: FormIdentity = ({ value }) => value;

/** No identity is longer than a row of the ledger takes: the destination would be told of a person whom the ledger cannot keep. */
function keepable(form: FormIdentity): FormIdentity {
  return (identity) => {
    const formed = form(identity);
    return formed === undefined || formed.length > identityCharactersMax ? undefined : formed;
  };
}

function hasConsent({ audience, profileExport }: RoutedMembership): boolean {
  return audience.consentPath === undefined || permits(attributeAt(profileExport.body, audience.consentPath));
}

function personOf(
  routed: RoutedMembership,
  route: Route,
  {
    position,
    isPermitted,
    form,
    digestOf,
  }: {
    readonly position: number;
    readonly isPermitted: boolean;
    readonly form: FormIdentity;
    readonly digestOf: LinkDigests;
  },
): RoutedPerson {
  const { event, profileExport, audience, membership, routes } = routed;
  const { identityNamespaces: namespaces, identities, follow } = route;
  return {
    event,
    profileExport,
    audience,
    membership,
    routes,
    route,
    identities: isPrecedenceKnown(profileExport, namespaces)
      ? resolveIdentities(profileExport.identities, { namespaces, identities }, form)
      : [],
    linkDigest: digestOf(profileExport, namespaces, follow),
    state: {
      status: membership.isMember ? 'realized' : 'exited',
      isMember: membership.isMember && isPermitted,
      qualifiedAtMs: membership.qualifiedAtMs,
      enqueuedAtMs: event.enqueuedAtMs,
      sequenceNumber: event.sequenceNumber,
    },
    position,
    form,
  };
}

type LinkDigests = (
  profileExport: RoutedMembership['profileExport'],
  namespaces: readonly string[],
  follow: readonly string[],
) => string;

/** `linkDigest`, once for all routes of an export that ask for the same identities, as most do. */
function createLinkDigests(): LinkDigests {
  let last: Parameters<LinkDigests> | undefined;
  let digest = '';
  return (profileExport, namespaces, follow) => {
    const isSame = last?.[0] === profileExport && areSameWords(last[1], namespaces) && areSameWords(last[2], follow);
    if (!isSame) {
      last = [profileExport, namespaces, follow];
      digest = linkDigest(profileExport.identities, namespaces, follow);
    }
    return digest;
  };
}

function areSameWords(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((word, index) => word === right[index]);
}

/** An identity that cannot be read may be the one that comes first: a lower one is not taken in its place. */
function isPrecedenceKnown(
  { identities, unreadableIdentities }: RoutedMembership['profileExport'],
  namespaces: readonly string[],
): boolean {
  const first = namespaces.find((namespace) => identities.has(namespace) || unreadableIdentities.has(namespace));
  return first === undefined || !unreadableIdentities.has(first);
}

function desiredOf(person: RoutedPerson, identity: Identity, ledgerName: string): DesiredMembership {
  const { event, profileExport, audience, membership, routes, route, state } = person;
  const key = rowKey(ledgerName, route, audience, identity);
  return {
    event,
    profileExport,
    audience,
    membership,
    routes,
    route,
    key,
    keyText: ledgerKeyText(key),
    state,
    // A person who is not to be in the destination is taken out by identity alone; it learns nothing more about them.
    attributes: state.isMember ? attributesOf(profileExport, route) : {},
    person,
  };
}

/** The row of an identity in an audience, as this route keeps it. */
export function rowKey(
  ledgerName: string,
  { mode }: Route,
  { namespace, ledgerId }: RoutedMembership['audience'],
  identity: Identity,
): LedgerKey {
  const destination = mode === 'shadow' ? shadowDestination(ledgerName) : ledgerName;
  return { destination, identity, audience: { namespace, id: ledgerId } };
}

function attributesOf({ body }: RoutedMembership['profileExport'], route: Route): Attributes {
  const attributes: Record<string, JsonValue> = {};
  for (const { name, path } of route.attributes) {
    const value = attributeAt(body, path);
    if (value !== undefined) attributes[name] = value;
  }
  return attributes;
}
