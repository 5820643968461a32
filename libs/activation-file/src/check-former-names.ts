import { canonicalId, canonicalNamespace } from './canonical-audience.ts';
import { canary } from './canary.ts';
import type { Objection } from './check-value.ts';
import { isMapping } from './deep-freeze.ts';
import { pathText, quoted } from './problem.ts';
import type { Path } from './problem.ts';

type Mapping = Readonly<Record<string, unknown>>;

/**
 * Where a destination or an audience, as it is written, claims a former name that is a name of
 * another one, or its own, or that it claims twice: its rows in the ledger would be rows of two.
 */
export function checkFormerNames(file: {
  readonly destinations: Mapping;
  readonly audiences: Mapping;
}): readonly Objection[] {
  return [...checkFormerDestinations(file.destinations), ...checkFormerIds(file.audiences)];
}

function checkFormerDestinations(destinations: Mapping): readonly Objection[] {
  const owners = new Map(Object.keys(destinations).map((key) => [key, `destinations.${key}`]));
  const claim = claimedNames(owners);
  return Object.entries(destinations).flatMap(([key, entry]) =>
    formerNames(['destinations', key], entry).flatMap(({ path, name }): readonly Objection[] => {
      if (name !== canary.key) return claim(path, name, name, `destinations.${key}`);
      const message = `${pathText(path)} is kept for the built-in canary. Leave it out.`;
      return [{ path, message, atKey: false }];
    }),
  );
}

function checkFormerIds(audiences: Mapping): readonly Objection[] {
  const entries = Object.entries(audiences).flatMap(([key, entry]) => {
    const { id, namespace = 'ups' } = isMapping(entry) ? entry : {};
    if (typeof namespace !== 'string') return [];
    return [
      { key, entry, id, nameOf: (each: string) => JSON.stringify([canonicalNamespace(namespace), canonicalId(each)]) },
    ];
  });
  const owners = new Map<string, string>();
  for (const { key, id, nameOf } of entries) if (typeof id === 'string') owners.set(nameOf(id), `audiences.${key}`);
  const claim = claimedNames(owners);
  return entries.flatMap(({ key, entry, nameOf }) =>
    formerNames(['audiences', key], entry).flatMap(({ path, name }) =>
      claim(path, name, nameOf(name), `audiences.${key}`),
    ),
  );
}

/** Gives each name to the first that claims it; `owners` has the names that are in use today. */
function claimedNames(owners: Map<string, string>) {
  return (path: Path, written: string, name: string, claimant: string): readonly Objection[] => {
    const owner = owners.get(name);
    if (owner === undefined) {
      owners.set(name, claimant);
      return [];
    }
    const whose = owner === claimant ? 'one of its own names already' : `a name of ${owner}`;
    return [{ path, message: `${pathText(path)} ${quoted(written)} is ${whose}. Leave it out.`, atKey: false }];
  };
}

function formerNames(path: Path, entry: unknown): readonly { readonly path: Path; readonly name: string }[] {
  const { formerly } = isMapping(entry) ? entry : {};
  const at = [...path, 'formerly'];
  if (typeof formerly === 'string') return [{ path: at, name: formerly }];
  const names: readonly unknown[] = Array.isArray(formerly) ? formerly : [];
  return names.flatMap((name, index) => (typeof name === 'string' ? [{ path: [...at, index], name }] : []));
}
