import type { AudienceEntry, Route } from '@activation-hub/activation-file';
import { attributeAt, isNestedTooDeep, type JsonValue } from '@activation-hub/audience-events';
import {
  compareStates,
  identityCharactersMax,
  ledgerKeyText,
  linkDigest,
  resolveIdentities,
  shadowDestination,
  type Attributes,
  type FormerOf,
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
  /**
   * The identities that the route resolves to, in the form of the destination; none when it accepts
   * none of the profile's.
   */
  readonly identities: readonly Identity[];
  /**
   * Digest of what links the person's rows (`linkDigest`); empty when nothing but the identities
   * does.
   */
  readonly linkDigest: string;
  /** What the destination should know of each of them. */
  readonly state: UndigestedState;
  /**
   * Where the export stands in its batch: people of one body often have one state, and then the
   * later export counts.
   */
  readonly position: number;
  /** Brings identities into the form in which the destination gets them. */
  readonly form: FormIdentity;
}

/** What the row of a former identity of the person remembers. */
export function formerOfPerson({ identities, linkDigest }: RoutedPerson): readonly FormerOf[] {
  return identities.map((identity) => ({ ...identity, linkDigest }));
}

/** Orders what exports of a batch say of people from old to new. */
export function comparePeople(
  left: Pick<RoutedPerson, 'state' | 'position'>,
  right: Pick<RoutedPerson, 'state' | 'position'>,
): number {
  const order = compareStates(left.state, right.state);
  return order === 0 ? left.position - right.position : order;
}

/** Comes before every export of a batch that has the same state. */
export const unknownPosition = -1;

/** What the third stage makes of routed memberships. */
export interface Resolved {
  /** The newest of each key. */
  readonly desired: readonly DesiredMembership[];
  /** The same, by the text of the key. */
  readonly newest: ReadonlyMap<string, DesiredMembership>;
  /** Older ones of the same batch for a key that `desired` has. */
  readonly superseded: readonly DesiredMembership[];
  /** Those of which the profile has no identity that the route accepts. */
  readonly unresolved: readonly RoutedPerson[];
  /** Those of which a mapped attribute is nested too deeply; without their attributes. */
  readonly tooDeep: readonly DesiredMembership[];
}

/**
 * Turns memberships into what destinations should know: one desired membership for each route and
 * identity that the route resolves to. Of several for one key only the newest is desired.
 */
export function resolveMemberships(
  memberships: readonly RoutedMembership[],
  context: Pick<ActivationContext, 'targets' | 'matcher'>,
): Resolved {
  const newest = new Map<string, DesiredMembership>();
  const superseded: DesiredMembership[] = [];
  const unresolved: RoutedPerson[] = [];
  const tooDeep: DesiredMembership[] = [];
  const views = new RouteViews(context);
  let position = 0;
  for (const routed of memberships) {
    const isConsented = hasConsent(routed);
    for (const route of routed.routes) {
      const view = views.of(route, routed.audience);
      const isPermitted = isConsented && route.mode !== 'retired';
      const person = personOf(routed, route, { position, isPermitted, view });
      if (person.identities.length === 0) unresolved.push(person);
      // A person who is not to be in the destination is taken out by identity alone; it learns
      // nothing more about them.
      const attributes = person.state.isMember ? view.attributes.of(routed.profileExport) : noAttributes;
      for (const identity of person.identities) {
        const desired = desiredOf(person, identity, view, attributes ?? noAttributes);
        if (attributes === undefined) {
          tooDeep.push(desired);
          continue;
        }
        const other = newest.get(desired.keyText);
        const isNewer = other === undefined || compareStates(desired.state, other.state) >= 0;
        if (other !== undefined) superseded.push(isNewer ? other : desired);
        if (isNewer) newest.set(desired.keyText, desired);
      }
    }
    position += 1;
  }
  return { desired: [...newest.values()], newest, superseded, unresolved, tooDeep };
}

/** The form of a destination that is not set up, as in a dry run. */
const asItIs: FormIdentity = ({ value }) => value;

/**
 * No identity is longer than a row of the ledger takes: the destination would be told of a person
 * whom the ledger cannot keep.
 */
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
    view,
  }: { readonly position: number; readonly isPermitted: boolean; readonly view: RouteView },
): RoutedPerson {
  const { event, profileExport, audience, membership, routes } = routed;
  const { identities, linkDigest } = view.person.of(profileExport);
  return {
    event,
    profileExport,
    audience,
    membership,
    routes,
    route,
    identities,
    linkDigest,
    state: {
      status: membership.isMember ? 'realized' : 'exited',
      isMember: membership.isMember && isPermitted,
      qualifiedAtMs: membership.qualifiedAtMs,
      enqueuedAtMs: event.enqueuedAtMs,
      sequenceNumber: event.sequenceNumber,
    },
    position,
    form: view.form,
  };
}

type ProfileExport = RoutedMembership['profileExport'];

/**
 * How a route looks at exports. What is the same for several routes, as for most of one
 * destination, is computed once for an export.
 */
interface RouteView {
  readonly form: FormIdentity;
  /** The rows of the route: their keys but for the identity. */
  readonly rows: Omit<LedgerKey, 'identity'>;
  readonly person: OncePerExport<Pick<RoutedPerson, 'identities' | 'linkDigest'>>;
  /** Undefined when one is nested too deeply. */
  readonly attributes: OncePerExport<Attributes | undefined>;
}

/**
 * What the routes to one destination look at: an entry for each kind of route that differs from the
 * others.
 */
interface DestinationView extends Pick<RouteView, 'form'> {
  readonly ledgerName: string;
  readonly people: { readonly route: Route; readonly person: RouteView['person'] }[];
  readonly attributes: { readonly route: Route; readonly attributes: RouteView['attributes'] }[];
}

/** The views of the routes of one batch. */
class RouteViews {
  readonly #context: Pick<ActivationContext, 'targets' | 'matcher'>;
  readonly #destinations = new Map<string, DestinationView>();
  readonly #routes = new Map<Route, RouteView>();

  constructor(context: Pick<ActivationContext, 'targets' | 'matcher'>) {
    this.#context = context;
  }

  /** The view of a route of this audience. */
  of(route: Route, audience: AudienceEntry): RouteView {
    let view = this.#routes.get(route);
    if (view === undefined) this.#routes.set(route, (view = this.#make(route, audience)));
    return view;
  }

  #make(route: Route, audience: AudienceEntry): RouteView {
    const { form, ledgerName, people, attributes } = this.#destination(route.destination);
    let ofIdentities = people.find((other) => asksForTheSameIdentities(other.route, route));
    if (ofIdentities === undefined) {
      ofIdentities = { route, person: new OncePerExport(identitiesOf(route, form)) };
      people.push(ofIdentities);
    }
    let ofAttributes = attributes.find((other) => mapsTheSameAttributes(other.route, route));
    if (ofAttributes === undefined) {
      ofAttributes = { route, attributes: new OncePerExport(attributesOf(route)) };
      attributes.push(ofAttributes);
    }
    return {
      form,
      rows: rowsOf(ledgerName, route, audience),
      person: ofIdentities.person,
      attributes: ofAttributes.attributes,
    };
  }

  #destination(key: string): DestinationView {
    const { targets, matcher } = this.#context;
    const view = this.#destinations.get(key) ?? {
      form: keepable(targets.get(key)?.formIdentity ?? asItIs),
      ledgerName: matcher.destination(key)?.ledgerName ?? key,
      people: [],
      attributes: [],
    };
    this.#destinations.set(key, view);
    return view;
  }
}

/** Computes it once for each export: the memberships of one come one after the other. */
class OncePerExport<Result> {
  readonly #compute: (profileExport: ProfileExport) => Result;
  #last: ProfileExport | undefined;
  #result: Result | undefined;

  constructor(compute: (profileExport: ProfileExport) => Result) {
    this.#compute = compute;
  }

  of(profileExport: ProfileExport): Result {
    if (this.#last === profileExport) return this.#result as Result;
    this.#last = profileExport;
    return (this.#result = this.#compute(profileExport));
  }
}

function asksForTheSameIdentities(left: Route, right: Route): boolean {
  return (
    left.identities === right.identities &&
    areSameWords(left.identityNamespaces, right.identityNamespaces) &&
    areSameWords(left.follow, right.follow)
  );
}

function mapsTheSameAttributes(left: Route, right: Route): boolean {
  return (
    left.attributes.length === right.attributes.length &&
    left.attributes.every(({ name, path }, index) => {
      const other = right.attributes[index];
      return name === other?.name && areSameWords(path, other.path);
    })
  );
}

function areSameWords(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((word, index) => word === right[index]);
}

function identitiesOf(
  { identityNamespaces, identities, follow }: Route,
  form: FormIdentity,
): (profileExport: ProfileExport) => Pick<RoutedPerson, 'identities' | 'linkDigest'> {
  // The lists of a file are frozen: to go through one takes an object for each step.
  const choice = { namespaces: [...identityNamespaces], identities };
  const followed = [...follow];
  return (profileExport) => ({
    identities: isPrecedenceKnown(profileExport, choice.namespaces)
      ? resolveIdentities(profileExport.identities, choice, form)
      : [],
    linkDigest: linkDigest(profileExport.identities, choice, followed),
  });
}

/**
 * An identity that cannot be read may be the one that comes first: a lower one is not taken in its
 * place.
 */
function isPrecedenceKnown(
  { identities, unreadableIdentities }: ProfileExport,
  namespaces: readonly string[],
): boolean {
  if (unreadableIdentities.size === 0) return true;
  const first = namespaces.find((namespace) => identities.has(namespace) || unreadableIdentities.has(namespace));
  return first === undefined || !unreadableIdentities.has(first);
}

function desiredOf(
  person: RoutedPerson,
  identity: Identity,
  { rows }: RouteView,
  attributes: Attributes,
): DesiredMembership {
  const { event, profileExport, audience, membership, routes, route, state } = person;
  const key = { destination: rows.destination, identity, audience: rows.audience };
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
    attributes,
    person,
  };
}

const noAttributes: Attributes = Object.freeze({});

/** The row of an identity in an audience, as this route keeps it. */
export function rowKey(
  ledgerName: string,
  route: Route,
  audience: RoutedMembership['audience'],
  identity: Identity,
): LedgerKey {
  return { ...rowsOf(ledgerName, route, audience), identity };
}

/** What the keys of all rows of the route have in common. */
function rowsOf(
  ledgerName: string,
  { mode }: Route,
  { namespace, ledgerId }: RoutedMembership['audience'],
): Omit<LedgerKey, 'identity'> {
  const destination = mode === 'shadow' ? shadowDestination(ledgerName) : ledgerName;
  return { destination, audience: { namespace, id: ledgerId } };
}

function attributesOf({ attributes }: Route): (profileExport: ProfileExport) => Attributes | undefined {
  // As above: no list that is frozen.
  const mapped = attributes.map(({ name, path }) => ({ name, path: [...path] }));
  return ({ body }) => {
    const found: Record<string, JsonValue> = {};
    for (const { name, path } of mapped) {
      const value = attributeAt(body, path);
      if (value === undefined) continue;
      if (isNestedTooDeep(value)) return undefined;
      found[name] = value;
    }
    return found;
  };
}

/**
 * A member of the audience who is not to be in the destination was withheld for want of consent, or
 * the route is retired.
 */
export function outcomeOf<Kind extends string>(
  { state, route }: DesiredMembership,
  outcome: Kind,
): Kind | 'withheld' | 'retired' {
  if (outcome !== 'unchanged' || state.status !== 'realized' || state.isMember) return outcome;
  return route.mode === 'retired' ? 'retired' : 'withheld';
}
