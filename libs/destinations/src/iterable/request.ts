import { attributesBeside, type Change, type HttpRequest, jsonRequests } from '@activation-hub/destination-kit';
import type { IterableSettings } from './settings.ts';

export type IterableRequests = ReturnType<typeof iterableRequests>;

/** Describes the requests to Iterable; the key is added on their way. */
export function iterableRequests(settings: IterableSettings) {
  const { identifiers, createUsers } = settings;
  const request = jsonRequests(settings, '/api/lists');
  const who = ({ identity }: Change) => ({ [identifiers[identity.namespace] ?? '']: identity.value });

  return {
    readLists: (): HttpRequest => request('GET', ''),
    createList: (name: string): HttpRequest => request('POST', '', { body: { name } }),
    /** Adds to the list, and writes the attributes. Only an entry may create a user. */
    subscribe: (listId: number, changes: readonly Change[]): HttpRequest =>
      request('POST', '/subscribe', {
        body: {
          listId,
          subscribers: changes.map((change) => ({
            ...who(change),
            dataFields: attributesBeside(change, identifiers[change.identity.namespace]),
            // A project that knows users by email makes one of an unknown userId only so.
            preferUserId: createUsers && change.kind === 'entered',
          })),
          updateExistingUsersOnly: !createUsers || changes.every(({ kind }) => kind !== 'entered'),
        },
      }),
    unsubscribe: (listId: number, changes: readonly Change[]): HttpRequest =>
      request('POST', '/unsubscribe', { body: { listId, subscribers: changes.map(who), channelUnsubscribe: false } }),
  };
}
