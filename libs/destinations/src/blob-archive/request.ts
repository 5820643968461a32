import { createHash, createHmac } from 'node:crypto';
import type { Change, HttpRequest, HttpSender } from '@activation-hub/destination-kit';
import { changeDocument } from '../change-document.ts';
import type { BlobArchiveSettings } from './settings.ts';

/** Version of the Blob service's REST API; all that is used here is older. */
const serviceVersion = '2023-11-03';

/** The changes of one audience on one day, as one blob. */
export interface ArchiveBlob {
  /** Within the container, with `/` between its parts. */
  readonly name: string;
  /** NDJSON: one change to a line, each line with its end. */
  readonly content: string;
  readonly changeIds: readonly string[];
}

/**
 * Sorts changes into blobs, by the day on which AEP saw them (UTC) and the audience. The same
 * changes give the same names and contents, in whatever order they come: a repetition meets the
 * blob that it wrote before.
 */
export function archiveBlobs(changes: readonly Change[]): readonly ArchiveBlob[] {
  const folderOf = ({ qualifiedAt, audience }: Change): string =>
    `day=${dayOf(qualifiedAt)}/audience_key=${audience.key}`;
  return [...Map.groupBy(changes, folderOf)].map(([folder, group]) => {
    const sorted = group.toSorted((left, right) => (left.id < right.id ? -1 : 1));
    const content = sorted.map((change) => `${JSON.stringify(changeDocument(change))}\n`).join('');
    const digest = createHash('sha256').update(content).digest('hex');
    return { name: `${folder}/${digest}.ndjson`, content, changeIds: sorted.map(({ id }) => id) };
  });
}

/** Not the first ten characters: a year beyond 9999 has more digits, and a sign. */
const dayOf = (qualifiedAt: string): string => qualifiedAt.split('T')[0] ?? '';

export type BlobArchiveRequests = ReturnType<typeof blobArchiveRequests>;

/** Describes the requests to the Blob service; credentials are added on their way. */
export function blobArchiveRequests({ containerUrl, timeoutMs }: BlobArchiveSettings, now: () => number) {
  const container = containerUrl.replace(/\/+$/, '');
  const headers = () => ({ 'x-ms-version': serviceVersion, 'x-ms-date': new Date(now()).toUTCString() });

  return {
    /** Writes the blob unless there is one of its name. */
    putBlob: ({ name, content }: ArchiveBlob): HttpRequest => ({
      method: 'PUT',
      url: `${container}/${name}`,
      headers: {
        ...headers(),
        'x-ms-blob-type': 'BlockBlob',
        'if-none-match': '*',
        'content-type': 'application/x-ndjson',
      },
      body: content,
      timeoutMs,
      isEnough: () => true,
    }),
    findContainer: (): HttpRequest => ({
      method: 'GET',
      url: `${container}?restype=container`,
      headers: headers(),
      timeoutMs,
    }),
  };
}

/**
 * Signs each request with the key of the account ("Authorize with Shared Key", Azure Storage REST):
 * the method, the headers and the path are signed, and not the body.
 */
export function withAccountKey(http: HttpSender, containerUrl: string, key: Buffer): HttpSender {
  const account = accountOf(containerUrl);
  return {
    send: (request, signal) => {
      const signature = createHmac('sha256', key).update(textToSign(request, account)).digest('base64');
      const authorization = `SharedKey ${account}:${signature}`;
      return http.send({ ...request, headers: { ...request.headers, authorization } }, signal);
    },
  };
}

/** The first label of the host; an emulator has the account in the path, before the container. */
function accountOf(containerUrl: string): string {
  const { hostname, pathname } = new URL(containerUrl);
  const [first = '', second] = pathname.split('/').filter((part) => part !== '');
  return second === undefined ? (hostname.split('.')[0] ?? '') : first;
}

function textToSign({ method, url, headers, body = '' }: HttpRequest, account: string): string {
  const { pathname, searchParams } = new URL(url);
  const length = Buffer.byteLength(body);
  const standard = [
    ...['', '', length === 0 ? '' : String(length), '', headers['content-type'] ?? '', ''],
    ...['', '', headers['if-none-match'] ?? '', '', ''],
  ];
  const own = Object.entries(headers)
    .filter(([name]) => name.startsWith('x-ms-'))
    .map(([name, value]) => `${name}:${value}`)
    .sort();
  const query = [...searchParams].map(([name, value]) => `${name}:${value}`).sort();
  return [method, ...standard, ...own, [`/${account}${pathname}`, ...query].join('\n')].join('\n');
}
