import { DestinationError, ListsByName, type VendorApi } from '@activation-hub/destination-kit';
import type { SnapchatRequests } from './request.ts';
import { listsSchema, type SnapchatList } from './response.ts';
import { lifetimeDays, type SnapchatOptions } from './settings.ts';

/** A segment that is a customer list: others are made of what persons do. */
export const isCustomerList = ({ source_type: source }: SnapchatList): boolean => source === 'FIRST_PARTY';

/** The customer lists that options name. */
export const snapchatLists = (api: VendorApi, requests: SnapchatRequests) =>
  new ListsByName<SnapchatOptions, SnapchatList>({
    vendor: 'Snapchat',
    what: 'customer list',
    page: (from, signal) => api.ask(requests.readLists(from), listsSchema, signal),
    read: async (id, signal) => (await api.find(requests.readList(id), listsSchema, ['404'], signal))?.lists[0],
    create: async (name, signal, { membershipDays }) => {
      const [created] = (await api.ask(requests.createList(name, membershipDays), listsSchema, signal)).lists;
      if (created !== undefined) return created;
      const why = `Snapchat has not made ${JSON.stringify(name)}. Let the user of the refresh token manage audiences.`;
      throw new DestinationError('set-up', `Failed to create the customer list: ${why}`);
    },
    unfit: (list, { membershipDays }) => {
      if (!isCustomerList(list)) return 'it is no customer list. Name one that is.';
      const days = list.retention_in_days ?? lifetimeDays;
      if (days >= membershipDays) return undefined;
      return `its members lapse after ${days} days and would be told again too late. Write membershipDays: ${days} in the options.`;
    },
  });
