import { canonicalId, canonicalNamespace, isUuid } from './canonical-audience.ts';
import type { Objection } from './check-value.ts';
import { isMapping } from './deep-freeze.ts';
import { placeholderIn } from './placeholders.ts';
import { pathText, quoted } from './problem.ts';
import type { Path } from './problem.ts';

interface Ids {
  readonly objections: readonly Objection[];
  readonly warnings: readonly Objection[];
}

const uuidInside = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;

/**
 * Checks the ids of audiences as they are written: those that no export can have, and those that
 * two audiences share.
 */
export function checkAudienceIds(audiences: Readonly<Record<string, unknown>>): Ids {
  const objections: Objection[] = [];
  const warnings: Objection[] = [];
  const firstKeys = new Map<string, string>();
  for (const [key, entry] of Object.entries(audiences)) {
    const { id, namespace = 'ups' } = isMapping(entry) ? entry : {};
    const path = ['audiences', key, 'id'];
    if (typeof id !== 'string' || typeof namespace !== 'string') continue;
    const isOfAep = canonicalNamespace(namespace) === 'ups';
    const instead = insteadOf(id, isOfAep);
    if (instead !== undefined) {
      const message = `${pathText(path)} ${quoted(id)} is more than an id, and no export has it. Write ${quoted(instead)}.`;
      objections.push({ path, message, atKey: false });
    } else if (isOfAep && !isUuid(id) && placeholderIn(id) === undefined) warnings.push(notOfAep(path, id));
    const identifier = JSON.stringify([canonicalNamespace(namespace), canonicalId(id)]);
    const firstKey = firstKeys.get(identifier);
    if (firstKey === undefined) firstKeys.set(identifier, key);
    else {
      const message = `audiences.${key}.id is the audience that audiences.${firstKey} is already. Join the two under one key.`;
      objections.push({ path, message, atKey: false });
    }
  }
  return { objections, warnings };
}

/**
 * What is probably meant by an id with something around it: blanks, an address, a namespace,
 * brackets.
 */
function insteadOf(id: string, isOfAep: boolean): string | undefined {
  const [uuid] = (isOfAep ? uuidInside.exec(id) : null) ?? [];
  const meant = uuid ?? id.trim();
  return meant === id || meant === '' ? undefined : meant;
}

function notOfAep(path: Path, id: string): Objection {
  const message =
    `${pathText(path)} ${quoted(id)} is not a UUID, as the ids of AEP's own audiences are. Look for the id with activation aep ` +
    'audiences, or in the details of the audience in AEP; an audience from elsewhere needs its namespace.';
  return { path, message, atKey: false };
}
