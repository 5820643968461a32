import { canonicalId, canonicalNamespace } from './canonical-audience.ts';
import type { ActivationFile, AudienceEntry, DestinationEntry, Route } from './activation-file.ts';

/**
 * Which parts of the activation file an export, a row of the ledger or a stored change belongs to.
 */
export interface Matcher {
  /**
   * The entry of an audience of AEP; the namespace in any case, the id too where it is a UUID, any
   * other id exactly. Takes the same time for any file.
   */
  audience(namespace: string, id: string): AudienceEntry | undefined;
  /** The entry of a destination, by its key or by one that it had before. */
  destination(name: string): DestinationEntry | undefined;
  /**
   * The route of an audience, by its key, to a destination, by its key or by one that it had
   * before.
   */
  route(audienceKey: string, destinationName: string): Route | undefined;
  /**
   * The routes of all audiences to a destination, by its key or by one that it had before, in the
   * order of the file.
   */
  routesTo(destinationName: string): readonly Route[];
  /**
   * The route of which the ledger has rows under these names; undefined when the file has none any
   * more.
   */
  routeOf(names: LedgerNames): { readonly audience: AudienceEntry; readonly route: Route } | undefined;
}

/**
 * What the key of a row in the ledger says of a route: `DestinationEntry.ledgerName`,
 * `AudienceEntry.ledgerId`.
 */
export interface LedgerNames {
  readonly destination: string;
  /** In any case, as for `audience`. */
  readonly audience: { readonly namespace: string; readonly id: string };
}

/** Prepares the look-up of audiences, destinations and routes: once per file, for every export. */
export function createMatcher(file: ActivationFile): Matcher {
  const byNamespace = new Map<string, Map<string, AudienceEntry>>();
  for (const entry of file.audiences.values()) {
    const byId = byNamespace.get(entry.namespace) ?? new Map<string, AudienceEntry>();
    byId.set(entry.id, entry);
    byNamespace.set(entry.namespace, byId);
  }
  const destinations = new Map<string, DestinationEntry>();
  for (const entry of file.destinations.values()) {
    for (const name of [entry.key, ...entry.formerly]) destinations.set(name, entry);
  }
  const routes = routesByLedgerNames(file);
  const routesByDestination = Map.groupBy(file.routes, ({ destination }) => destination);
  const keyOf = (name: string): string => destinations.get(name)?.key ?? name;
  return Object.freeze({
    audience: (namespace: string, id: string) => {
      // Exports mostly have both in the canonical spelling, so they are looked for as they come
      // first.
      const byId = byNamespace.get(namespace) ?? byNamespace.get(canonicalNamespace(namespace));
      const entry = byId?.get(id);
      if (entry !== undefined || byId === undefined) return entry;
      const canonical = canonicalId(id);
      return canonical === id ? undefined : byId.get(canonical);
    },
    destination: (name: string) => destinations.get(name),
    route: (audienceKey: string, destinationName: string) => {
      const key = keyOf(destinationName);
      return file.audiences.get(audienceKey)?.routes.find(({ destination }) => destination === key);
    },
    routesTo: (destinationName: string) => routesByDestination.get(keyOf(destinationName)) ?? [],
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
  return JSON.stringify([destination, canonicalNamespace(audience.namespace), canonicalId(audience.id)]);
}
