import type { DeadLetter } from '@activation-hub/delivery';
import { z } from 'zod';

/** A dead letter as it lies in its blob: JSON that a person can read, with the event's own bytes in base64. */
const documentSchema = z.object({
  outcome: z.enum(['unreadable', 'rejected', 'gave-up']),
  destination: z.string().exactOptional(),
  class: z.string(),
  failures: z.array(
    z.object({
      path: z.string().exactOptional(),
      audience: z.string().exactOptional(),
      changeId: z.string().exactOptional(),
      reason: z.string(),
    }),
  ),
  attempts: z.int().nonnegative(),
  givenUpAt: z.iso.datetime(),
  event: z.object({
    partitionId: z.string(),
    sequenceNumber: z.int(),
    enqueuedAt: z.iso.datetime(),
    bodyBase64: z.base64(),
  }),
});

/** The bytes of a letter's blob. */
export function writeDeadLetter({ event, givenUpAtMs, ...letter }: DeadLetter): Buffer {
  const { body, enqueuedAtMs, ...position } = event;
  const document: z.infer<typeof documentSchema> = {
    ...letter,
    failures: [...letter.failures],
    givenUpAt: new Date(givenUpAtMs).toISOString(),
    event: {
      ...position,
      enqueuedAt: new Date(enqueuedAtMs).toISOString(),
      bodyBase64: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64'),
    },
  };
  return Buffer.from(`${JSON.stringify(document, undefined, 2)}\n`);
}

/**
 * The letter in the bytes of a blob. Throws when they are not what `writeDeadLetter` writes, with a sentence that names
 * the field and quotes nothing of the event.
 */
export function readDeadLetter(bytes: Uint8Array): DeadLetter {
  const parsed = documentSchema.safeParse(jsonOf(bytes));
  if (!parsed.success)
    throw new Error(whyNot(parsed.error.issues.map(({ path }) => path.join('.') || 'the document').join(', ')));
  const { event, givenUpAt, ...letter } = parsed.data;
  const { bodyBase64, enqueuedAt, ...position } = event;
  return {
    ...letter,
    givenUpAtMs: Date.parse(givenUpAt),
    event: {
      ...position,
      enqueuedAtMs: Date.parse(enqueuedAt),
      body: new Uint8Array(Buffer.from(bodyBase64, 'base64')),
    },
  };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // Without the cause: a parser's message quotes what it read.
    throw new Error(whyNot('it is not JSON'));
  }
}

function whyNot(what: string): string {
  return `Failed to read a dead letter: its blob is not as it was written (${what}). Restore the blob from its earlier version.`;
}
