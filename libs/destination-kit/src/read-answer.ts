import type { z } from 'zod';
import type { HttpResponse } from './http-message.ts';
import { DestinationError } from './verdict.ts';

/**
 * Reads the JSON of a successful answer. Throws a transient `DestinationError` in doubt when it is
 * not JSON or not as the schema wants it: the vendor answered, and may have applied the request.
 * The error holds nothing of the answer.
 */
export function readAnswer<Schema extends z.ZodType>(
  { status, body, isUnread }: HttpResponse,
  schema: Schema,
): z.output<Schema> {
  const unreadable = (why: string) =>
    new DestinationError('transient', `Failed to read the answer (${status}): ${why}. Check the URL and the version.`, {
      doubt: 'answered',
    });
  if (isUnread) throw unreadable('it is too large');
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // The syntax error quotes the answer, which may echo personal data.
    throw unreadable('it is not JSON');
  }
  const answer = schema.safeParse(parsed);
  if (!answer.success) throw unreadable('it is not what the vendor documents');
  return answer.data;
}
