import type { ActivationFile, Matcher } from '@activation-hub/activation-file';
import type { Control, RoutedAudiences } from '@activation-hub/delivery';

/**
 * Every name under which a store may have a destination, given by one of them: its key first, then
 * those that it had before. The name itself where the file has no such destination.
 */
export function storedNames(name: string, matcher: Pick<Matcher, 'destination'>): readonly string[] {
  const entry = matcher.destination(name);
  return entry === undefined ? [name] : [entry.key, ...entry.formerly];
}

/** The key that a destination has now; the name itself where the file has no such destination. */
export function presentKey(name: string, matcher: Pick<Matcher, 'destination'>): string {
  return matcher.destination(name)?.key ?? name;
}

/**
 * The controls with the keys that their destinations have now: one that was asked for under an
 * earlier file names its destination as it was called there.
 */
export function underPresentKeys(
  controls: readonly Control[],
  matcher: Pick<Matcher, 'destination'>,
): readonly Control[] {
  return controls.map((control) =>
    control.destination === undefined ? control : { ...control, destination: presentKey(control.destination, matcher) },
  );
}

/**
 * What a file routes, for a replay of letters that may be of an earlier file; `matcher` is the
 * file's.
 */
export function routedAudiences({ routes }: Pick<ActivationFile, 'routes'>, matcher: Matcher): RoutedAudiences {
  const byDestination = Map.groupBy(routes, ({ destination }) => destination);
  return {
    byDestination: new Map([...byDestination].map(([key, of]) => [key, new Set(of.map(({ audience }) => audience))])),
    isRoute: (audienceKey, destinationName) => matcher.route(audienceKey, destinationName) !== undefined,
    isRouteOf: (row) => matcher.routeOf(row) !== undefined,
  };
}
