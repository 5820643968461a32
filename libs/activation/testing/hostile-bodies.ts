import type { JsonObject, JsonValue } from '@activation-hub/audience-events';
import * as fc from 'fast-check';

/**
 * Is in every identity, every attribute and every other value that goes into a hostile body, and
 * nowhere else.
 */
export const marker = 'zq7marker';
/** Looks like a key that may be personal data, which a marker alone does not. */
const markerKey = `${marker}@example.com`;
/** A number that is looked for like the marker. */
export const markerNumber = 4_242_424_242;

type Mutable = Record<string, unknown> | unknown[];

interface Place {
  readonly parent: Mutable;
  readonly key: string;
}

/** Stands for what is nested too deep to be written from objects. */
const deep = `${marker}-deep`;

/** A sample with all its identities and attributes replaced by values that can be looked for. */
export function markedSample(sample: JsonObject): JsonObject {
  const marked = (value: JsonValue, key: string): JsonValue => {
    if (Array.isArray(value)) return (value as readonly JsonValue[]).map((element) => marked(element, key));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, marked(inner, name)]));
    }
    return typeof value === 'string' && value !== 'y' ? `${marker} ${key} ${value}` : value;
  };
  return Object.fromEntries(
    Object.entries(sample).map(([key, value]) => [key, key === 'segmentMembership' ? value : marked(value, key)]),
  );
}

const replacements: readonly unknown[] = [
  null,
  true,
  0,
  -0.5,
  1e300,
  markerNumber,
  '',
  marker,
  '\ud800',
  [],
  {},
  [[{}]],
  deep,
];
const dangerousKeys = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'length', ''];

const arbitraryMutation = fc.record({
  at: fc.nat(),
  to: fc.nat(),
  how: fc.constantFrom('delete', 'duplicate', 'retarget', 'retype', 'danger', 'huge-key', 'retime'),
  value: fc.oneof(fc.constantFrom(...replacements), fc.jsonValue({ maxDepth: 2 })),
});
type Mutation = typeof arbitraryMutation extends fc.Arbitrary<infer Value> ? Value : never;

function placesOf(root: unknown): Place[] {
  const places: Place[] = [];
  const walk = (parent: Mutable): void => {
    for (const key of Object.keys(parent)) {
      places.push({ parent, key });
      const child = at({ parent, key });
      if (typeof child === 'object' && child !== null && places.length < 5_000) walk(child as Mutable);
    }
  };
  walk(root as Mutable);
  return places;
}

function at({ parent, key }: Place): unknown {
  return Object.getOwnPropertyDescriptor(parent, key)?.value;
}

function put(parent: Mutable, key: string, value: unknown): void {
  Object.defineProperty(parent, key, { value, writable: true, enumerable: true, configurable: true });
}

function mutate(root: JsonObject, { at: where, to, how, value }: Mutation): void {
  const places = placesOf(root);
  const place = places[where % Math.max(places.length, 1)];
  const other = places[to % Math.max(places.length, 1)];
  if (place === undefined || other === undefined) return;
  const { parent, key } = place;
  const isArray = Array.isArray(parent);
  switch (how) {
    case 'delete':
      Reflect.deleteProperty(parent, key);
      break;
    case 'duplicate':
      put(parent, isArray ? String(parent.length) : markerKey, structuredClone(at(place)));
      break;
    case 'retarget':
      put(other.parent, other.key, structuredClone(at(place)));
      break;
    case 'retype':
      put(parent, key, structuredClone(value));
      break;
    case 'danger': {
      const danger = { polluted: marker, [markerKey]: structuredClone(value) };
      put(parent, isArray ? '0' : (dangerousKeys[to % dangerousKeys.length] ?? ''), danger);
      break;
    }
    case 'huge-key':
      put(parent, isArray ? '0' : markerKey.repeat((to % 2_000) + 1), structuredClone(value));
      break;
    case 'retime':
      put(parent, 'lastQualificationTime', ['', marker, '9999-99-99T00:00:00Z', 1e300, '0000', null][to % 6]);
      break;
  }
}

/** Writes the mutant; what stands for deep nesting becomes so many brackets. */
function textOf(value: unknown, levels: number): string {
  return JSON.stringify(value).replaceAll(`"${deep}"`, () => '['.repeat(levels) + ']'.repeat(levels));
}

/** Bodies that AEP would not send: bytes, JSON, and samples with anything changed in them. */
export function hostileBodies(samples: readonly JsonObject[]): fc.Arbitrary<Uint8Array> {
  const sample = fc.constantFrom(...samples.map(markedSample));
  const levels = fc.constantFrom(3, 99, 101, 2_000, 50_000);
  const mutant = fc
    .tuple(sample, fc.array(arbitraryMutation, { minLength: 1, maxLength: 4 }), levels)
    .map(([base, mutations, depth]) => {
      const root = structuredClone(base);
      for (const mutation of mutations) mutate(root, mutation);
      return textOf(root, depth);
    });
  const good = sample.map((value) => JSON.stringify(value));
  const bad = fc.oneof(
    fc.json({ maxDepth: 3 }),
    fc.constantFrom('null', '[]', '{}', `"${marker}"`, String(markerNumber)),
  );
  const text = fc.oneof(
    { weight: 12, arbitrary: mutant },
    { weight: 1, arbitrary: bad },
    { weight: 2, arbitrary: fc.array(fc.oneof(mutant, good, bad), { maxLength: 4 }).map((all) => `[${all.join()}]`) },
    { weight: 1, arbitrary: fc.tuple(mutant, fc.constantFrom('', '\n', ','), good).map((all) => all.join('')) },
    { weight: 1, arbitrary: good.map((all) => `\ufeff${all}`) },
  );
  const broken = fc
    .tuple(text, fc.nat(), fc.uint8Array({ maxLength: 4 }), fc.boolean())
    .map(([whole, where, bytes, cuts]) => {
      const body = Buffer.from(whole);
      const index = where % (body.length + 1);
      return Buffer.concat([body.subarray(0, index), bytes, cuts ? Buffer.alloc(0) : body.subarray(index)]);
    });
  return fc.oneof(
    { weight: 14, arbitrary: text.map((whole) => Buffer.from(whole)) },
    { weight: 4, arbitrary: broken },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  );
}
