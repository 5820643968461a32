import { type Change, formFields, type HttpRequest, jsonRequests, personIds } from '@activation-hub/destination-kit';
import type { LinkedinSettings } from './settings.ts';
import { linkedinFields, linkedinIds, linkedinKinds } from './takes.ts';

/** One element of a request, and the change of which it tells. */
export interface LinkedinElement {
  readonly id: string;
  readonly told: {
    readonly action: 'ADD' | 'REMOVE';
    readonly userIds: readonly { readonly idType: string; readonly idValue: string }[];
  };
}

export type LinkedinRequests = ReturnType<typeof linkedinRequests>;

/** Describes the requests to LinkedIn; the token is added on their way. */
export function linkedinRequests(settings: LinkedinSettings) {
  const { adAccountId, apiVersion, sourcePlatform } = settings;
  const account = `urn:li:sponsoredAccount:${adAccountId}`;
  const protocol = { 'linkedin-version': apiVersion, 'x-restli-protocol-version': '2.0.0' };
  const request = jsonRequests(settings, '/rest/dmpSegments', protocol);
  return {
    /**
     * All segments of the account that come from here, from the place `start` on: without `start`
     * and `count` they should come in one answer.
     */
    listSegments: (start: string | undefined): HttpRequest =>
      request('GET', '', { query: { q: 'account', account, sourcePlatform, start } }),
    createSegment: (name: string): HttpRequest =>
      request('POST', '', {
        body: {
          name,
          account,
          sourcePlatform,
          accessPolicy: 'PRIVATE',
          type: 'USER',
          destinations: [{ destination: 'LINKEDIN' }],
        },
      }),
    tellUsers: (segment: string, elements: readonly LinkedinElement[]): HttpRequest =>
      request('POST', `/${segment}/users`, {
        body: { elements: elements.map(({ told }) => told) },
        headers: { 'x-restli-method': 'BATCH_CREATE' },
      }),
  };
}

/**
 * What LinkedIn is told of these changes, in this order: that ids which are theirs no longer leave,
 * and that persons leave or enter under those that they have. An id that leaves with one person may
 * enter with another in the same request: so every removal comes before every entry.
 */
export function elementsOf(changes: readonly Change[], settings: LinkedinSettings): readonly LinkedinElement[] {
  const elements = changes.flatMap((change): readonly LinkedinElement[] => {
    const { id, kind, attributes } = change;
    const { ids, vanished } = personIds(linkedinIds, change, settings);
    const user = { userIds: listed(ids), ...formFields(linkedinFields, attributes).fields };
    const removal = { id, told: { action: 'REMOVE' as const, userIds: listed(vanished) } };
    return [
      ...(removal.told.userIds.length === 0 ? [] : [removal]),
      { id, told: { action: kind === 'exited' ? 'REMOVE' : 'ADD', ...user } },
    ];
  });
  const isRemoval = ({ told }: LinkedinElement) => told.action === 'REMOVE';
  return [...elements.filter(isRemoval), ...elements.filter((each) => !isRemoval(each))];
}

const listed = (ids: Readonly<Record<string, string | undefined>>) =>
  linkedinKinds.flatMap((idType) => {
    const idValue = ids[idType];
    return idValue === undefined ? [] : [{ idType, idValue }];
  });
