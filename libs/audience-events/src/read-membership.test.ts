import { expect, test } from 'vitest';
import type { JsonValue, ProfileExport } from './profile-export.ts';
import { qualifiedAheadMaxMs, readMembership as readMembershipOfEvent } from './read-membership.ts';
import { readProfileExports } from './read-profile-exports.ts';
import { isRefusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { AudienceMembership } from './read-membership.ts';

function exportWith(item: JsonValue | undefined, namespace = 'ups', audienceId = 'fans'): ProfileExport {
  const items = item === undefined ? '{}' : `{${JSON.stringify(audienceId)}:${JSON.stringify(item)}}`;
  return firstExport(`[{"segmentMembership":{${JSON.stringify(namespace)}:${items}}}]`);
}

function firstExport(text: string): ProfileExport {
  const [profileExport] = readProfileExports(Buffer.from(text)).exports;
  if (profileExport === undefined) throw new Error('The text holds no export.');
  return profileExport;
}

const enqueuedAtMs = Date.UTC(2026, 0, 12);
const readMembership = (
  profileExport: ProfileExport,
  namespace: string,
  audienceId: string,
): AudienceMembership | Refusal => readMembershipOfEvent(profileExport, namespace, audienceId, enqueuedAtMs);

const lastQualificationTime = '2026-01-11T21:24:39Z';
const qualifiedAtMs = Date.UTC(2026, 0, 11, 21, 24, 39);

test.for([
  ['realized', true],
  ['existing', true],
  ['exited', false],
] as const)('%s means member: %j', ([status, isMember]) => {
  expect(readMembership(exportWith({ status, lastQualificationTime }), 'ups', 'fans')).toStrictEqual({
    namespace: 'ups',
    audienceId: 'fans',
    status,
    isMember,
    qualifiedAtMs,
  });
});

test('the name comes along where AEP sends one, and other fields do not', () => {
  const item = { status: 'realized', lastQualificationTime, name: 'Fans', createdAt: 1, version: 'x', payload: {} };
  const membership = readMembership(exportWith(item), 'ups', 'fans');
  expect(isRefusal(membership)).toBe(false);
  expect(membership).toStrictEqual({
    namespace: 'ups',
    audienceId: 'fans',
    status: 'realized',
    isMember: true,
    qualifiedAtMs,
    name: 'Fans',
  });
  expect(readMembership(exportWith({ ...item, name: 7 }), 'ups', 'fans')).not.toHaveProperty('name');
});

test.for([
  [undefined, '$[0].segmentMembership.ups.fans', 'absent-membership'],
  [null, '$[0].segmentMembership.ups.fans', 'invalid-membership'],
  [[], '$[0].segmentMembership.ups.fans', 'invalid-membership'],
  ['realized', '$[0].segmentMembership.ups.fans', 'invalid-membership'],
  [{ lastQualificationTime }, '$[0].segmentMembership.ups.fans.status', 'unknown-status'],
  [{ status: 'Realized', lastQualificationTime }, '$[0].segmentMembership.ups.fans.status', 'unknown-status'],
  [{ status: 'exiting', lastQualificationTime }, '$[0].segmentMembership.ups.fans.status', 'unknown-status'],
  [{ status: ['realized'], lastQualificationTime }, '$[0].segmentMembership.ups.fans.status', 'unknown-status'],
  [{ status: 'exited' }, '$[0].segmentMembership.ups.fans.lastQualificationTime', 'invalid-qualification-time'],
  [
    { status: 'exited', lastQualificationTime: 1768166679000 },
    '$[0].segmentMembership.ups.fans.lastQualificationTime',
    'invalid-qualification-time',
  ],
  [
    { status: 'exited', lastQualificationTime: '2026-02-30T00:00:00Z' },
    '$[0].segmentMembership.ups.fans.lastQualificationTime',
    'invalid-qualification-time',
  ],
] as const)('%j is refused at %s: %s', ([item, path, code]) => {
  const refusal = readMembership(exportWith(item), 'ups', 'fans');
  expect(isRefusal(refusal)).toBe(true);
  expect(refusal).toMatchObject({ path, code });
});

test('a key is named in a path only where it looks like a name or a UUID', () => {
  const pathOf = (namespace: string, audienceId: string): unknown =>
    readMembership(exportWith(0, namespace, audienceId), namespace, audienceId);
  expect(pathOf('ups', '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02')).toMatchObject({
    path: "$[0].segmentMembership.ups['0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02']",
  });
  expect(pathOf('AAM', 'plan-b.2')).toMatchObject({ path: "$[0].segmentMembership.AAM['plan-b.2']" });
  expect(pathOf('ada@example.com', "x']")).toMatchObject({ path: '$[0].segmentMembership.*.*' });
  expect(pathOf('x'.repeat(65), '__proto__')).toMatchObject({ path: '$[0].segmentMembership.*.*' });
  expect(pathOf('ups', 'line\n')).toMatchObject({ path: '$[0].segmentMembership.ups.*' });
});

test.for(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
  'what every object inherits (%s) is no membership',
  (key) => {
    const profileExport = exportWith({ status: 'realized', lastQualificationTime });
    expect(readMembership(profileExport, key, 'fans')).toMatchObject({ code: 'absent-membership' });
    expect(readMembership(profileExport, 'ups', key)).toMatchObject({ code: 'absent-membership' });
    // Even where the inherited thing has an own property of that name.
    expect(readMembership(profileExport, 'constructor', 'prototype')).toMatchObject({ code: 'absent-membership' });
    const ownKey = exportWith({ status: 'realized', lastQualificationTime }, key, key);
    expect(readMembership(ownKey, key, key)).toMatchObject({ status: 'realized', qualifiedAtMs });
  },
);

test('a namespace is matched exactly, and an export without memberships has none', () => {
  expect(readMembership(exportWith({ status: 'realized', lastQualificationTime }), 'UPS', 'fans')).toMatchObject({
    code: 'absent-membership',
  });
  expect(readMembership(firstExport('{"identityMap":{}}'), 'ups', 'fans')).toMatchObject({ code: 'absent-membership' });
});

test('a qualification may lie a day after the event and no further, whatever the status', () => {
  const dayMs = 24 * 3_600_000;
  for (const status of ['realized', 'existing', 'exited']) {
    const readAt = (time: string) => readMembership(exportWith({ status, lastQualificationTime: time }), 'ups', 'fans');
    expect(readAt('2026-01-13T00:00:00.000Z')).toMatchObject({ status, qualifiedAtMs: enqueuedAtMs + dayMs });
    for (const time of ['2026-01-13T00:00:00.001Z', '9948-02-11T00:00:00Z', '9999-12-31T23:59:59-23:59']) {
      expect(readAt(time)).toMatchObject({
        path: '$[0].segmentMembership.ups.fans.lastQualificationTime',
        code: 'future-qualification-time',
      });
    }
    // Long past is as it is: it can only be superseded.
    expect(readAt('0001-01-01T00:00:00Z')).toMatchObject({ status, qualifiedAtMs: Date.parse('0001-01-01T00:00:00Z') });
  }
  expect(qualifiedAheadMaxMs).toBe(dayMs);
});
