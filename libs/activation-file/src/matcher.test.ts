import { expect, test } from 'vitest';
import { exampleDestinations } from '../testing/example-destinations.ts';
import { createMatcher } from './matcher.ts';
import { parseActivationFile } from './parse-activation-file.ts';

const matcher = createMatcher(
  parseActivationFile(
    `version: 1
destinations: { d: { type: log } }
audiences:
  own: { id: a, activate: [{ destination: d, identity: email }] }
  shouted: { id: b, namespace: UPS }
  other: { id: a, namespace: AEPSegments }
  odd: { id: __proto__, namespace: constructor }
`,
    { fileName: 'test.yaml', destinations: exampleDestinations },
  ),
);

test('an audience is found by its namespace, in any case, and its id', () => {
  expect(matcher.audience('ups', 'a')?.key).toBe('own');
  expect(matcher.audience('Ups', 'a')?.key).toBe('own');
  expect(matcher.audience('ups', 'b')?.key).toBe('shouted');
  expect(matcher.audience('UPS', 'b')?.key).toBe('shouted');
  expect(matcher.audience('UPS', 'a')?.key).toBe('own');
  expect(matcher.audience('aepsegments', 'a')?.key).toBe('other');
  expect(matcher.audience('AEPSegments', 'a')?.key).toBe('other');
  expect(matcher.audience('constructor', '__proto__')?.key).toBe('odd');
});

test('the entry that is found has its routes', () => {
  expect(matcher.audience('ups', 'a')?.routes.map(({ destination }) => destination)).toEqual(['d']);
});

test('an audience that the file does not have is not found, ids being case-sensitive', () => {
  expect(matcher.audience('ups', 'A')).toBeUndefined();
  expect(matcher.audience('ups', 'toString')).toBeUndefined();
  expect(matcher.audience('toString', 'a')).toBeUndefined();
  expect(matcher.audience('', '')).toBeUndefined();
});
