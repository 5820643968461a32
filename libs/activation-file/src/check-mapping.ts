import { refusalOfAttribute, takesIdentity, type Takes } from '@activation-hub/destination-kit';
import type { Objection } from './check-value.ts';
import { isMapping } from './deep-freeze.ts';
import { nearestWord } from './nearest-word.ts';
import { alternatives, pathText, quoted } from './problem.ts';
import type { Path } from './problem.ts';

/**
 * What of a route can never reach its destination: identities that it cannot know a person by, and
 * attributes that it does not take.
 */
export function checkMapping(path: Path, route: Readonly<Record<string, unknown>>, takes: Takes): readonly Objection[] {
  return [
    ...identityObjections([...path, 'identity'], route.identity, takes),
    ...attributeObjections(path, route, takes),
  ];
}

function identityObjections(path: Path, written: unknown, takes: Takes): readonly Objection[] {
  const listed: readonly unknown[] = Array.isArray(written) ? written : [written];
  return listed.flatMap((namespace, index): readonly Objection[] => {
    if (typeof namespace !== 'string' || takesIdentity(takes, namespace)) return [];
    const at = Array.isArray(written) ? [...path, index] : path;
    const known = alternatives(Object.keys(takes.identities));
    const message = `${pathText(at)} ${quoted(namespace)} names nobody there: with these settings the destination knows a person by ${known}. Add the namespace to its settings, or leave it out.`;
    return [{ path: at, message, atKey: false }];
  });
}

function attributeObjections(
  path: Path,
  { attributes }: Readonly<Record<string, unknown>>,
  takes: Takes,
): readonly Objection[] {
  return Object.keys(isMapping(attributes) ? attributes : {}).flatMap((name): readonly Objection[] => {
    const refusal = refusalOfAttribute(takes, name);
    if (refusal === undefined) return [];
    const at = [...path, 'attributes', name];
    const near = nearestWord(name, Object.keys(takes.attributes));
    const meant = near === undefined ? '' : ` Did you mean ${near}?`;
    return [
      { path: at, message: `${pathText(at)} cannot be told to this destination.${meant} ${refusal}`, atKey: true },
    ];
  });
}
