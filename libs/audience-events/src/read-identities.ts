import { isJsonObject } from './attribute-at.ts';
import type { JsonValue, ProfileExport } from './profile-export.ts';
import { memberPath, refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/**
 * The identities of a profile, and what of its `identityMap` cannot be read; both by lower-cased
 * namespace.
 */
export type ReadIdentities = Pick<ProfileExport, 'identities' | 'unreadableIdentities'>;

const noRefusals: ProfileExport['unreadableIdentities'] = new Map();
const noIdentities: ReadIdentities = { identities: new Map(), unreadableIdentities: noRefusals };
/** Up to this many ids a look through the list is quicker than a set. */
const shortListMax = 8;

/**
 * Reads the `identityMap` of the export at `exportPath` (`null` when absent). An identity that
 * cannot be read costs that identity only, and of each namespace the first has a refusal. Where
 * nothing at all can be read although something is there, or the map is no object, no route can use
 * the export, and it is refused.
 */
export function readIdentities(identityMap: JsonValue, exportPath: string): ReadIdentities | Refusal {
  if (identityMap === null) return noIdentities;
  const path = `${exportPath}.identityMap`;
  if (!isJsonObject(identityMap)) return refuse(path, 'invalid-identity-map');
  const identities = new Map<string, string[]>();
  let unreadable: Map<string, Refusal> | undefined;
  let mayRepeat = false;
  for (const key in identityMap) {
    const entries = identityMap[key] as JsonValue;
    const namespace = key.toLowerCase();
    if (!Array.isArray(entries)) {
      unreadable = withFirst(unreadable, namespace, refuseNamespace(memberPath(path, key), entries));
      continue;
    }
    let ids = identities.get(namespace);
    for (let index = 0; index < entries.length; index += 1) {
      const entry = entries[index] as JsonValue;
      const id = ownId(entry);
      if (typeof id !== 'string' || !id.isWellFormed()) {
        if (unreadable?.has(namespace) === true) continue;
        unreadable = withFirst(unreadable, namespace, refuseIdentity(`${memberPath(path, key)}[${index}]`, entry));
      } else if (id !== '') {
        if (ids === undefined) {
          ids = [id];
          identities.set(namespace, ids);
        } else {
          ids.push(id);
          mayRepeat = true;
        }
      }
    }
  }
  if (mayRepeat) {
    for (const [namespace, ids] of identities) identities.set(namespace, withoutRepetition(ids));
  }
  if (unreadable === undefined) return { identities, unreadableIdentities: noRefusals };
  const [first] = unreadable.values();
  return identities.size === 0 && first !== undefined ? first : { identities, unreadableIdentities: unreadable };
}

function withFirst(
  unreadable: Map<string, Refusal> | undefined,
  namespace: string,
  refusal: Refusal,
): Map<string, Refusal> {
  if (unreadable === undefined) return new Map([[namespace, refusal]]);
  if (!unreadable.has(namespace)) unreadable.set(namespace, refusal);
  return unreadable;
}

function ownId(entry: JsonValue): JsonValue | undefined {
  return isJsonObject(entry) ? entry.id : undefined;
}

function withoutRepetition(ids: string[]): string[] {
  if (ids.length > shortListMax) return [...new Set(ids)];
  return ids.filter((id, index) => ids.indexOf(id) === index);
}

function refuseNamespace(path: string, value: JsonValue): Refusal {
  const isOneIdentity = typeof value === 'string' || isJsonObject(value);
  return refuse(path, isOneIdentity ? 'unlisted-identity' : 'invalid-identities');
}

function refuseIdentity(path: string, entry: JsonValue): Refusal {
  if (typeof entry === 'string') return refuse(path, 'bare-identity');
  if (!isJsonObject(entry)) return refuse(path, 'invalid-identity');
  const id = ownId(entry);
  if (typeof id === 'string') return refuse(`${path}.id`, 'malformed-identity');
  return refuse(`${path}.id`, typeof id === 'number' ? 'numeric-identity' : 'invalid-identity');
}
