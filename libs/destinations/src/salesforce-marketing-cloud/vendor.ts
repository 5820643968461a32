import {
  type StandInVendor,
  type StartLocalVendor,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';
import { z } from 'zod';
import { marketingCloudOptions } from './settings.ts';

/**
 * A business unit of Marketing Cloud Engagement, as far as the connector uses it: data extensions
 * of columns of text.
 */
export interface SalesforceMarketingCloudVendor extends StandInVendor {
  /** Adds a data extension with these columns as its primary key. */
  addDataExtension(key: string, primaryKey: readonly string[]): void;
  deleteDataExtension(key: string): void;
  /** The values of the primary key of the rows of this data extension. */
  members(key: string): readonly string[];
  /** Revokes every token. */
  endTokens(): void;
}

export const startLocalSalesforceMarketingCloudVendor: StartLocalVendor = async ({ routes }) => {
  const vendor = await startSalesforceMarketingCloudVendor();
  for (const { options } of routes) {
    const { dataExtension, keyColumn } = marketingCloudOptions.parse(options);
    vendor.addDataExtension(dataExtension, [keyColumn]);
  }
  return {
    settings: { authUrl: vendor.origin, soapUrl: `${vendor.origin}/soap` },
    members: ({ options }) => vendor.members(marketingCloudOptions.parse(options).dataExtension),
    close: () => vendor.close(),
  };
};

/**
 * Starts Marketing Cloud on a free local port, with a data extension sports-fans. Its pages are at
 * developer.salesforce.com/docs/marketing/marketing-cloud/guide; that the row of an unknown key is
 * answered with the error 2, an unknown data extension with a status of the whole look-up, and
 * which codes stand beside a value that is not taken, are guesses.
 */
export async function startSalesforceMarketingCloudVendor(): Promise<SalesforceMarketingCloudVendor> {
  const unit = new BusinessUnit();
  const server = await startVendorServer(
    (request) => unit.answer(request),
    ({ url, headers }) => url === '/v2/token' || headers.soapaction === 'Retrieve',
  );
  unit.extensions.set('sports-fans', { primaryKey: ['SubscriberKey'], rows: new Map() });
  const rowsOf = (identity: string) =>
    [...unit.extensions.values()].flatMap(({ rows }) => {
      const row = rows.get(identity.toLowerCase());
      return row === undefined ? [] : [{ rows, row }];
    });
  return {
    ...server,
    member: (identity) => {
      const [found] = rowsOf(identity);
      if (found === undefined) return undefined;
      return Object.fromEntries(Object.entries(found.row.columns).filter(([, value]) => value !== null));
    },
    refuse: (identity) => void unit.refused.add(identity),
    omit: (identity) => void unit.omitted.add(identity),
    forgetPerson: (identity) => {
      for (const { rows } of rowsOf(identity)) rows.delete(identity.toLowerCase());
    },
    answerWithError: (code) =>
      server.setFault(
        code === undefined ? undefined : { kind: 'answer', answer: (request) => unit.fail(request, code) },
      ),
    addDataExtension: (key, primaryKey) => void unit.extensions.set(key, { primaryKey, rows: new Map() }),
    deleteDataExtension: (key) => void unit.extensions.delete(key),
    members: (key) => [...(unit.extensions.get(key)?.rows.values() ?? [])].map(({ value }) => value),
    endTokens: () => void (unit.tokens += 1),
  };
}

interface Row {
  readonly value: string;
  readonly columns: Readonly<Record<string, string | null>>;
}

interface DataExtension {
  readonly primaryKey: readonly string[];
  readonly rows: Map<string, Row>;
}

interface Told {
  readonly extension: DataExtension | undefined;
  readonly value: string;
  readonly columns: Readonly<Record<string, string | null>>;
}

/** "Access Token for Server-to-Server Integrations" (access-token-s2s.html). */
const signIn = z.strictObject({
  grant_type: z.literal('client_credentials'),
  client_id: z.string().min(1),
  client_secret: z.string().min(1),
  account_id: z.string().min(1).optional(),
});

/**
 * Why a row was not taken: "70000-70999 Custom Object" and "DataExtensionUpdateResult"; `invalid`
 * names a value.
 */
interface Failure {
  readonly code: string;
  readonly invalid?: string;
}

const objectsMax = 50;

class BusinessUnit {
  readonly extensions = new Map<string, DataExtension>();
  readonly refused = new Set<string>();
  readonly omitted = new Set<string>();
  tokens = 0;

  answer(request: VendorRequest): VendorResponse {
    const { method, url, headers, body } = request;
    if (method !== 'POST') return json(404, { message: 'Not Found', errorcode: 404 });
    if (url === '/v2/token') return this.#signIn(body);
    // "SOAP Faults" (soap_faults.html); a token that has expired is answered like a login that
    // failed.
    if (!/^(?:\/soap)?\/Service\.asmx$/.test(url)) return json(404, {});
    if (textsIn(body, 'fueloauth')[0] !== `token-${this.tokens}`) return fault('Security', 'Token Expired');
    if (headers.soapaction === 'Retrieve') return this.#retrieve(body);
    if (headers.soapaction === 'Update') return this.#update(body);
    if (headers.soapaction === 'Delete') return this.#delete(body);
    return fault('Client', 'SOAP action could not be determined');
  }

  /** This error, of every row or of the request. */
  fail(request: VendorRequest, code: string): VendorResponse {
    if (!/^\d/.test(code)) return fault(code, 'refused');
    return this.#results(request, () => ({ code }));
  }

  #signIn(body: string): VendorResponse {
    if (!signIn.safeParse(JSON.parse(body)).success) return json(401, { error: 'invalid_client' });
    this.tokens += 1;
    // 20 minutes, of which two are kept back.
    return json(200, { access_token: `token-${this.tokens}`, token_type: 'Bearer', expires_in: 1079 });
  }

  /** "Retrieve Data from a Data Extension", and the object `DataExtensionField`. */
  #retrieve(body: string): VendorResponse {
    const [type = ''] = textsIn(body, 'ObjectType');
    const [property = ''] = textsIn(body, 'Property');
    const values = textsIn(body, 'Value');
    if (type === 'DataExtensionField' && property === 'DataExtension.CustomerKey') {
      const columns = this.extensions.get(values[0] ?? '')?.primaryKey ?? [];
      const found = [
        ...columns.map((name) => [name, true] as const),
        ...(columns.length === 0 ? [] : [['FirstName', false] as const]),
      ];
      return this.#found(
        found.map(([name, isKey]) => `<Name>${escaped(name)}</Name><IsPrimaryKey>${isKey}</IsPrimaryKey>`),
      );
    }
    const [, key = ''] = /^DataExtensionObject\[(.+)\]$/.exec(type) ?? [];
    const extension = this.extensions.get(key);
    if (property !== extension?.primaryKey[0]) {
      const why = '<OverallStatus>Error: Invalid data extension</OverallStatus>';
      return soap(`<RetrieveResponseMsg ${partner}>${why}</RetrieveResponseMsg>`);
    }
    const rows = values.flatMap((value) => extension.rows.get(value.toLowerCase()) ?? []);
    return this.#found(
      rows.map(
        ({ value }) =>
          `<Properties><Property><Name>${property}</Name><Value>${escaped(value)}</Value></Property></Properties>`,
      ),
    );
  }

  #found(results: readonly string[]): VendorResponse {
    const written = results.map((result) => `<Results>${result}</Results>`).join('');
    return soap(
      `<RetrieveResponseMsg ${partner}><OverallStatus>OK</OverallStatus><RequestID>1</RequestID>${written}</RetrieveResponseMsg>`,
    );
  }

  /** "Manage Data in Data Extensions" (managing_data_in_data_extensions.html). */
  #update(body: string): VendorResponse {
    const [action = ''] = textsIn(body, 'SaveAction');
    if (!['UpdateAdd', 'UpdateOnly'].includes(action)) return fault('Client', 'no such SaveAction');
    return this.#results({ headers: { soapaction: 'Update' }, body }, ({ extension, value, columns }) => {
      const before = extension?.rows.get(value.toLowerCase());
      if (extension === undefined) return { code: '310002' };
      if (before === undefined && action === 'UpdateOnly') return { code: '2' };
      extension.rows.set(value.toLowerCase(), { value, columns: { ...before?.columns, ...columns } });
      return undefined;
    });
  }

  /**
   * "Delete a Row from a Data Extension"
   * (deleting_a_row_from_a_data_extension_via_the_web_service_api.html).
   */
  #delete(body: string): VendorResponse {
    return this.#results({ headers: { soapaction: 'Delete' }, body }, ({ extension, value }) => {
      if (extension === undefined) return { code: '310002' };
      return extension.rows.delete(value.toLowerCase()) ? undefined : { code: '2' };
    });
  }

  /** A result for each row, the last first; `OrdinalID` says which row it is of. */
  #results(
    { headers, body }: Pick<VendorRequest, 'headers' | 'body'>,
    carryOut: (told: Told) => Failure | undefined,
  ): VendorResponse {
    const { soapaction: kind = '' } = headers;
    const objects = partsIn(body, 'Objects');
    if (objects.length === 0 || objects.length > objectsMax) return fault('Server', 'too many objects');
    const failures: Failure[] = [];
    const results = objects.flatMap((object, place) => {
      const told = this.#read(object);
      const failure = this.refused.has(told.value) ? { code: '70000', invalid: told.value } : carryOut(told);
      if (failure !== undefined) failures.push(failure);
      if (this.omitted.has(told.value)) return [];
      const errors =
        failure?.invalid === undefined
          ? ''
          : `<ValueErrors><ValueError><Name>FirstName</Name><ErrorMessage>${escaped(failure.invalid)} is not valid</ErrorMessage></ValueError></ValueErrors>`;
      const what = failure === undefined ? '<StatusCode>OK</StatusCode>' : '<StatusCode>Error</StatusCode>';
      const code = failure === undefined ? '' : `<ErrorCode>${failure.code}</ErrorCode>`;
      return [
        `<Results>${what}<OrdinalID>${place}</OrdinalID>${code}<Object><Keys><Key><Value>${escaped(told.value)}</Value></Key></Keys></Object>${errors}</Results>`,
      ];
    });
    const overall = `<RequestID>1</RequestID><OverallStatus>${failures.length === 0 ? 'OK' : 'Has Errors'}</OverallStatus>`;
    return soap(`<${kind}Response ${partner}>${results.reverse().join('')}${overall}</${kind}Response>`);
  }

  #read(object: string): Told {
    const [key = ''] = textsIn(object, 'CustomerKey');
    const [keys = ''] = partsIn(object, 'Keys');
    const [value = ''] = textsIn(keys, 'Value');
    const properties = partsIn(object, 'Property').map((property) => {
      const [name = ''] = textsIn(property, 'Name');
      return [name, property.includes('NullAPIProperty') ? null : (textsIn(property, 'Value')[0] ?? '')] as const;
    });
    const extension = this.extensions.get(key);
    const columns = properties.filter(([name]) => extension?.primaryKey.includes(name) !== true);
    return { extension, value, columns: Object.fromEntries(columns) };
  }
}

const partner = 'xmlns="http://exacttarget.com/wsdl/partnerAPI"';

const partsIn = (xml: string, name: string): readonly string[] =>
  [...xml.matchAll(new RegExp(`<${name}(?: [^>]*)?>.*?</${name}>`, 'gs'))].map(([part]) => part);

const textsIn = (xml: string, name: string): readonly string[] =>
  [...xml.matchAll(new RegExp(`<${name}(?: [^>]*)?>([^<]*)</${name}>`, 'g'))].map(([, text = '']) =>
    text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&#13;', '\r').replaceAll('&amp;', '&'),
  );

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const soap = (body: string, status = 200): VendorResponse => ({
  status,
  headers: { 'content-type': 'text/xml; charset=utf-8' },
  body: `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>${body}</soap:Body></soap:Envelope>`,
});

const fault = (kind: string, text: string): VendorResponse =>
  soap(
    `<soap:Fault><faultcode xmlns:q0="http://docs.oasis-open.org/wss/2004/01">q0:${kind}</faultcode><faultstring>${text}</faultstring></soap:Fault>`,
    500,
  );

const json = (status: number, body: unknown): VendorResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
