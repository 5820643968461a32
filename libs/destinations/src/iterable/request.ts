import { type Change, type HttpRequest, jsonRequest } from '@activation-hub/destination-kit';
import type { IterableSettings } from './settings.ts';

export type IterableRequests = ReturnType<typeof iterableRequests>;

/** Describes the requests to Iterable; the key is added on their way. */
export function iterableRequests({ baseUrl, identifiers, createUsers, timeoutMs }: IterableSettings) {
  const root = `${baseUrl.replace(/\/+$/, '')}/api/lists`;
  const who = ({ identity }: Change) => ({ [identifiers[identity.namespace] ?? '']: identity.value });

  return {
    readLists: (): HttpRequest => jsonRequest('GET', root, timeoutMs),
    createList: (name: string): HttpRequest => jsonRequest('POST', root, timeoutMs, { name }),
    /** Adds to the list, and writes the attributes. Only an entry may create a user. */
    subscribe: (listId: number, changes: readonly Change[]): HttpRequest =>
      jsonRequest('POST', `${root}/subscribe`, timeoutMs, {
        listId,
        subscribers: changes.map((change) => ({
          ...who(change),
          dataFields: Object.fromEntries(
            Object.entries(change.attributes).filter(([name]) => name !== identifiers[change.identity.namespace]),
          ),
          // A project that knows users by email makes one of an unknown userId only so.
          preferUserId: createUsers && change.kind === 'entered',
        })),
        updateExistingUsersOnly: !createUsers || changes.every(({ kind }) => kind !== 'entered'),
      }),
    unsubscribe: (listId: number, changes: readonly Change[]): HttpRequest =>
      jsonRequest('POST', `${root}/unsubscribe`, timeoutMs, {
        listId,
        subscribers: changes.map(who),
        channelUnsubscribe: false,
      }),
  };
}
