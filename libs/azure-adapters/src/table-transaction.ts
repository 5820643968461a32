import { randomUUID } from 'node:crypto';
import {
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineRequest,
  RestError,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import type { TableClient, TableEntity } from '@azure/data-tables';

/** A row that is made, that replaces the one of a version, or columns to be merged into that. */
export interface RowWrite {
  readonly entity: TableEntity;
  /** Whether the columns that the row of the version has besides stay. */
  readonly isMerge: boolean;
  /** The ETag that must still be there; `undefined` when there must be no row. */
  readonly expected: string | undefined;
}

const lineEnd = '\r\n';
/** Where a store that is busy says nothing of when to come again, in milliseconds. */
const retryAfterMs = 200;
const wire = createDefaultHttpClient();
/**
 * A transaction that cannot be done for now is answered with 202 like every other, and what is the
 * matter stands within. Here it becomes the status of the answer, so that the retries of the client
 * see it.
 */
const httpClient: HttpClient = {
  sendRequest: async (request) => {
    const response = await wire.sendRequest(request);
    const text = textOf(response);
    const status = /^HTTP\/1\.1 (429|500|503)\b/m.exec(text)?.[1];
    if (status === undefined) return response;
    const waitMs = /x-ms-retry-after-ms: *(\d+)/i.exec(text)?.[1] ?? retryAfterMs;
    response.headers.set('x-ms-retry-after-ms', waitMs);
    return { ...response, status: Number(status) };
  },
};

/**
 * Writes rows of one partition, all or none, and gives their ETags in the order of the writes: an
 * entity group transaction, as "Performing entity group transactions" of the Table service's REST
 * reference has it. It goes through the pipeline of the client (sign-in, retries), but not through
 * `submitTransaction` of the SDK, which makes a client and a pipeline for each transaction and a
 * request for each row: that was a quarter of the handler's time in a burst.
 *
 * Throws `RestError` as the SDK does: with the status and the code of the row for which it failed,
 * and its place in front of the message. A store that is busy is asked again, as the client does.
 */
export async function submitTransaction(
  client: TableClient,
  writes: readonly RowWrite[],
  options: { readonly abortSignal: AbortSignal },
): Promise<readonly string[]> {
  const { origin, pathname, search } = new URL(client.url);
  const account = `${origin}${pathname.replace(/\/$/, '')}`;
  const id = randomUUID();
  const request = createPipelineRequest({
    url: `${account}/$batch${search}`,
    method: 'POST',
    headers: createHttpHeaders({
      Accept: 'application/json',
      'Content-Type': `multipart/mixed; boundary=batch_${id}`,
      DataServiceVersion: '3.0;',
      MaxDataServiceVersion: '3.0;NetFx',
      'x-ms-version': '2019-02-02',
    }),
    body: Buffer.from(transactionBody(id, `${account}/${client.tableName}`, writes)),
    abortSignal: options.abortSignal,
    // Only an emulator on this machine has such an endpoint (`storage-connections.ts`).
    allowInsecureConnection: true,
  });
  const response = await client.pipeline.sendRequest(httpClient, request);
  return versionsIn(response, request, writes.length);
}

/** The body of the request, with the two boundaries made of the id. */
export function transactionBody(id: string, tableUrl: string, writes: readonly RowWrite[]): string {
  const parts = writes.map(({ entity, isMerge, expected }) => {
    const { partitionKey, rowKey } = entity;
    const [method, url, condition] =
      expected === undefined
        ? ['POST', tableUrl, 'Prefer: return-no-content']
        : [
            isMerge ? 'PATCH' : 'PUT',
            `${tableUrl}(PartitionKey='${keyText(partitionKey)}',RowKey='${keyText(rowKey)}')`,
            `If-Match: ${expected}`,
          ];
    return [
      `--changeset_${id}`,
      'Content-Type: application/http',
      'Content-Transfer-Encoding: binary',
      '',
      `${method} ${url} HTTP/1.1`,
      'Content-Type: application/json',
      'Accept: application/json;odata=minimalmetadata',
      'DataServiceVersion: 3.0;',
      condition,
      '',
      odataText(entity),
    ].join(lineEnd);
  });
  return [
    `--batch_${id}`,
    `Content-Type: multipart/mixed; boundary=changeset_${id}`,
    '',
    ...parts,
    `--changeset_${id}--`,
    `--batch_${id}--`,
    '',
  ].join(lineEnd);
}

function keyText(key: string): string {
  return encodeURIComponent(key.replaceAll("'", "''"));
}

/**
 * The entity as OData's JSON: what JSON has no type for has its type beside it ("Payload format for
 * Table service operations"). Written here, because to make an object of it first took twice as
 * long.
 */
function odataText(entity: TableEntity): string {
  let text = `{"PartitionKey":${JSON.stringify(entity.partitionKey)},"RowKey":${JSON.stringify(entity.rowKey)}`;
  for (const name in entity) {
    if (name === 'partitionKey' || name === 'rowKey') continue;
    const value: unknown = entity[name];
    if (typeof value === 'bigint') text += `,"${name}@odata.type":"Edm.Int64","${name}":"${value}"`;
    else if (value instanceof Date) text += `,"${name}@odata.type":"Edm.DateTime","${name}":"${value.toISOString()}"`;
    else text += `,"${name}":${JSON.stringify(value)}`;
  }
  return `${text}}`;
}

/** Of an answer without a body a word in which nothing is found. */
function textOf({ bodyAsText }: PipelineResponse): string {
  return String(bodyAsText);
}

/**
 * The answers come in the order of the writes; a transaction that failed has one answer, of the row
 * for which it failed.
 */
function versionsIn(response: PipelineResponse, request: PipelineRequest, writes: number): readonly string[] {
  const text = textOf(response);
  if (response.status !== 202) throw failureOf(text, response.status, request, response);
  const versions = text.split('--changesetresponse_').flatMap((answer) => {
    const status = /HTTP\/1\.1 (\d{3})/.exec(answer)?.[1];
    // What stands before the first answer and behind the last.
    if (status === undefined) return [];
    if (!status.startsWith('2')) throw failureOf(answer, Number(status), request, response);
    const version = /^etag: *(.+)/im.exec(answer)?.[1];
    return version === undefined ? [] : [version];
  });
  if (versions.length === writes) return versions;
  throw new Error(
    `Failed to write the ledger: of ${writes} rows the table store confirmed ${versions.length} with an ETag.`,
  );
}

function failureOf(text: string, statusCode: number, request: PipelineRequest, response: PipelineResponse): RestError {
  let error: { readonly code?: string; readonly message?: { readonly value?: string } } = {};
  try {
    error =
      (JSON.parse(String(/\{.*\}/s.exec(text))) as { readonly 'odata.error'?: typeof error })['odata.error'] ?? {};
  } catch {
    // An answer that is no JSON has its status only.
  }
  const code = error.code === undefined ? {} : { code: error.code };
  return new RestError(error.message?.value ?? 'The transaction failed.', { ...code, statusCode, request, response });
}
