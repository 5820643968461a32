import type { JsonObject, JsonValue } from './profile-export.ts';

/**
 * The value at an XDM path such as `person.name.firstName`, given as its segments; undefined where
 * absent. Only own properties of objects count: nothing is found on prototypes or inside arrays and
 * strings. A `null` that AEP wrote is returned as `null`.
 */
export function attributeAt(body: JsonObject, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue = body;
  // By depth: over a list that is frozen, as paths are, an iterator is an object more for each
  // step.
  let depth = 0;
  while (depth < path.length) {
    const segment = path[depth] ?? '';
    if (!isJsonObject(value) || !Object.hasOwn(value, segment)) return undefined;
    depth += 1;
    value = value[segment] as JsonValue;
  }
  return value;
}

/** Whether the value is a JSON object: neither `null` nor an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
