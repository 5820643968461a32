import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  buildIdentities,
  buildProfileExport,
  encodeProfileExport,
  formatQualificationTime,
  largeProfileExport,
  randomPerson,
  seededRandom,
  standardNamespaces,
  timeSpellings,
  typicalProfileExport,
} from './index.ts';
import { readProfileExports } from '../src/index.ts';

const nowMs = Date.UTC(2026, 0, 15);

test('content becomes an export in the shape of the samples', () => {
  const body = buildProfileExport({
    attributes: { 'person.name.firstName': 'Ada', 'person.name.lastName': 'Byron', loyal: true },
    memberships: [
      { audienceId: 'fans', qualifiedAtMs: nowMs, name: 'Fans', createdAtMs: nowMs - 1 },
      { audienceId: 'guests', qualifiedAtMs: nowMs, status: 'exited', spelling: 'seconds-offset', isMapped: false },
      { namespace: 'AAM', audienceId: '7', qualifiedAtMs: nowMs, status: 'existing' },
    ],
    identities: { ecid: ['1', '2'] },
    includeNames: true,
    includeTimestamps: true,
  });
  expect(body).toEqual({
    person: { name: { firstName: 'Ada', lastName: 'Byron' } },
    loyal: true,
    segmentMembership: {
      ups: {
        fans: {
          lastQualificationTime: '2026-01-15T00:00:00Z',
          status: 'realized',
          createdAt: nowMs - 1,
          updatedAt: nowMs - 1,
          mappingCreatedAt: nowMs,
          mappingUpdatedAt: nowMs,
          name: 'Fans',
        },
        guests: { lastQualificationTime: '2026-01-15T00:00:00+0000', status: 'exited' },
      },
      AAM: {
        '7': expect.objectContaining({
          lastQualificationTime: '2026-01-15T00:00:00Z',
          status: 'existing',
          name: 'Audience 7',
        }) as unknown,
      },
    },
    identityMap: { ecid: [{ id: '1' }, { id: '2' }] },
  });
});

test('the toggles are off unless asked for, and absent content leaves no empty map', () => {
  expect(buildProfileExport({ memberships: [{ audienceId: 'fans', qualifiedAtMs: nowMs, name: 'Fans' }] })).toEqual({
    segmentMembership: { ups: { fans: { lastQualificationTime: '2026-01-15T00:00:00Z', status: 'realized' } } },
  });
  expect(buildProfileExport({ memberships: [], identities: {} })).toEqual({ segmentMembership: {}, identityMap: {} });
  expect(buildProfileExport({})).toEqual({});
});

test('hostile keys become own keys and change no prototype', () => {
  const key = '__proto__';
  const body = buildProfileExport({
    attributes: { '__proto__.polluted': 1 },
    memberships: [{ namespace: key, audienceId: key, qualifiedAtMs: nowMs }],
    identities: { ['__proto__']: ['1'] },
  });
  expect(JSON.stringify(body)).toBe(
    '{"__proto__":{"polluted":1},"segmentMembership":{"__proto__":{"__proto__":{"lastQualificationTime":"2026-01-15T00:00:00Z","status":"realized"}}},' +
      '"identityMap":{"__proto__":[{"id":"1"}]}}',
  );
  expect(Object.keys(Object.prototype)).toEqual([]);
});

test('the five spellings are those of Adobe', () => {
  const timeMs = Date.UTC(2021, 5, 30, 18, 40, 7, 591);
  expect(timeSpellings.map((spelling) => formatQualificationTime(timeMs, spelling))).toEqual([
    '2021-06-30T18:40:07Z',
    '2021-06-30T18:40:07+0000',
    '2021-06-30T18:40:07.591+0000',
    '2021-06-30T18:40:07.591000Z',
    '2021-06-30T18:40:07+00:00',
  ]);
});

test('a person has an identity in every standard namespace, hashed where it says so', () => {
  const person = { email: 'Ada@Example.com', phone: '+15550000001' };
  const identities = buildIdentities(person, standardNamespaces, seededRandom(1));
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  expect(Object.keys(identities)).toEqual(standardNamespaces.map((namespace) => namespace.toLowerCase()));
  expect(identities).toMatchObject({
    ecid: [expect.stringMatching(/^\d{38}$/)],
    email: ['Ada@Example.com'],
    email_lc_sha256: [sha256('ada@example.com')],
    phone: ['+15550000001'],
    phone_sha256: [sha256('15550000001')],
    idfa: [expect.stringMatching(/^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/)],
  });
});

test('the same seed makes the same exports, another seed others', () => {
  const exportsOf = (seed: number): unknown[] => {
    const random = seededRandom(seed);
    return [randomPerson(random), typicalProfileExport(random, nowMs), largeProfileExport(random, nowMs)];
  };
  expect(exportsOf(1)).toEqual(exportsOf(1));
  expect(exportsOf(1)).not.toEqual(exportsOf(2));
});

test('typical and large exports have the sizes that capacity is reckoned with', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = seededRandom(seed);
      const typical = encodeProfileExport(typicalProfileExport(random, nowMs));
      const large = encodeProfileExport(largeProfileExport(random, nowMs));
      expect(typical.length).toBeGreaterThan(1_400);
      expect(typical.length).toBeLessThan(2_000);
      expect(large.length).toBeGreaterThan(20_000);
      expect(large.length).toBeLessThan(30_000);
      for (const [bytes, audiences] of [[typical, 5] as const, [large, 250] as const]) {
        const { exports, refusals } = readProfileExports(bytes);
        expect(refusals).toEqual([]);
        expect(Object.keys(exports[0]?.segmentMembership.ups ?? {})).toHaveLength(audiences);
        expect([...(exports[0]?.identities.keys() ?? [])]).toEqual(['ecid', 'email', 'email_lc_sha256', 'crmid']);
      }
    }),
    { numRuns: 20 },
  );
});
