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
 * The control with the keys that its destination and its audience have now: one that was asked for
 * under an earlier file names them as they were called there.
 */
export function underPresentKeys(control: Control, matcher: Pick<Matcher, 'destination' | 'routeOf'>): Control {
  const { destination: name, ledgerAudience } = control;
  if (name === undefined) return control;
  const entry = matcher.destination(name);
  const routed =
    entry === undefined || ledgerAudience === undefined
      ? undefined
      : matcher.routeOf({ destination: entry.ledgerName, audience: ledgerAudience });
  return {
    ...control,
    destination: entry?.key ?? name,
    ...(routed === undefined ? {} : { audience: routed.audience.key }),
  };
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
