import * as fc from 'fast-check';
import type { JsonObject, JsonValue } from '../src/profile-export.ts';
import { formatQualificationTime, timeSpellings } from './qualification-time.ts';

/**
 * Any export that readers must accept: attributes of any shape, namespaces and audience ids of any
 * text (`__proto__` among them), all statuses and time spellings, unknown fields everywhere, one of
 * the two maps or both, `null` in place of the other.
 */
export function arbitraryProfileExport(): fc.Arbitrary<JsonObject> {
  const segmentMembership = fc.dictionary(
    fc.oneof(fc.constantFrom('ups', 'AAM'), arbitraryKey()),
    fc.dictionary(fc.oneof(fc.uuid(), arbitraryKey()), arbitraryMembership(), { maxKeys: 4 }),
    { maxKeys: 3 },
  );
  const identityMap = fc.dictionary(
    fc.oneof(fc.constantFrom('ecid', 'email', 'Email', 'crmid'), arbitraryKey()),
    fc.array(arbitraryIdentity(), { maxLength: 3 }),
    { maxKeys: 4 },
  );
  const maps = fc.oneof(
    fc.record({ segmentMembership, identityMap }),
    fc.record({ segmentMembership, identityMap: fc.constant(null) }, { requiredKeys: ['segmentMembership'] }),
    fc.record({ identityMap, segmentMembership: fc.constant(null) }, { requiredKeys: ['identityMap'] }),
  );
  const attributes = fc.dictionary(arbitraryKey(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 });
  return fc.tuple(attributes, maps, fc.boolean()).map(([someAttributes, someMaps, mapsFirst]) => {
    const parts = mapsFirst ? [someMaps, someAttributes, someMaps] : [someAttributes, someMaps];
    return asParsed(Object.fromEntries(parts.flatMap((part) => Object.entries(part)))) as JsonObject;
  });
}

/** Any membership item that can be read. */
export function arbitraryMembership(): fc.Arbitrary<Record<string, unknown>> {
  const time = fc
    .tuple(fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2099, 11, 31) }), fc.constantFrom(...timeSpellings))
    .map(([timeMs, spelling]) => formatQualificationTime(timeMs, spelling));
  return fc.record(
    {
      status: fc.constantFrom('realized', 'existing', 'exited'),
      lastQualificationTime: time,
      name: fc.string(),
      createdAt: fc.nat(),
      payload: fc.jsonValue({ maxDepth: 2 }),
    },
    { requiredKeys: ['status', 'lastQualificationTime'] },
  );
}

function arbitraryIdentity(): fc.Arbitrary<Record<string, unknown>> {
  const ecid = fc.bigInt({ min: 10n ** 37n, max: 10n ** 38n - 1n }).map(String);
  return fc.record(
    {
      id: fc.oneof(ecid, fc.emailAddress(), fc.string({ unit: 'binary' })),
      primary: fc.boolean(),
      authenticatedState: fc.constantFrom('ambiguous', 'authenticated', 'loggedOut'),
    },
    { requiredKeys: ['id'] },
  );
}

/** Keys as they may come: plain words, any text, and those that trip up careless code. */
function arbitraryKey(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom('person', '_tenant', '__proto__', 'constructor', 'toString', '0', ''),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
}

/** The value as a reader of its JSON gets it: ordinary objects, no negative zero. */
function asParsed(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}
