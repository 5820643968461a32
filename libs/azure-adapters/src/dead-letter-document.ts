import type { DeadLetter } from '@activation-hub/delivery';
import { z } from 'zod';
import { documentVersion, eventSchema, parseDocument, readEvent, rowSchema, writeEvent } from './event-document.ts';

/**
 * A dead letter as it lies in its blob: JSON that a person can read, with the event's own bytes in
 * base64.
 */
const documentSchema = z.object({
  outcome: z.enum(['unreadable', 'rejected', 'given-up']),
  destination: z.string().exactOptional(),
  class: z.string(),
  failures: z.array(
    z.object({
      path: z.string().exactOptional(),
      audience: z.string().exactOptional(),
      changeId: z.string().exactOptional(),
      rows: z.array(rowSchema).readonly().exactOptional(),
      reason: z.string(),
    }),
  ),
  attempts: z.int().nonnegative(),
  givenUpAt: z.iso.datetime(),
  event: eventSchema,
});

/** The bytes of a letter's blob. */
export function writeDeadLetter({ event, givenUpAtMs, ...letter }: DeadLetter): Buffer {
  const document: z.infer<typeof documentSchema> & { readonly version: number } = {
    version: documentVersion,
    ...letter,
    failures: [...letter.failures],
    givenUpAt: new Date(givenUpAtMs).toISOString(),
    event: writeEvent(event),
  };
  return Buffer.from(`${JSON.stringify(document, undefined, 2)}\n`);
}

/**
 * The letter in the bytes of a blob. Throws `UnreadableDocumentError` when they are not what
 * `writeDeadLetter` writes, with a sentence that names the blob and the field, and quotes nothing
 * of the event.
 */
export function readDeadLetter(bytes: Uint8Array, blobName: string): DeadLetter {
  const of = { kind: 'dead letter', blobName };
  const { event, givenUpAt, ...letter } = parseDocument(documentSchema, bytes, of);
  return { ...letter, givenUpAtMs: Date.parse(givenUpAt), event: readEvent(event) };
}
