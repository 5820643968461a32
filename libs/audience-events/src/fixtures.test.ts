import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isRefusal, readMembership, readProfileExports } from './index.ts';
import type { AudienceMembership, ProfileExport } from './index.ts';

const folder = new URL('../fixtures/', import.meta.url);

function load(name: string): ProfileExport {
  const { exports, refusals } = readProfileExports(readFileSync(new URL(name, folder)));
  expect(refusals).toEqual([]);
  const [profileExport, ...others] = exports;
  if (profileExport === undefined || others.length > 0) throw new Error(`${name} holds ${exports.length} exports.`);
  return profileExport;
}

function memberships(profileExport: ProfileExport): AudienceMembership[] {
  return Object.entries(profileExport.segmentMembership).flatMap(([namespace, items]) =>
    Object.keys(items).map((audienceId) => {
      const membership = readMembership(profileExport, namespace, audienceId, Date.UTC(2026, 11));
      if (isRefusal(membership)) throw new Error(`${membership.path}: ${membership.code}`);
      return membership;
    }),
  );
}

const audience = (last: string): string => `0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a${last}`;
const ecids = ['14575006536349286404619648085736420001', '14575006536349286404619648085736420002'];
const emailHash = 'b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72';

const expectations: Record<
  string,
  { identities: Record<string, string[]>; memberships: object[]; attributes: string[] }
> = {
  'full-export-default.json': {
    identities: { ecid: ecids, email_lc_sha256: [emailHash] },
    memberships: [
      {
        audienceId: audience('01'),
        status: 'exited',
        isMember: false,
        qualifiedAtMs: Date.UTC(2026, 0, 11, 21, 24, 39),
      },
      {
        audienceId: audience('02'),
        status: 'realized',
        isMember: true,
        qualifiedAtMs: Date.UTC(2026, 0, 2, 23, 37, 33),
      },
      {
        audienceId: audience('03'),
        status: 'realized',
        isMember: true,
        qualifiedAtMs: Date.UTC(2025, 7, 25, 23, 37, 33),
      },
      {
        audienceId: audience('04'),
        status: 'realized',
        isMember: true,
        qualifiedAtMs: Date.UTC(2026, 0, 11, 23, 37, 33),
      },
    ],
    attributes: ['person', 'personalEmail'],
  },
  'audience-names-and-timestamps.json': {
    identities: { ecid: ecids.slice(0, 1) },
    memberships: [
      {
        audienceId: audience('02'),
        status: 'realized',
        isMember: true,
        qualifiedAtMs: Date.UTC(2026, 3, 15, 2, 41, 50),
        name: 'First name equals Ada',
      },
    ],
    attributes: [],
  },
  'audience-timestamps-only.json': {
    identities: { ecid: ecids.slice(0, 1) },
    memberships: [
      {
        audienceId: audience('02'),
        status: 'realized',
        isMember: true,
        qualifiedAtMs: Date.UTC(2026, 3, 15, 2, 41, 50),
      },
    ],
    attributes: [],
  },
  'anonymous-visitor-ecid-only.json': {
    identities: { ecid: ['36281682065771928820739672071812000001'] },
    memberships: [
      {
        audienceId: '94db5aed-0000-4000-8000-000000000001',
        status: 'realized',
        isMember: true,
        qualifiedAtMs: Date.UTC(2024, 10, 21, 7, 33, 52),
        name: 'demo - Interest in Plans',
      },
    ],
    attributes: [],
  },
  'exit-only.json': {
    identities: { ecid: ecids, email_lc_sha256: [emailHash] },
    memberships: [
      {
        audienceId: audience('01'),
        status: 'exited',
        isMember: false,
        qualifiedAtMs: Date.UTC(2026, 0, 11, 21, 24, 39),
      },
    ],
    attributes: ['person', 'personalEmail'],
  },
  'known-customer.json': {
    identities: { crmid: ['C-1'], ecid: ecids.slice(0, 1), email: ['ada@example.com'] },
    memberships: [
      {
        audienceId: audience('02'),
        status: 'realized',
        isMember: true,
        qualifiedAtMs: Date.UTC(2026, 0, 11, 21, 24, 39),
      },
    ],
    attributes: ['person', 'homeAddress', 'consents'],
  },
};

test('every sample has its expectation', () => {
  const samples = readdirSync(folder).filter((name) => name.endsWith('.json'));
  expect(samples.toSorted()).toEqual(Object.keys(expectations).toSorted());
});

test.for(Object.entries(expectations))('%s gives its identities, memberships and attributes', ([name, expected]) => {
  const profileExport = load(name);
  expect(profileExport.path).toBe('$');
  expect(Object.fromEntries(profileExport.identities)).toEqual(expected.identities);
  expect(memberships(profileExport)).toEqual(expected.memberships.map((item) => ({ namespace: 'ups', ...item })));
  const maps = ['segmentMembership', 'identityMap'];
  expect(Object.keys(profileExport.body).filter((key) => !maps.includes(key))).toEqual(expected.attributes);
});
