import type { ActivationFile, AudienceEntry } from './activation-file.ts';

/** What AEP has to export so that the file can be carried out. */
export interface NeededExports {
  /** By namespace and id, each once. */
  readonly audiences: readonly NeededAudience[];
  /** XDM paths as `person.name.firstName`: sorted, each once. */
  readonly attributes: readonly string[];
}

export interface NeededAudience {
  readonly id: string;
  /** The name that the file gives it, else its key there; for people. */
  readonly name: string;
  /** AEP's namespace of the id, in lower case; absent for AEP's own, `ups`. */
  readonly namespace?: string;
}

/**
 * What AEP has to export: every audience with a live route, and every attribute that a consent gate
 * names, or a route of any mode but `retired`, which tells no attributes. An audience without a
 * live route is not asked for: AEP exports the members that an audience has about an hour after it
 * was added, which is when its first route goes live. The order in the file makes no difference.
 */
export function exportsNeededBy(file: ActivationFile): NeededExports {
  const entries = [...file.audiences.values()];
  const audiences = entries.filter(({ routes }) => routes.some(({ mode }) => mode === 'live')).map(neededAudience);
  const paths = [
    ...entries.flatMap(({ consentPath }) => (consentPath === undefined ? [] : [consentPath])),
    ...file.routes.flatMap(({ attributes, mode }) => (mode === 'retired' ? [] : attributes.map(({ path }) => path))),
  ];
  return {
    audiences: audiences.toSorted((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1)),
    attributes: [...new Set(paths.map((path) => path.join('.')))].toSorted(),
  };
}

function neededAudience({ id, key, name, namespace }: AudienceEntry): NeededAudience {
  return { id, name: name ?? key, ...(namespace === 'ups' ? {} : { namespace }) };
}

const sortKey = ({ namespace, id }: NeededAudience): string => `${namespace ?? 'ups'} ${id}`;
