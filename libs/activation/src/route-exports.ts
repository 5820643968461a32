import type { AudienceEntry, Matcher, Route } from '@activation-hub/activation-file';
import { isRefusal, readMembership, type AudienceMembership } from '@activation-hub/audience-events';
import type { ReceivedEvent, Retry } from '@activation-hub/delivery';
import type { ReadExport, Unreadable } from './read-events.ts';
import { presentKey } from './stored-names.ts';

/** A membership that a route names. */
export interface RoutedMembership extends ReadExport {
  readonly audience: AudienceEntry;
  readonly membership: AudienceMembership;
  /** Those of the audience's routes that are asked for; at least one. */
  readonly routes: readonly Route[];
}

/**
 * Picks the memberships that the activation file routes; of a retry, only what it left open. An
 * export carries other audiences than the one that triggered it, and absence never means an exit,
 * so neither presence nor absence is taken for a change here.
 */
export function routeExports(
  exports: readonly ReadExport[],
  matcher: Matcher,
  retry?: Retry,
): { readonly memberships: readonly RoutedMembership[]; readonly refused: readonly Unreadable[] } {
  const memberships: RoutedMembership[] = [];
  const refused: Unreadable[] = [];
  const routesOf = retry === undefined ? allRoutes : openRoutes(retry, matcher);
  for (const { event, profileExport } of exports) {
    // `in` order is the payload's; keys of the prototype cannot come, for JSON objects have none
    // that enumerate.
    for (const namespace in profileExport.segmentMembership) {
      const items = profileExport.segmentMembership[namespace];
      for (const audienceId in items) {
        const audience = matcher.audience(namespace, audienceId);
        if (audience === undefined) continue;
        const routes = routesOf(audience, event);
        if (routes.length === 0) continue;
        const membership = readMembership(profileExport, namespace, audienceId, event.enqueuedAtMs);
        if (isRefusal(membership)) refused.push({ event, refusal: membership, audience: audience.key });
        else memberships.push({ event, profileExport, audience, membership, routes });
      }
    }
  }
  return { memberships, refused };
}

const allRoutes = (audience: AudienceEntry): readonly Route[] => audience.routes;

/**
 * Of each event the audiences that the retry names, to its destination; and those to which its rows
 * belong, whatever the file that wrote the retry calls them. A deployment has workers with an older
 * and with a newer file beside each other.
 */
function openRoutes(
  retry: Retry,
  matcher: Matcher,
): (audience: AudienceEntry, event: ReceivedEvent) => readonly Route[] {
  const named = presentKey(retry.destination, matcher);
  const open = new Map(
    retry.events.map(({ event, audiences, rows }) => {
      const ofRows = new Set(rows.map((row) => matcher.routeOf(row)?.route));
      return [event, { audiences: new Set(audiences), ofRows }];
    }),
  );
  return (audience, event) => {
    const of = open.get(event);
    if (of === undefined) return [];
    const isNamed = of.audiences.has(audience.key);
    return audience.routes.filter((route) => (isNamed && route.destination === named) || of.ofRows.has(route));
  };
}
