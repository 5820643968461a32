import { z } from 'zod';
import { describedActivationFileSchema } from './activation-file-schema.ts';
import type { DescribedDestination } from './activation-file-schema.ts';

/**
 * JSON Schema (draft 7, which editors' YAML support knows best) of an activation file whose
 * destinations are of these types; with none, of what is common to all. It accepts whatever
 * `parseActivationFile` accepts. It cannot say everything: that a route's destination exists, that
 * its options suit that destination, or what a connector's schema checks by code is found only by
 * parsing.
 */
export function activationFileJsonSchema(destinations: ReadonlyMap<string, DescribedDestination>): object {
  return z.toJSONSchema(describedActivationFileSchema(destinations), {
    target: 'draft-07',
    io: 'input',
    unrepresentable: 'any',
  });
}
