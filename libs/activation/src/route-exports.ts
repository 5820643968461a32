import type { AudienceEntry, Matcher } from '@activation-hub/activation-file';
import { isRefusal, readMembership, type AudienceMembership } from '@activation-hub/audience-events';
import type { ReadExport, Unreadable } from './read-events.ts';

/** A membership that somebody wants to know about. */
export interface RoutedMembership extends ReadExport {
  readonly audience: AudienceEntry;
  readonly membership: AudienceMembership;
}

/**
 * Picks the memberships that the activation file routes. An export carries other audiences than the one that
 * triggered it, and absence never means an exit, so neither presence nor absence is taken for a change here.
 */
export function routeExports(
  exports: readonly ReadExport[],
  matcher: Matcher,
): { readonly memberships: readonly RoutedMembership[]; readonly refused: readonly Unreadable[] } {
  const memberships: RoutedMembership[] = [];
  const refused: Unreadable[] = [];
  for (const { event, profileExport } of exports) {
    for (const namespace of Object.keys(profileExport.segmentMembership)) {
      const items = profileExport.segmentMembership[namespace];
      // `in` order is the payload's; keys of the prototype cannot come, for JSON objects have none that enumerate.
      for (const audienceId in items) {
        const audience = matcher.audience(namespace, audienceId);
        if (audience === undefined || audience.routes.length === 0) continue;
        const membership = readMembership(profileExport, namespace, audienceId);
        if (isRefusal(membership)) refused.push({ event, refusal: membership, audience: audience.key });
        else memberships.push({ event, profileExport, audience, membership });
      }
    }
  }
  return { memberships, refused };
}
