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

/** Levels that an attribute may be nested, so that what takes it may walk it by recursion. */
export const attributeDepthMax = 100;

/**
 * Whether an attribute has more than `attributeDepthMax` arrays and objects in each other. Recurses
 * no deeper than that.
 */
export function isNestedTooDeep(value: JsonValue): boolean {
  return isDeeperThan(value, attributeDepthMax);
}

function isDeeperThan(value: JsonValue, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return (value as readonly JsonValue[]).some((element) => isDeeperThan(element, levels - 1));
  const object = value as JsonObject;
  for (const key in object) {
    if (isDeeperThan(object[key] as JsonValue, levels - 1)) return true;
  }
  return false;
}
