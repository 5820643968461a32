import type { JsonObject, JsonValue } from '@activation-hub/audience-events';
import {
  buildIdentities,
  buildProfileExport,
  randomPerson,
  randomUuid,
  seededRandom,
  standardNamespaces,
  type MembershipContent,
  type Random,
} from '@activation-hub/audience-events/testing';
import { spellingOf, type TimedStatus } from './timed-status.ts';
import type { TenantOptions } from './tenant-options.ts';

/** Who a person is at one moment. */
export interface PersonState {
  /**
   * Which identities the person has: bits of `has`, and above them how often the e-mail address has
   * changed.
   */
  readonly stage: number;
  /** Rises whenever attributes change. */
  readonly version: number;
  /** Whether consent was withdrawn. */
  readonly withdrawn: boolean;
}

/** What one export says. */
export interface ExportContent {
  readonly profile: number;
  readonly person: PersonState;
  readonly memberships: readonly (TimedStatus & { readonly audience: number })[];
}

/**
 * The bits of a stage. Before log-in a person has only ECIDs; some identities come with it, others
 * later.
 */
const has = { loggedIn: 1, everything: 2, secondEcid: 4, earlierEcid: 8, mergedProfile: 16 } as const;
const emailShift = 5;
/** A stage has 16 bits. */
const emailChangesMax = 2 ** (16 - emailShift) - 1;
/** Of a known person's namespaces, those that come with log-in, and those that ever come. */
const shareAtLogIn = 0.55;
const shareInTheEnd = 0.85;

/** Who was seen on one device and never logged in, and who is known in every way. */
export const anonymousStage = 0;
export const knownStage = has.loggedIn | has.everything;

/** The identities after the e-mail address has changed; the same when it has changed too often. */
export function withAnotherEmail(stage: number): number {
  return stage >> emailShift < emailChangesMax ? stage + (1 << emailShift) : stage;
}

/**
 * The identities with which a person begins: most are known, and most of these in every way that
 * they ever will be.
 */
export function firstStage(random: Random): number {
  const second = random() < 0.15 ? has.secondEcid : 0;
  if (random() >= 0.7) return second;
  return second | has.loggedIn | (random() < 0.6 ? has.everything : 0);
}

/** The identities after one of them has come, gone or changed. */
export function nextStage(stage: number, random: Random): number {
  const toggled = (bit: number): number => stage ^ bit;
  if ((stage & has.loggedIn) === 0) return toggled(random() < 0.6 ? has.loggedIn : has.secondEcid);
  // Twice, for it is what happens most: a person who has logged in is recognised by more and more.
  const missing = [has.everything, has.everything, has.mergedProfile].filter((bit) => (stage & bit) === 0);
  const emails = stage >> emailShift < emailChangesMax ? [1 << emailShift] : [];
  const steps = [
    ...missing.map(toggled),
    ...emails.map((more) => stage + more),
    toggled(has.secondEcid),
    toggled(has.earlierEcid),
  ];
  return steps[Math.floor(random() * steps.length)] ?? stage;
}

/** Who the profiles are. Everything follows from seed, number and state, so nothing is kept. */
export function peopleOf({ seed, audiences, namespaces, attributes, consents }: TenantOptions) {
  const standardCode = new Map(standardNamespaces.map((code) => [code.toLowerCase(), code]));
  const unmappedRandom = seededRandom(mix(seed, 0x0a0d1e));
  const unmapped = [randomUuid(unmappedRandom), randomUuid(unmappedRandom)];
  const personOf = (profile: number, version: number) => randomPerson(seededRandom(mix(seed, profile, version)));

  const emailOf = (profile: number, stage: number): string => {
    const changes = stage >> emailShift;
    return personOf(profile, 0).email.replace(/\d+@/, `${profile}${changes === 0 ? '' : `.${changes}`}@`);
  };

  const ecidsOf = (profile: number, stage: number): string[] => {
    const random = seededRandom(mix(seed, profile, 0x1d));
    const [digits = ''] = buildIdentities({ email: '', phone: '' }, ['ECID'], random).ecid ?? [];
    const ecid = (first: string, index: number): string =>
      `${first}${digits.slice(1, 27)}${index}${String(profile).padStart(10, '0')}`;
    // AEP promises no order, so what sorts first comes last.
    return [
      ecid(digits.slice(0, 1), 0),
      ...((stage & has.secondEcid) === 0 ? [] : [ecid(digits.slice(0, 1), 1)]),
      ...((stage & has.earlierEcid) === 0 ? [] : [ecid('0', 2)]),
    ];
  };

  const identitiesOf = (profile: number, stage: number): Readonly<Record<string, readonly string[]>> => {
    const identities: Record<string, readonly string[]> = { ecid: ecidsOf(profile, stage) };
    if ((stage & has.loggedIn) === 0) return identities;
    const unique = { email: emailOf(profile, stage), phone: `+1555${String(profile).padStart(7, '0')}` };
    const shareNow = (stage & has.everything) === 0 ? shareAtLogIn : shareInTheEnd;
    for (const [index, namespace] of namespaces.entries()) {
      const random = seededRandom(mix(seed, profile, 0x1d, index));
      if (namespace === 'ecid' || random() >= shareNow) continue;
      const code = standardCode.get(namespace);
      const [standard] = code === undefined ? [] : (buildIdentities(unique, [code], random)[namespace] ?? []);
      if (code !== undefined && /^(email|phone)/.test(namespace) && standard !== undefined) {
        identities[namespace] = [standard];
        continue;
      }
      const own = `${namespace.toUpperCase()}-${10_000_000 + profile}`;
      const merged = `${namespace.toUpperCase()}-${String(profile).padStart(8, '0')}`;
      identities[namespace] = (stage & has.mergedProfile) === 0 ? [own] : [own, merged];
    }
    return identities;
  };

  const attributesOf = (
    profile: number,
    { version, withdrawn, stage }: PersonState,
  ): Readonly<Record<string, JsonValue>> => {
    const base = personOf(profile, 0).attributes;
    const moved = version === 0 ? base : personOf(profile, version).attributes;
    const valueAt = (path: string): JsonValue => {
      if (path.endsWith('Email.address')) return emailOf(profile, stage);
      return (path.startsWith('person.') ? base[path] : moved[path]) ?? `${path.split('.').at(-1) ?? path} ${version}`;
    };
    return Object.fromEntries([
      ...attributes.map((path) => [path, valueAt(path)] as const),
      ...consents.map((path) => [path, withdrawn ? 'n' : 'y'] as const),
    ]);
  };

  const exportOf = ({ profile, person, memberships }: ExportContent): JsonObject => {
    const random = seededRandom(mix(seed, profile, 0xad));
    const mapped = memberships.map(({ audience, status, qualifiedAtMs }): MembershipContent => ({
      namespace: audiences[audience]?.namespace ?? 'ups',
      audienceId: audiences[audience]?.id ?? '',
      name: audiences[audience]?.name ?? '',
      status,
      qualifiedAtMs,
      spelling: spellingOf(qualifiedAtMs, profile),
    }));
    const ridingAlong = unmapped.flatMap((audienceId): MembershipContent[] =>
      random() < 0.5
        ? [{ audienceId, qualifiedAtMs: Date.UTC(2026, 0, 1) + Math.floor(random() * 1e9), isMapped: false }]
        : [],
    );
    return buildProfileExport({
      attributes: attributesOf(profile, person),
      memberships: [...mapped, ...ridingAlong],
      identities: identitiesOf(profile, person.stage),
      includeNames: true,
      includeTimestamps: true,
    });
  };

  return { emailOf, identitiesOf, attributesOf, exportOf };
}

/** A 32-bit seed out of several numbers. */
export function mix(...numbers: readonly number[]): number {
  let mixed = 0x811c9dc5;
  for (const number of numbers) {
    mixed = Math.imul(mixed ^ (number | 0), 0x9e3779b1);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
    mixed ^= mixed >>> 13;
  }
  return mixed >>> 0;
}
