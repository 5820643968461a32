import { readProfileExports, type JsonValue } from '@activation-hub/audience-events';
import type { KnownPerson, SimulatedExport, Tenant } from '../src/traffic/tenant.ts';
import type { PersonState } from '../src/traffic/tenant-people.ts';
import { gatedAudience, mappedAttributes, routes, type ChaosRoute, type FileVersion } from './chaos-file.ts';
import type { Receiver } from './receivers.ts';

export interface Comparison {
  /** Identities of members under which the receiver should know them. */
  readonly members: number;
  /** Those under which it does not. */
  readonly missing: number;
  /** Those under which it has attributes that are not the newest. */
  readonly outdated: number;
  /**
   * Identities that it has although the person no longer has them, is no member, or is withheld.
   */
  readonly leftBehind: number;
  /** Changes that are older than what was applied before of the same identity and audience. */
  readonly contradicted: number;
  /**
   * People of the kind that has no certain order: within one qualification consent, an attribute or
   * an identity went there and back over several partitions (docs/decisions/what-orders-states.md).
   * How many there are, and of how many the receiver knows another state of that qualification than
   * the one that was sent last.
   */
  readonly thereAndBack: number;
  readonly thereAndBackDiffering: number;
  /** The first people whom the receiver knows wrongly. */
  readonly differences: readonly Difference[];
}

/** A person whom a receiver knows wrongly, and how that came about. */
export interface Difference {
  readonly audience: string;
  readonly person: number;
  /** Identities with attributes, as JSON. */
  readonly should: Readonly<Record<string, string>>;
  readonly has: Readonly<Record<string, string>>;
  /** What was sent of the person, and then what the receiver took, each a line in its order. */
  readonly history: readonly string[];
}

const differencesMax = 3;

interface Qualification {
  readonly states: Map<string, PersonState>;
  last: string;
  isThereAndBack: boolean;
}

/**
 * What was sent of each person in each audience, as far as the tenant's truth needs it to be
 * judged.
 */
export class SentStates {
  readonly #qualifications = new Map<string, Qualification>();
  readonly #owners = new Map<string, number>();
  readonly #exports = new Map<number, string[]>();

  /**
   * Takes exports in the order in which they are sent, each with when that is, in epoch
   * milliseconds.
   */
  note({ body, profile, person, memberships }: SimulatedExport, sentAtMs: number): void {
    const all: string[] = [];
    for (const { identities } of readProfileExports(Buffer.from(JSON.stringify(body))).exports) {
      for (const [namespace, values] of identities)
        for (const value of values) {
          this.#owners.set(`${namespace} ${value}`, profile);
          all.push(`${namespace} ${value}`);
        }
    }
    const states = memberships.map(
      ({ audience, status, qualifiedAtMs }) => `${audience.name} ${status} ${new Date(qualifiedAtMs).toISOString()}`,
    );
    const line = `${new Date(sentAtMs).toISOString()} sent: ${states.join(', ')}; ${person.withdrawn ? 'no consent; ' : ''}${all.join(', ')}`;
    this.#exports.set(profile, [...(this.#exports.get(profile) ?? []), line]);
    const state = JSON.stringify([person.stage, person.version, person.withdrawn]);
    for (const { audience, status, qualifiedAtMs } of memberships) {
      const key = `${audience.name} ${profile} ${qualifiedAtMs} ${status}`;
      const known = this.#qualifications.get(key);
      if (known === undefined) {
        this.#qualifications.set(key, { states: new Map([[state, person]]), last: state, isThereAndBack: false });
      } else if (known.last !== state) {
        known.isThereAndBack ||= known.states.has(state);
        known.states.set(state, person);
        known.last = state;
      }
    }
  }

  /** Whose identity it is. */
  owner(identity: string): number | undefined {
    return this.#owners.get(identity);
  }

  /** What was sent of a person, each export a line. */
  exportsOf(profile: number): readonly string[] {
    return this.#exports.get(profile) ?? [];
  }

  /**
   * Every state in which a person was sent in one qualification, and whether one of them came again
   * after another.
   */
  qualification(audience: string, profile: number, qualifiedAtMs: number, status: string): Qualification | undefined {
    return this.#qualifications.get(`${audience} ${profile} ${qualifiedAtMs} ${status}`);
  }
}

/**
 * Compares what a receiver knows with what the tenant says that it should, by the routes of this
 * version of the file.
 */
export function compare(tenant: Tenant, sent: SentStates, receiver: Receiver, version: FileVersion): Comparison {
  const counts = { members: 0, missing: 0, outdated: 0, leftBehind: 0, thereAndBack: 0, thereAndBackDiffering: 0 };
  const known = knownPeople(sent, receiver);
  const differences: Difference[] = [];
  const differs = (
    audience: string,
    person: number,
    should: ReadonlyMap<string, string>,
    has: ReadonlyMap<string, string>,
  ): void => {
    if (differences.length === differencesMax) return;
    const history = [...sent.exportsOf(person), ...applicationsOf(sent, receiver, audience, person)];
    differences.push({
      audience,
      person,
      should: Object.fromEntries(should),
      has: Object.fromEntries(has),
      history: history.toSorted(),
    });
  };
  const own = routes.filter(({ receiver: kind }) => kind === receiver.kind);
  for (const route of own.filter(({ changes }) => changes !== 'added' || version === 'after')) {
    const isRetired = route.changes === 'retired' && version === 'after';
    for (const { profile, audience, status, qualifiedAtMs, ...person } of tenant.truth(route.choice)) {
      if (audience.name !== route.audience) continue;
      const who = `${route.audience} ${profile}`;
      const has = known.get(who) ?? new Map<string, string>();
      known.delete(who);
      const isOut = status === 'exited' || isRetired;
      const should = isOut ? new Map<string, string>() : expected(route, person);
      counts.members += should.size;
      const qualification = sent.qualification(route.audience, profile, qualifiedAtMs, status);
      const isLenient = qualification?.isThereAndBack === true && !isOut;
      if (isLenient) counts.thereAndBack += 1;
      if (isSame(has, should)) continue;
      const others = [...(qualification?.states.values() ?? [])].map((state) =>
        expected(route, tenant.describe(profile, state, route.choice)),
      );
      if (isLenient && others.some((other) => isSame(has, other))) {
        counts.thereAndBackDiffering += 1;
        continue;
      }
      differs(route.audience, profile, should, has);
      for (const [identity, attributes] of should) {
        if (!has.has(identity)) counts.missing += 1;
        else if (has.get(identity) !== attributes) counts.outdated += 1;
      }
      for (const identity of has.keys()) if (!should.has(identity)) counts.leftBehind += 1;
    }
  }
  for (const [who, identities] of known) {
    const [audience = '', person] = who.split(' ');
    differs(audience, Number(person), new Map(), identities);
    counts.leftBehind += identities.size;
  }
  return { ...counts, differences, contradicted: contradictions(tenant, sent, receiver) };
}

function applicationsOf(sent: SentStates, { applications }: Receiver, of: string, person: number): readonly string[] {
  return applications
    .filter(({ audience, identity }) => audience === of && sent.owner(identity) === person)
    .map(
      ({ atMs, change, identity, qualifiedAt, by }) =>
        `${new Date(atMs).toISOString()} took: ${change} ${qualifiedAt} ${identity} (host ${by})`,
    );
}

/** What the receiver should have of a member: attributes by identity. */
function expected(
  { audience }: ChaosRoute,
  { identities, attributes, consentWithdrawn }: KnownPerson,
): ReadonlyMap<string, string> {
  if (consentWithdrawn && audience === gatedAudience) return new Map();
  const told = attributesJson((path) => attributes[path]);
  return new Map(identities.map(({ namespace, value }) => [`${namespace} ${value}`, told]));
}

/**
 * By audience and person, what the receiver has: attributes by identity. An identity that was in no
 * export has the placeholder as its person.
 */
function knownPeople(sent: SentStates, { members }: Receiver): Map<string, Map<string, string>> {
  const known = new Map<string, Map<string, string>>();
  for (const [key, attributes] of members) {
    const [audience = '', ...identity] = key.split(' ');
    const who = `${audience} ${sent.owner(identity.join(' ')) ?? 'nobody'}`;
    const ofPerson = known.get(who) ?? new Map<string, string>();
    known.set(who, ofPerson.set(identity.join(' '), attributes));
  }
  return known;
}

/**
 * What the receiver saw go back in time. An entry after an exit of the same qualification is none
 * where that qualification was also sent without consent, or without this identity: the person was
 * out under it in between.
 */
function contradictions(tenant: Tenant, sent: SentStates, { counts, kind, returns }: Receiver): number {
  let contradicted = counts.contradicted;
  for (const { audience, identity, atMs } of returns) {
    const route = routes.find((each) => each.receiver === kind && each.audience === audience);
    const owner = sent.owner(identity);
    const qualification = owner === undefined ? undefined : sent.qualification(audience, owner, atMs, 'realized');
    const wasOut = [...(qualification?.states.values() ?? [])].some(
      (state) =>
        route !== undefined &&
        owner !== undefined &&
        !expected(route, tenant.describe(owner, state, route.choice)).has(identity),
    );
    if (!wasOut) contradicted += 1;
  }
  return contradicted;
}

function isSame(left: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>): boolean {
  return left.size === right.size && [...left].every(([key, value]) => right.get(key) === value);
}

function attributesJson(valueAt: (path: string) => JsonValue | undefined): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(mappedAttributes).map(([name, path]) => [name, valueAt(path)])),
  );
}
