import type { ActivationFile, AudienceEntry, DestinationEntry, Route } from './activation-file.ts';

/** Which parts of the activation file an export, a row of the ledger or a stored change belongs to. */
export interface Matcher {
  /** The entry of an audience of AEP; the namespace in any case, the id exactly. Takes the same time for any file. */
  audience(namespace: string, id: string): AudienceEntry | undefined;
  /** The entry of a destination, by its key or by one that it had before. */
  destination(name: string): DestinationEntry | undefined;
  /** The route of which the ledger has rows under these names; undefined when the file has none any more. */
  routeOf(names: LedgerNames): { readonly audience: AudienceEntry; readonly route: Route } | undefined;
}

/** What the key of a row in the ledger says of a route: `DestinationEntry.ledgerName`, `AudienceEntry.ledgerId`. */
export interface LedgerNames {
  readonly destination: string;
  /** The namespace in any case. */
  readonly audience: { readonly namespace: string; readonly id: string };
}

/** Prepares the look-up of audiences, destinations and routes: once per file, for every export. */
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
  const destinations = new Map<string, DestinationEntry>();
  for (const entry of file.destinations.values()) {
    for (const name of [entry.key, ...entry.formerly]) destinations.set(name, entry);
  }
  const routes = routesByLedgerNames(file);
  return Object.freeze({
    audience: (namespace: string, id: string) =>
      (byNamespace.get(namespace) ?? byNamespace.get(namespace.toLowerCase()))?.get(id),
    destination: (name: string) => destinations.get(name),
    routeOf: (names: LedgerNames) => routes.get(ledgerNamesText(names)),
  });
}

function routesByLedgerNames(file: ActivationFile) {
  const routes = new Map<string, { readonly audience: AudienceEntry; readonly route: Route }>();
  for (const audience of file.audiences.values()) {
    for (const route of audience.routes) {
      // The canary's destination is not in the file; its key is its name in the ledger.
      const destination = file.destinations.get(route.destination)?.ledgerName ?? route.destination;
      const { namespace, ledgerId: id } = audience;
      routes.set(ledgerNamesText({ destination, audience: { namespace, id } }), Object.freeze({ audience, route }));
    }
  }
  return routes;
}

function ledgerNamesText({ destination, audience }: LedgerNames): string {
  return JSON.stringify([destination, audience.namespace.toLowerCase(), audience.id]);
}
