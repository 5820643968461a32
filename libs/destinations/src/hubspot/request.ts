import { encodeUrlText, type Change, type HttpRequest, type JsonValue } from '@activation-hub/destination-kit';
import type { HubspotSettings, HubspotOptions } from './settings.ts';

/** Object type id of contacts. */
export const contactType = '0-1';

/** A change with the property by which HubSpot knows its person. */
export interface Identified {
  readonly change: Change;
  readonly idProperty: string;
  /** Where it was looked for: the id of the contact's record. */
  readonly recordId?: string;
}

export type HubspotRequests = ReturnType<typeof hubspotRequests>;

/** Describes the requests to HubSpot; credentials are added on their way. */
export function hubspotRequests({ baseUrl, apiVersion, timeoutMs }: HubspotSettings) {
  const root = baseUrl.replace(/\/+$/, '');
  const isDated = apiVersion !== 'v3';
  const lists = isDated ? `${root}/crm/lists/${apiVersion}` : `${root}/crm/v3/lists`;
  const contacts = isDated ? `${root}/crm/objects/${apiVersion}/contacts` : `${root}/crm/v3/objects/contacts`;
  const request = (method: HttpRequest['method'], url: string, body?: unknown): HttpRequest => ({
    method,
    url,
    headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    timeoutMs,
  });

  return {
    findList: ({ list, listId }: HubspotOptions): HttpRequest =>
      request(
        'GET',
        listId === undefined
          ? `${lists}/object-type-id/${contactType}/name/${encodeUrlText(list ?? '')}`
          : `${lists}/${listId}`,
      ),
    createList: (name: string): HttpRequest =>
      request('POST', lists, { name, objectTypeId: contactType, processingType: 'MANUAL' }),
    /**
     * Creates or updates contacts. `objectWriteTraceId` comes back with each, whatever the order.
     */
    upsertContacts: (rows: readonly Identified[]): HttpRequest =>
      request('POST', `${contacts}/batch/upsert`, {
        inputs: rows.map(({ change, idProperty }) => ({
          id: change.identity.value,
          idProperty,
          objectWriteTraceId: change.id,
          properties: propertiesOf(change, idProperty),
        })),
      }),
    /** Updates contacts by the ids of their records: creates none. */
    updateContacts: (rows: readonly Identified[]): HttpRequest =>
      request('POST', `${contacts}/batch/update`, {
        inputs: rows.map(({ change, idProperty, recordId }) => ({
          id: recordId,
          objectWriteTraceId: change.id,
          properties: propertiesOf(change, idProperty),
        })),
      }),
    /**
     * Finds contacts by one property; ids are in the body, for e-mail addresses must not be in a
     * URL.
     */
    readContacts: (rows: readonly Identified[], idProperty: string): HttpRequest =>
      request('POST', `${contacts}/batch/read`, {
        idProperty,
        inputs: rows.map(({ change }) => ({ id: change.identity.value })),
        properties: idProperty === 'email' ? ['email', 'hs_additional_emails'] : [idProperty],
        propertiesWithHistory: [],
      }),
    changeMembers: (direction: 'add' | 'remove', listId: string, recordIds: readonly string[]): HttpRequest =>
      request('PUT', `${lists}/${encodeUrlText(listId)}/memberships/${direction}`, recordIds),
  };
}

/**
 * All mapped attributes each time, for HubSpot does not say what a partial upsert by e-mail does to
 * the others.
 */
function propertiesOf({ attributes }: Change, idProperty: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes)
      // The identity says who it is; an attribute must not say otherwise.
      .filter(([name]) => name !== idProperty)
      .map(([name, value]) => [name, propertyText(value)]),
  );
}

/**
 * HubSpot takes texts only: several choices with semicolons between them, and nothing for no value.
 */
function propertyText(value: JsonValue): string {
  if (value === null) return '';
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return value.join(';');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
