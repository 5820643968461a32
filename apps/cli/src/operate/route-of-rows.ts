import { createMatcher, type ActivationFile, type Route } from '@activation-hub/activation-file';
import { shadowDestination, type LedgerKey } from '@activation-hub/membership';

/**
 * The route to which a row of the ledger belongs, and whether the row is of its shadow; undefined
 * for a link of people, and where the file has none any more.
 */
export type RouteOfRow = (key: LedgerKey) => { readonly route: Route; readonly isShadow: boolean } | undefined;

/** Prepares the look-up: once per file, for every row. */
export function routeOfRows(file: ActivationFile): RouteOfRow {
  const matcher = createMatcher(file);
  const ofShadow = new Map(
    [...file.destinations.values()].map(({ ledgerName }) => [shadowDestination(ledgerName), ledgerName]),
  );
  return (key) => {
    const destination = ofShadow.get(key.destination);
    const found = matcher.routeOf(destination === undefined ? key : { ...key, destination });
    return found === undefined ? undefined : { route: found.route, isShadow: destination !== undefined };
  };
}
