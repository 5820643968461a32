import { isJsonObject } from './attribute-at.ts';
import type { JsonValue } from './profile-export.ts';
import { memberPath, refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';

const noIdentities: ReadonlyMap<string, readonly string[]> = new Map();
/** Up to this many ids a look through the list is quicker than a set. */
const shortListMax = 8;

/** The `identityMap` of the export at `exportPath` (`null` when absent) as values by lower-cased namespace, or why it cannot be used. */
export function readIdentities(
  identityMap: JsonValue,
  exportPath: string,
): ReadonlyMap<string, readonly string[]> | Refusal {
  if (identityMap === null) return noIdentities;
  if (!isJsonObject(identityMap)) return refuse(`${exportPath}.identityMap`, 'invalid-identity-map');
  const identities = new Map<string, string[]>();
  let mayRepeat = false;
  for (const key in identityMap) {
    const entries = identityMap[key];
    if (!Array.isArray(entries)) return refuse(memberPath(`${exportPath}.identityMap`, key), 'invalid-identity-map');
    const namespace = key.toLowerCase();
    let ids = identities.get(namespace);
    for (let index = 0; index < entries.length; index += 1) {
      const entry = entries[index] as JsonValue;
      const id = ownId(entry);
      if (typeof id !== 'string' || !id.isWellFormed()) return refuseIdentity(exportPath, key, index, entry);
      if (id === '') continue;
      if (ids === undefined) {
        ids = [id];
        identities.set(namespace, ids);
      } else {
        ids.push(id);
        mayRepeat = true;
      }
    }
  }
  if (mayRepeat) {
    for (const [namespace, ids] of identities) identities.set(namespace, withoutRepetition(ids));
  }
  return identities;
}

function ownId(entry: JsonValue): JsonValue | undefined {
  return isJsonObject(entry) ? entry.id : undefined;
}

function withoutRepetition(ids: string[]): string[] {
  if (ids.length > shortListMax) return [...new Set(ids)];
  return ids.filter((id, index) => ids.indexOf(id) === index);
}

function refuseIdentity(exportPath: string, namespace: string, index: number, entry: JsonValue): Refusal {
  const path = `${memberPath(`${exportPath}.identityMap`, namespace)}[${index}]`;
  if (!isJsonObject(entry)) return refuse(path, 'invalid-identity');
  const id = ownId(entry);
  if (typeof id === 'string') return refuse(`${path}.id`, 'malformed-identity');
  return refuse(`${path}.id`, typeof id === 'number' ? 'numeric-identity' : 'invalid-identity');
}
