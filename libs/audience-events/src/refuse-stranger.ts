import { isJsonObject } from './attribute-at.ts';
import type { JsonValue } from './profile-export.ts';
import { refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/**
 * Deeper than the envelopes that are in use; the answer of the Profile API has its export two
 * levels down.
 */
const envelopeDepthMax = 4;
/** So that refusing a large value costs little beside parsing it. */
const visitsMax = 1_000;

/**
 * Why a value that is no profile export is refused: by what it looks like, so that its sender finds
 * out what to send instead. The path is that of the value itself; the way to what lies inside could
 * lead over a person's id.
 */
export function refuseStranger(value: JsonValue, path: string): Refusal {
  if (typeof value === 'string') return refuse(path, /^\s*[[{"]/.test(value) ? 'encoded-twice' : 'not-an-object');
  if (!isJsonObject(value)) return refuse(path, 'not-an-object');
  const envelope = envelopeOfExport(value);
  if (envelope === undefined) return refuse(path, 'not-an-export');
  return refuse(path, 'entityId' in envelope || 'mergePolicy' in envelope ? 'profile-api-answer' : 'wrapped-export');
}

/**
 * The object that has an export as a member, nearest to the surface; or the export is an element of
 * a list in it.
 */
function envelopeOfExport(value: JsonValue): object | undefined {
  let level: readonly JsonValue[] = [value];
  let visits = 0;
  for (let depth = 0; depth < envelopeDepthMax; depth += 1) {
    const next: JsonValue[] = [];
    for (const container of level) {
      if (typeof container !== 'object' || container === null) continue;
      for (const inner of Object.values(container as Readonly<Record<string, JsonValue>>)) {
        visits += 1;
        if (visits > visitsMax) return undefined;
        if (isJsonObject(inner) && (isJsonObject(inner.segmentMembership) || isJsonObject(inner.identityMap))) {
          return container;
        }
        next.push(inner);
      }
    }
    level = next;
  }
  return undefined;
}
