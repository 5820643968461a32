import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isRefusal, parseQualificationTime, readMembership, readProfileExports } from './index.ts';
import type { JsonObject, JsonValue } from './index.ts';
import { arbitraryProfileExport } from '../testing/arbitrary.ts';
import { largeProfileExport, seededRandom, typicalProfileExport } from '../testing/index.ts';

const schema = JSON.parse(
  readFileSync(new URL('../schema/profile-export.schema.json', import.meta.url), 'utf8'),
) as JsonObject & {
  $defs: { membership: { properties: { lastQualificationTime: { pattern: string; examples: string[] } } } };
};
const matchesSchema = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false }).compile(schema);
const timeSchema = schema.$defs.membership.properties.lastQualificationTime;

/** After every time that can be written: a schema cannot say that a time is in the future. */
const alwaysMs = Date.UTC(10_000, 0);

/** Whether the parser takes the value as an export and can read every one of its items. */
function isReadable(value: unknown): boolean {
  const { exports, refusals } = readProfileExports(Buffer.from(JSON.stringify(value)));
  return (
    refusals.length === 0 &&
    exports.every(({ unreadableIdentities }) => unreadableIdentities.size === 0) &&
    exports.every((profileExport) =>
      Object.entries(profileExport.segmentMembership).every(([namespace, items]) =>
        Object.keys(items).every(
          (audienceId) => !isRefusal(readMembership(profileExport, namespace, audienceId, alwaysMs)),
        ),
      ),
    )
  );
}

test('the schema takes every sample', () => {
  const folder = new URL('../fixtures/', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    const sample: unknown = JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
    expect(matchesSchema(sample), name).toBe(true);
    expect(isReadable(sample), name).toBe(true);
  }
});

test('the schema takes what the builders make', () => {
  const random = seededRandom(7);
  for (let count = 0; count < 50; count += 1) {
    expect(matchesSchema(typicalProfileExport(random, Date.UTC(2026, 0, 15)))).toBe(true);
    expect(matchesSchema(largeProfileExport(random, Date.UTC(2026, 0, 15)))).toBe(true);
  }
});

test('schema and parser take every generated export', () => {
  fc.assert(
    fc.property(arbitraryProfileExport(), (body) => {
      expect(matchesSchema(body)).toBe(true);
      expect(isReadable(body)).toBe(true);
    }),
  );
});

/**
 * Exports with one value, anywhere in their first five levels, replaced or taken away: some stay
 * good, most do not.
 */
const damagedExport = fc
  .tuple(arbitraryProfileExport(), fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), arbitraryDamage())
  .map(([body, choices, damage]) => withDamage(body, choices, damage) as JsonObject);

test('schema and parser agree on damaged exports', () => {
  const verdicts = { good: 0, bad: 0 };
  fc.assert(
    fc.property(damagedExport, (body) => {
      const isGood = matchesSchema(body);
      verdicts[isGood ? 'good' : 'bad'] += 1;
      expect(isReadable(body)).toBe(isGood);
    }),
    { numRuns: 3000 },
  );
  // The comparison says something only if both verdicts are common.
  expect(verdicts.good).toBeGreaterThan(100);
  expect(verdicts.bad).toBeGreaterThan(100);
});

test('schema and parser agree on what is a time', () => {
  const pattern = new RegExp(timeSchema.pattern, 'u');
  const digits = (length: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));
  const nearTime = fc
    .tuple(
      fc.oneof(digits(4), fc.constantFrom('2000', '1900', '2024', '2023', '0000')),
      fc.integer({ min: 0, max: 13 }),
      fc.oneof(fc.integer({ min: 0, max: 32 }), fc.integer({ min: 28, max: 31 })),
      fc.integer({ min: 0, max: 25 }),
      fc.constantFrom('00', '59', '60', '5'),
      fc.constantFrom('00', '59', '60'),
      fc.oneof(
        fc.constant(''),
        fc.nat(999_999_999).map((fraction) => `.${fraction}`),
        fc.constantFrom('.', '.1234567890'),
      ),
      fc.constantFrom('Z', '+0000', '-23:59', '+24:00', '+00:60', '+00', '', 'z', '+5:30', '+0:530'),
    )
    .map(([year, month, day, hour, minute, second, fraction, zone]) => {
      const [monthText, dayText, hourText] = [month, day, hour].map((value) => String(value).padStart(2, '0'));
      return `${year}-${monthText ?? ''}-${dayText ?? ''}T${hourText ?? ''}:${minute}:${second}${fraction}${zone}`;
    });
  const verdicts = { good: 0, bad: 0 };
  fc.assert(
    fc.property(nearTime, (text) => {
      const isTime = pattern.test(text);
      verdicts[isTime ? 'good' : 'bad'] += 1;
      expect(parseQualificationTime(text) !== undefined).toBe(isTime);
    }),
    { numRuns: 20_000 },
  );
  expect(verdicts.good).toBeGreaterThan(500);
  expect(verdicts.bad).toBeGreaterThan(500);
  for (const example of timeSchema.examples) expect(parseQualificationTime(example)).toBeDefined();
});

function arbitraryDamage(): fc.Arbitrary<JsonValue | undefined> {
  return fc.oneof(
    fc.constant(undefined),
    fc.constantFrom<JsonValue[]>(
      null,
      0,
      '',
      'exited',
      'exiting',
      '\ud800',
      '2026-02-30T00:00:00Z',
      true,
      [],
      {},
      [{}],
      { ups: {} },
    ),
    fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>,
  );
}

/**
 * Follows the choices down into the value and replaces what is there, or removes it when the damage
 * is undefined.
 */
function withDamage(
  value: JsonValue,
  choices: readonly number[],
  damage: JsonValue | undefined,
): JsonValue | undefined {
  const [choice, ...rest] = choices;
  if (choice === undefined || typeof value !== 'object' || value === null) return damage;
  if (Array.isArray(value)) {
    const elements = value as readonly JsonValue[];
    if (elements.length === 0) return damage;
    const changed = elements.flatMap((element, index) => {
      const result = index === choice % elements.length ? withDamage(element, rest, damage) : element;
      return result === undefined ? [] : [result];
    });
    return changed;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return damage;
  return Object.fromEntries(
    entries.flatMap(([key, member], index) => {
      const result = index === choice % entries.length ? withDamage(member, rest, damage) : member;
      return result === undefined ? [] : [[key, result]];
    }),
  );
}
