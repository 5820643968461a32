import {
  isRefusal,
  readMembership,
  readProfileExports,
  type AudienceMembership,
  type JsonObject,
} from '@activation-hub/audience-events';
import {
  encodeProfileExport,
  formatQualificationTime,
  seededRandom,
  timeSpellings,
} from '@activation-hub/audience-events/testing';
import { resolveIdentities, type IdentityChoice } from '@activation-hub/membership';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTenant, type SimulatedExport } from './tenant.ts';
import type { TenantOptions } from './tenant-options.ts';

const options: TenantOptions = {
  seed: 1,
  profiles: 40,
  audiences: [
    { namespace: 'ups', id: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02', name: 'Sports Fans' },
    { namespace: 'ups', id: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a03', name: 'Newsletter' },
    { namespace: 'AAM', id: '12345', name: 'Partners' },
  ],
  namespaces: ['crmid', 'email', 'phone', 'email_lc_sha256'],
  attributes: ['person.name.firstName', 'homeAddress.city', '_tenant.loyalty.tier'],
  consents: ['consents.marketing.email.val'],
};
const startAt = Date.UTC(2026, 10, 22, 12);
const choices: readonly IdentityChoice[] = [
  { namespaces: ['crmid', 'email'], identities: 'first' },
  { namespaces: ['ecid'], identities: 'first' },
  { namespaces: ['ecid'], identities: 'all' },
  { namespaces: ['email', 'ecid'], identities: 'first' },
];

function exportsOf(tenant: ReturnType<typeof createTenant>, count: number, everyMs = 120): SimulatedExport[] {
  return Array.from({ length: count }, (_, index) => tenant.next(startAt + index * everyMs));
}

interface Standing {
  readonly qualifiedAtMs: number;
  readonly status: string;
  readonly body: JsonObject;
  readonly identities: ReadonlyMap<string, readonly string[]>;
}

/**
 * What the exports say by AEP's rules, read the slow way: by person and audience. Later exports win
 * ties.
 */
function replay(exports: readonly SimulatedExport[]): Map<string, Standing> {
  const standings = new Map<string, Standing>();
  for (const { body, profile, at } of exports) {
    const [profileExport] = readProfileExports(encodeProfileExport(body)).exports;
    if (profileExport === undefined) throw new Error('An export of the tenant cannot be read.');
    for (const audience of options.audiences) {
      const membership = readMembership(profileExport, audience.namespace, audience.id, at);
      if (isRefusal(membership)) {
        expect(membership.code).toBe('absent-membership');
        continue;
      }
      const key = `${profile} ${audience.id}`;
      const known = standings.get(key);
      if (known === undefined || rank(membership) >= rank(known))
        standings.set(key, { ...membership, body, identities: profileExport.identities });
    }
  }
  return standings;
}

function rank({ qualifiedAtMs, status }: Pick<AudienceMembership, 'qualifiedAtMs'> & { status: string }): number {
  return qualifiedAtMs * 2 + Number(status === 'exited');
}

function truthOf(tenant: ReturnType<typeof createTenant>, choice: IdentityChoice) {
  return [...tenant.truth(choice)].map((each) => ({ ...each, key: `${each.profile} ${each.audience.id}` }));
}

test('the same seed and times give the same bytes, another seed gives others', () => {
  const bytes = (seed: number): string =>
    exportsOf(createTenant({ ...options, seed }), 500)
      .map(({ body }) => JSON.stringify(body))
      .join('\n');
  expect(bytes(7)).toBe(bytes(7));
  expect(bytes(7)).not.toBe(bytes(8));
});

test('every export is one that AEP could have sent, and no person is exported who never was in a mapped audience', () => {
  for (const { body, at } of exportsOf(createTenant(options), 2000)) {
    const { exports, refusals } = readProfileExports(encodeProfileExport(body));
    expect(refusals).toEqual([]);
    expect(exports[0]?.identities.get('ecid')?.[0]).toMatch(/^\d{38}$/);
    expect(Object.keys(exports[0]?.segmentMembership ?? {}).length).toBeGreaterThan(0);
    expect(at).toBeGreaterThanOrEqual(startAt);
  }
});

test('the truth is what a naive replay of the exports gives', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 0, max: 3000 }),
      fc.constantFrom(...choices),
      (seed, profiles, everyMs, choice) => {
        const tenant = createTenant({ ...options, seed, profiles });
        const standings = replay(exportsOf(tenant, 400, everyMs));
        const truth = truthOf(tenant, choice);
        expect(truth.map(({ key }) => key).sort()).toEqual([...standings.keys()].sort());
        for (const { key, status, qualifiedAtMs, identities, attributes, consentWithdrawn } of truth) {
          const standing = standings.get(key);
          const resolved = resolveIdentities(standing?.identities ?? new Map(), choice, ({ value }) => value);
          expect(new Set(identities)).toEqual(new Set(resolved));
          expect({ status, qualifiedAtMs }).toEqual({
            status: standing?.status,
            qualifiedAtMs: standing?.qualifiedAtMs,
          });
          expect(JSON.stringify(standing?.body)).toContain(
            `"firstName":${JSON.stringify(attributes['person.name.firstName'])}`,
          );
          expect(JSON.stringify(standing?.body)).toContain(
            `"tier":${JSON.stringify(attributes['_tenant.loyalty.tier'])}`,
          );
          expect(JSON.stringify(standing?.body)).toContain(`"email":{"val":"${consentWithdrawn ? 'n' : 'y'}"}`);
        }
      },
    ),
    { numRuns: 30 },
  );
});

test('no disorder changes who is a member and since when', () => {
  const tenant = createTenant(options);
  const exports = exportsOf(tenant, 1500);
  const random = seededRandom(3);
  const shuffled = exports.map((each) => ({ each, place: random() })).sort((left, right) => left.place - right.place);
  for (const choice of choices) {
    const standings = replay(shuffled.map(({ each }) => each));
    for (const { key, status, qualifiedAtMs } of truthOf(tenant, choice)) {
      expect(standings.get(key)).toMatchObject({ status, qualifiedAtMs });
    }
  }
});

test('older states do come after newer ones: who believed the last arrival would be wrong', () => {
  const newest = new Map<string, number>();
  let older = 0;
  for (const { body, profile, at } of exportsOf(createTenant(options), 1500)) {
    const [profileExport] = readProfileExports(encodeProfileExport(body)).exports;
    const membership = profileExport && readMembership(profileExport, 'ups', options.audiences[0]?.id ?? '', at);
    if (membership === undefined || isRefusal(membership)) continue;
    const known = newest.get(String(profile)) ?? -Infinity;
    if (rank(membership) < known) older += 1;
    newest.set(String(profile), Math.max(known, rank(membership)));
  }
  expect(older).toBeGreaterThan(0);
});

test('most exports change nothing, and there are entries, exits, repetitions and all five spellings of time', () => {
  const exports = exportsOf(createTenant({ ...options, profiles: 200 }), 4000);
  const told = new Map<string, string>();
  let changing = 0;
  const seen = new Set<string>();
  let repetitions = 0;
  const times = new Set<string>();
  const statuses = new Set<unknown>();
  for (const { body, profile } of exports) {
    const text = JSON.stringify(body);
    if (seen.has(text)) repetitions += 1;
    seen.add(text);
    if (told.get(String(profile)) !== text) changing += 1;
    told.set(String(profile), text);
    for (const [, time = ''] of text.matchAll(/"lastQualificationTime":"([^"]+)"/g))
      times.add(time.replace(/\d/g, '0'));
    for (const [, status] of text.matchAll(/"status":"([^"]+)"/g)) statuses.add(status);
  }
  const spellings = timeSpellings.map((spelling) => formatQualificationTime(startAt, spelling).replace(/\d/g, '0'));
  expect(times).toEqual(new Set(spellings));
  expect(statuses).toEqual(new Set(['realized', 'exited']));
  expect(repetitions).toBeGreaterThan(exports.length / 4);
  expect(changing).toBeLessThan(exports.length);
});

test('a better identity appears, one sorts first, ECIDs come and go, addresses change, and consent is withdrawn meanwhile', () => {
  const tenant = createTenant({ ...options, profiles: 100 });
  const before = new Map<
    number,
    { readonly identities: ReadonlyMap<string, readonly string[]>; readonly no: boolean }
  >();
  const seen = new Set<string>();
  for (const { body, profile, person } of exportsOf(tenant, 4000)) {
    const [profileExport] = readProfileExports(encodeProfileExport(body)).exports;
    const identities = profileExport?.identities ?? new Map<string, readonly string[]>();
    const last = before.get(profile);
    before.set(profile, { identities, no: person.withdrawn });
    if (last === undefined) continue;
    const values = (of: ReadonlyMap<string, readonly string[]>, namespace: string) =>
      of.get(namespace)?.toSorted() ?? [];
    const [old, now] = [values(last.identities, 'crmid'), values(identities, 'crmid')];
    if (old.length === 0 && now.length > 0 && values(last.identities, 'email').length > 0) seen.add('better');
    if (old.length > 0 && now.length > old.length && now[0] !== old[0]) seen.add('sorts first');
    const [oldEmail, email] = [values(last.identities, 'email')[0], values(identities, 'email')[0]];
    const hasChanged = oldEmail !== undefined && email !== undefined && email !== oldEmail;
    if (hasChanged) seen.add('address');
    if (hasChanged && person.withdrawn && !last.no) seen.add('withdrawn meanwhile');
    const ecids = values(identities, 'ecid').length - values(last.identities, 'ecid').length;
    if (ecids !== 0) seen.add(ecids > 0 ? 'ECID added' : 'ECID removed');
  }
  expect([...seen].sort()).toEqual(
    ['ECID added', 'ECID removed', 'address', 'better', 'sorts first', 'withdrawn meanwhile'].sort(),
  );
});

test('identities of different profiles are different', () => {
  const tenant = createTenant({ ...options, profiles: 1000 });
  const owner = new Map<string, number>();
  for (const { body, profile } of exportsOf(tenant, 3000)) {
    const [profileExport] = readProfileExports(encodeProfileExport(body)).exports;
    for (const [namespace, values] of profileExport?.identities ?? []) {
      for (const value of values) {
        expect(owner.get(`${namespace} ${value}`) ?? profile).toBe(profile);
        owner.set(`${namespace} ${value}`, profile);
      }
    }
  }
});

test('memory does not grow with the number of exports', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const tenant = createTenant({ ...options, profiles: 500 });
  const heapAfter = (count: number): number => {
    for (let index = 0; index < count; index += 1) tenant.next(startAt + index);
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = heapAfter(3_000);
  expect(heapAfter(15_000) - before).toBeLessThan(1024 * 1024);
});

test('a tenant without people or audiences is refused', () => {
  expect(() => createTenant({ ...options, profiles: 0 })).toThrow(RangeError);
  expect(() => createTenant({ ...options, audiences: [] })).toThrow(RangeError);
});
