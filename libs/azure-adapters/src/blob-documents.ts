import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { bodiesBytesMax } from '@activation-hub/delivery';
import type { BlockBlobClient } from '@azure/storage-blob';
import { unreadable } from './event-document.ts';
import { callStore, StoreFailure, type Store } from './store-call.ts';

/** Which document: `read a <kind>` is what is done to it. */
export interface DocumentPlace {
  readonly kind: string;
  readonly blob: BlockBlobClient;
  readonly store: Store;
}

/** The bytes of a document with the version that a conditional write must name. */
export interface StoredDocument {
  readonly bytes: Buffer;
  readonly etag: string;
}

/** Bodies in base64 take a third more; the rest has room enough. */
const documentBytesMax = 2 * bodiesBytesMax;

/**
 * The document in a blob; undefined when there is no such blob. Throws `UnreadableDocumentError`,
 * without reading it, for one that is larger than any that is written.
 */
export async function downloadDocument(
  { kind, blob, store }: DocumentPlace,
  signal: AbortSignal,
): Promise<StoredDocument | undefined> {
  try {
    const { bytes, contentLength, etag } = await callStore(store, `read a ${kind}`, signal, async (abortSignal) => {
      const answer = await blob.download(0, undefined, { abortSignal });
      const { readableStreamBody: stream, contentLength: length, etag: version } = answer;
      if (length === undefined || version === undefined)
        throw new Error(`Failed to read a ${kind}: the blob store answered without a length or an ETag.`);
      if (length > documentBytesMax) (stream as Readable | undefined)?.on('error', () => undefined).destroy();
      const isRead = stream !== undefined && length <= documentBytesMax;
      return { bytes: isRead ? await buffer(stream) : Buffer.alloc(0), contentLength: length, etag: version };
    });
    if (contentLength <= documentBytesMax) return { bytes, etag };
    throw unreadable(
      { kind, blobName: blob.name },
      `it has ${contentLength} bytes, and at most ${documentBytesMax} are written`,
    );
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Rewrites a document by read, edit and conditional write, from the start when another process
 * wrote it in between. `edit` gives the write that replaces it, `'remove'`, or undefined to leave
 * it as it is. Resolves too when there is no such document. A write whose reply was lost meets
 * itself and is edited once more, so `edit` leaves its own result as it is.
 */
export async function editDocument(
  place: DocumentPlace,
  edit: (bytes: Buffer) => ((conditions: { readonly ifMatch: string }) => Promise<unknown>) | 'remove' | undefined,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const stored = await downloadDocument(place, signal);
    if (stored === undefined) return;
    const conditions = { ifMatch: stored.etag };
    const write = edit(stored.bytes);
    if (write === undefined) return;
    try {
      if (write !== 'remove') await write(conditions);
      else {
        await callStore(place.store, `remove a ${place.kind}`, signal, (abortSignal) =>
          place.blob.delete({ conditions, abortSignal }),
        );
      }
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isOtherVersion(error)) throw error;
    }
  }
}

/**
 * The blob has another version than the one of the condition. Under a lease, as a person takes one
 * to lock a blob, it answers 412 too, however often.
 */
export function isOtherVersion(error: unknown): boolean {
  return error instanceof StoreFailure && error.statusCode === 412 && error.code?.startsWith('Lease') !== true;
}

/** There is no such blob, in a container that is there. */
function isNotFound(error: unknown): boolean {
  return error instanceof StoreFailure && error.statusCode === 404 && error.code !== 'ContainerNotFound';
}
