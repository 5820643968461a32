/** Freezes plain objects and arrays all the way down; instances of classes are left as they are. */
export function deepFreeze<T>(value: T, seen = new Set<unknown>()): T {
  if (!isContainer(value) || seen.has(value)) return value;
  seen.add(value);
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner, seen);
  return value;
}

/** A map that can no longer be changed: `Object.freeze` alone leaves a Map's entries open. */
export function frozenMap<Key, Value>(entries: Iterable<readonly [Key, Value]>): ReadonlyMap<Key, Value> {
  const map = new Map(entries);
  const refuse = (): never => {
    throw new TypeError('Failed to change the activation file: it is read-only. Load a changed file instead.');
  };
  return Object.freeze(Object.assign(map, { set: refuse, delete: refuse, clear: refuse }));
}

/** True for arrays and for objects made by a literal or by a parser. */
export function isContainer(value: unknown): value is readonly unknown[] | Readonly<Record<string, unknown>> {
  return Array.isArray(value) || isMapping(value);
}

/**
 * True for objects made by a literal or by a parser, false for arrays and for instances of classes.
 */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
