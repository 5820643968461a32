import { UnreadableDocumentError, type ReceivedEvent } from '@activation-hub/delivery';
import { z } from 'zod';

/** An event in a document: its own bytes in base64, and times that a person can read. */
export const eventSchema = z.object({
  partitionId: z.string(),
  sequenceNumber: z.int(),
  enqueuedAt: z.iso.datetime(),
  bodyBase64: z.base64(),
});

/** The key of a ledger row in a document. */
export const rowSchema = z.object({
  destination: z.string(),
  identity: z.object({ namespace: z.string(), value: z.string() }),
  audience: z.object({ namespace: z.string(), id: z.string() }),
});

type EventDocument = z.infer<typeof eventSchema>;

export function writeEvent({ body, enqueuedAtMs, partitionId, sequenceNumber }: ReceivedEvent): EventDocument {
  return {
    partitionId,
    sequenceNumber,
    enqueuedAt: new Date(enqueuedAtMs).toISOString(),
    bodyBase64: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64'),
  };
}

export function readEvent({ bodyBase64, enqueuedAt, ...position }: EventDocument): ReceivedEvent {
  return {
    ...position,
    enqueuedAtMs: Date.parse(enqueuedAt),
    body: new Uint8Array(Buffer.from(bodyBase64, 'base64')),
  };
}

/**
 * The version of the documents, which each says: an older program must not take a newer document
 * for less than it is, and write it back so.
 */
export const documentVersion = 1;

/** What a document is called and how it is refused. */
export interface DocumentOf {
  /** `retry` or `dead letter`. */
  readonly kind: string;
  readonly blobName: string;
}

/**
 * What a document holds. Throws `UnreadableDocumentError` with the names of the fields that are
 * wrong, and nothing that it holds.
 */
export function parseDocument<Schema extends z.ZodType>(
  schema: Schema,
  bytes: Uint8Array,
  of: DocumentOf,
): z.infer<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // Without the cause: a parser's message quotes what it read.
    throw unreadable(of, 'it is not JSON');
  }
  if (versionOf(json) !== documentVersion) throw unreadable(of, 'version');
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const fields = new Set(parsed.error.issues.map(({ path }) => path.join('.') || 'the document'));
  throw unreadable(of, [...fields].join(', '));
}

/** The refusal of a document, with what is wrong with it. */
export function unreadable({ kind, blobName }: DocumentOf, what: string): UnreadableDocumentError {
  return new UnreadableDocumentError(
    `Failed to read a ${kind}: the blob ${blobName} is not as it was written (${what}). Restore the blob from its earlier version, or delete it.`,
    blobName,
  );
}

function versionOf(json: unknown): unknown {
  return typeof json === 'object' && json !== null && 'version' in json ? json.version : undefined;
}
