import type { Change, HttpRequest, JsonValue } from '@activation-hub/destination-kit';
import type { MarketingCloudOptions, MarketingCloudSettings } from './settings.ts';

/** Where the token is put, on the way. */
export const noToken = '<fueloauth xmlns="http://exacttarget.com"></fueloauth>';

export type MarketingCloudRequests = ReturnType<typeof marketingCloudRequests>;

/**
 * Describes the requests to the SOAP API, for only that one deletes rows; the token is added on
 * their way.
 */
export function marketingCloudRequests({ soapUrl, timeoutMs }: MarketingCloudSettings) {
  const url = `${soapUrl.replace(/\/+$/, '').replace(/\/Service\.asmx$/i, '')}/Service.asmx`;
  const request = (action: string, body: string): HttpRequest => ({
    method: 'POST',
    url,
    headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: action },
    body: `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:Header>${noToken}</s:Header><s:Body>${body}</s:Body></s:Envelope>`,
    timeoutMs,
  });
  const retrieve = (type: string, properties: readonly string[], property: string, values: readonly string[]) =>
    request(
      'Retrieve',
      `<RetrieveRequestMsg ${partner}><RetrieveRequest>${element('ObjectType', type)}${properties.map((name) => element('Properties', name)).join('')}<Filter xsi:type="SimpleFilterPart">${element('Property', property)}${element('SimpleOperator', values.length === 1 ? 'equals' : 'IN')}${values.map((value) => element('Value', value)).join('')}</Filter></RetrieveRequest></RetrieveRequestMsg>`,
    );

  return {
    /** Writes rows; only an entry may add one ("Manage Data in Data Extensions", "SaveOption"). */
    save: (changes: readonly Change[], options: MarketingCloudOptions): HttpRequest => {
      const action = changes.every(({ kind }) => kind === 'entered') ? 'UpdateAdd' : 'UpdateOnly';
      const rows = changes.map((change) => {
        const { attributes, identity } = change;
        // A row of nothing but its key is not documented: then it is a column too, which others
        // send.
        const isBare = Object.keys(attributes).length === 0;
        return rowOf(change, options, isBare ? { [options.keyColumn]: identity.value } : attributes);
      });
      return request(
        'Update',
        `<UpdateRequest ${partner}><Options><SaveOptions><SaveOption><PropertyName>DataExtensionObject</PropertyName><SaveAction>${action}</SaveAction></SaveOption></SaveOptions></Options>${rows.join('')}</UpdateRequest>`,
      );
    },
    /** Deletes rows ("Delete a Row from a Data Extension"). */
    delete: (changes: readonly Change[], options: MarketingCloudOptions): HttpRequest =>
      request(
        'Delete',
        `<DeleteRequest ${partner}><Options></Options>${changes.map((change) => rowOf(change, options, {})).join('')}</DeleteRequest>`,
      ),
    /** Which of these rows there are. */
    findRows: ({ dataExtension, keyColumn }: MarketingCloudOptions, keys: readonly string[]): HttpRequest =>
      retrieve(`DataExtensionObject[${dataExtension}]`, [keyColumn], keyColumn, keys),
    readColumns: ({ dataExtension }: MarketingCloudOptions): HttpRequest =>
      retrieve('DataExtensionField', ['Name', 'IsPrimaryKey'], 'DataExtension.CustomerKey', [dataExtension]),
  };
}

const partner = 'xmlns="http://exacttarget.com/wsdl/partnerAPI"';

function rowOf(
  { identity }: Change,
  { dataExtension, keyColumn }: MarketingCloudOptions,
  columns: Change['attributes'],
) {
  const properties = Object.entries(columns).map(([name, value]) =>
    value === null
      ? `<Property xsi:type="NullAPIProperty">${element('Name', name)}</Property>`
      : `<Property>${element('Name', name)}${element('Value', textOf(value))}</Property>`,
  );
  const written = properties.length === 0 ? '' : `<Properties>${properties.join('')}</Properties>`;
  const key = `<Keys><Key>${element('Name', keyColumn)}${element('Value', identity.value)}</Key></Keys>`;
  return `<Objects xsi:type="DataExtensionObject">${element('CustomerKey', dataExtension)}${written}${key}</Objects>`;
}

const textOf = (value: Exclude<JsonValue, null>): string => (typeof value === 'string' ? value : JSON.stringify(value));
const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };

/** Without the characters that XML 1.0 cannot hold. */
const element = (name: string, text: string): string =>
  `<${name}>${text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replaceAll(/[&<>\r]/g, (character) => entities[character] ?? '')}</${name}>`;
