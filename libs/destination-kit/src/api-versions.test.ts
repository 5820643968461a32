import { expect, test } from 'vitest';
import { apiVersion, versionWarning, type ApiVersions } from './api-versions.ts';

const versions: ApiVersions = {
  setting: 'apiVersion',
  ends: { v1: '2027-01-01', v2: undefined, v3: undefined },
  source: 'example.com',
};

test.each([
  ['v1', '2026-10-02T23:59:59Z', undefined],
  ['v1', '2026-10-03T00:00:01Z', /^The version v1 of the API ends on 2027-01-01, in 90 days\. Write apiVersion: v3/],
  ['v1', '2026-12-31T00:00:00Z', /in 1 day\./],
  ['v1', '2027-01-01T00:00:00Z', /ended on 2027-01-01\./],
  ['v2', '2030-01-01T00:00:00Z', undefined],
  ['v9', '2030-01-01T00:00:00Z', undefined],
  ['constructor', '2030-01-01T00:00:00Z', undefined],
] as const)('of %s, on %s, one hears in time', (version, now, sentence) => {
  const warning = versionWarning(versions, version, Date.parse(now));
  if (sentence === undefined) expect(warning).toBeUndefined();
  else expect(warning).toMatch(sentence);
});

test('the setting is the usual version, unless another one of its form is written', () => {
  const setting = apiVersion(versions, 'v2', /^v\d$/, 'Version of the API.');
  expect([setting.parse(undefined), setting.parse('v9')]).toEqual(['v2', 'v9']);
  expect(setting.safeParse('2').error?.message).toContain('Write a version such as v2.');
  expect(setting.meta()).toEqual({ description: 'Version of the API.', examples: ['v3'] });
});

test('a usual version that the table does not have is a defect of the connector', () => {
  expect(() => apiVersion(versions, 'v4', /^v\d$/, '')).toThrow('the table of versions has no v4. Add it.');
});
