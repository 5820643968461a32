import { type Change, formFields, type HttpRequest, jsonRequest } from '@activation-hub/destination-kit';
import type { LinkedinSettings } from './settings.ts';
import { linkedinFields, linkedinIds, linkedinKeys } from './takes.ts';

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
export function linkedinRequests({ baseUrl, apiVersion, adAccountId, sourcePlatform, timeoutMs }: LinkedinSettings) {
  const root = `${baseUrl.replace(/\/+$/, '')}/rest/dmpSegments`;
  const account = `urn:li:sponsoredAccount:${adAccountId}`;
  const request = (method: 'GET' | 'POST', url: string, body?: unknown, more: HttpRequest['headers'] = {}) => {
    const described = jsonRequest(method, url, timeoutMs, body);
    const protocol = { 'linkedin-version': apiVersion, 'x-restli-protocol-version': '2.0.0' };
    return { ...described, headers: { ...described.headers, ...protocol, ...more } };
  };

  return {
    /**
     * All segments of the account that come from here, from the place `start` on: without `start`
     * and `count` they should come in one answer.
     */
    listSegments: (start: number): HttpRequest => {
      const query = { q: 'account', account, sourcePlatform, ...(start > 0 && { start: String(start) }) };
      return request('GET', `${root}?${new URLSearchParams(query).toString()}`);
    },
    createSegment: (name: string): HttpRequest =>
      request('POST', root, {
        name,
        account,
        sourcePlatform,
        accessPolicy: 'PRIVATE',
        type: 'USER',
        destinations: [{ destination: 'LINKEDIN' }],
      }),
    tellUsers: (segment: string, elements: readonly LinkedinElement[]): HttpRequest =>
      request(
        'POST',
        `${root}/${segment}/users`,
        { elements: elements.map(({ told }) => told) },
        { 'x-restli-method': 'BATCH_CREATE' },
      ),
  };
}

/**
 * What LinkedIn is told of a change, in this order: that ids which are theirs no longer leave, and
 * that the person enters or leaves under those that they have. None where no key is set for the
 * namespace of the identity.
 */
export function elementsOf(change: Change, { keys }: LinkedinSettings): readonly LinkedinElement[] {
  const { id, kind, identity, attributes, previousAttributes = {} } = change;
  const key = Object.hasOwn(keys, identity.namespace) ? keys[identity.namespace] : undefined;
  if (key === undefined) return [];
  const ids = { ...formFields(linkedinIds, attributes).fields, [key]: identity.value };
  const earlier = Object.entries({ ...formFields(linkedinIds, previousAttributes).fields, [key]: identity.value });
  const vanished = Object.fromEntries(earlier.filter(([, value]) => !Object.values(ids).includes(value)));
  const user = { userIds: listed(ids), ...formFields(linkedinFields, attributes).fields };
  return [
    ...(Object.keys(vanished).length === 0
      ? []
      : [{ id, told: { action: 'REMOVE' as const, userIds: listed(vanished) } }]),
    { id, told: { action: kind === 'exited' ? 'REMOVE' : 'ADD', ...user } },
  ];
}

/**
 * An id that leaves with one person may enter with another in the same request: so every removal
 * comes before every entry.
 */
export const removalsFirst = (elements: readonly LinkedinElement[]): readonly LinkedinElement[] => [
  ...elements.filter(({ told }) => told.action === 'REMOVE'),
  ...elements.filter(({ told }) => told.action === 'ADD'),
];

const listed = (ids: Readonly<Record<string, string>>) =>
  linkedinKeys.flatMap((idType) => {
    const idValue = ids[idType];
    return idValue === undefined ? [] : [{ idType, idValue }];
  });
