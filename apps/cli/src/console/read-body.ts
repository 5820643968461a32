import type { z } from 'zod';
import { ApiError } from './answers.ts';

/** What the page sent, in the form of the schema. Throws `ApiError`. */
export function read<Value>(schema: z.ZodType<Value>, body: unknown): Value {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ApiError(400, `Failed to read the request: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}.`);
}
