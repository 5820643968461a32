import type { JsonObject, JsonValue } from '@activation-hub/audience-events';
import {
  buildIdentities,
  buildProfileExport,
  randomPerson,
  randomUuid,
  seededRandom,
  standardNamespaces,
  type MembershipContent,
} from '@activation-hub/audience-events/testing';
import { spellingOf, type TimedStatus } from './tenant-memberships.ts';
import type { TenantOptions } from './tenant.ts';

/** What one export says. */
export interface ExportContent {
  readonly profile: number;
  /** Whether the person has told who they are: before that there is only an `ecid`. */
  readonly isKnown: boolean;
  /** Rises whenever attributes change. */
  readonly version: number;
  /** Whether consent was withdrawn. */
  readonly withdrawn: boolean;
  readonly memberships: readonly (TimedStatus & { readonly audience: number })[];
}

/** Who the profiles are. Everything follows from seed and number, so nothing is kept. */
export function peopleOf({ seed, audiences, namespaces, attributes, consents }: TenantOptions) {
  const standardCode = new Map(standardNamespaces.map((code) => [code.toLowerCase(), code]));
  const unmappedRandom = seededRandom(mix(seed, 0x0a0d1e));
  const unmapped = [randomUuid(unmappedRandom), randomUuid(unmappedRandom)];
  const personOf = (profile: number, version: number) => randomPerson(seededRandom(mix(seed, profile, version)));

  const identitiesOf = (profile: number, isKnown: boolean): Record<string, string[]> => {
    const person = personOf(profile, 0);
    const unique = {
      email: person.email.replace(/\d+@/, `${profile}@`),
      phone: `+1555${String(profile).padStart(7, '0')}`,
    };
    const random = seededRandom(mix(seed, profile, 0x1d));
    const ecids = Array.from({ length: random() < 0.15 ? 2 : 1 }, (_, index) => {
      const [digits = ''] = buildIdentities(unique, ['ECID'], random).ecid ?? [];
      return `${digits.slice(0, 27)}${index}${String(profile).padStart(10, '0')}`;
    });
    if (!isKnown) return { ecid: ecids };
    const known = namespaces.filter((namespace) => namespace !== 'ecid' && random() < 0.85);
    return Object.fromEntries([
      ['ecid', ecids],
      ...known.map((namespace) => {
        const code = standardCode.get(namespace);
        const [standard] = code === undefined ? [] : (buildIdentities(unique, [code], random)[namespace] ?? []);
        const isDerived = code !== undefined && /^(email|phone)/.test(namespace);
        return [namespace, [isDerived && standard ? standard : `${namespace.toUpperCase()}-${10_000_000 + profile}`]];
      }),
    ]) as Record<string, string[]>;
  };

  const attributesOf = (profile: number, version: number, isWithdrawn: boolean): Record<string, JsonValue> => {
    const base = personOf(profile, 0).attributes;
    const moved = version === 0 ? base : personOf(profile, version).attributes;
    const valueAt = (path: string): JsonValue => {
      if (path.endsWith('Email.address')) return identitiesOf(profile, true).email?.[0] ?? `${profile}@example.com`;
      return (path.startsWith('person.') ? base[path] : moved[path]) ?? `${path.split('.').at(-1) ?? path} ${version}`;
    };
    return Object.fromEntries([
      ...attributes.map((path) => [path, valueAt(path)] as const),
      ...consents.map((path) => [path, isWithdrawn ? 'n' : 'y'] as const),
    ]);
  };

  const exportOf = ({ profile, isKnown, version, withdrawn, memberships }: ExportContent): JsonObject => {
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
      attributes: attributesOf(profile, version, withdrawn),
      memberships: [...mapped, ...ridingAlong],
      identities: identitiesOf(profile, isKnown),
      includeNames: true,
      includeTimestamps: true,
    });
  };

  return { identitiesOf, attributesOf, exportOf };
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
