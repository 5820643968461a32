import type { ActivationFile, AudienceEntry } from './activation-file.ts';

/** Which audience of an export the activation file knows. */
export interface Matcher {
  /** The entry of an audience of AEP; the namespace in any case, the id exactly. Takes the same time for any file. */
  audience(namespace: string, id: string): AudienceEntry | undefined;
}

/** Prepares the look-up of audiences: once per file, for every export. */
export function createMatcher(file: ActivationFile): Matcher {
  const byNamespace = new Map<string, Map<string, AudienceEntry>>();
  for (const entry of file.audiences.values()) {
    const folded = entry.namespace.toLowerCase();
    const byId = byNamespace.get(folded) ?? new Map<string, AudienceEntry>();
    byId.set(entry.id, entry);
    byNamespace.set(folded, byId);
    // The spelling of the file is the one that exports most often have: it is found without folding.
    byNamespace.set(entry.namespace, byId);
  }
  return Object.freeze({
    audience: (namespace: string, id: string) =>
      (byNamespace.get(namespace) ?? byNamespace.get(namespace.toLowerCase()))?.get(id),
  });
}
