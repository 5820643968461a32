import { afterPart } from './after-part.ts';

/**
 * Tells the parts of a batch one after the other, for a vendor that takes only some changes in one
 * request. Where one fails after another was told, there is doubt. Gives what `tell` gives for
 * each, and throws what it throws.
 */
export async function inParts<Part, Told>(
  parts: Iterable<Part>,
  tell: (part: Part) => Promise<Told>,
): Promise<readonly Told[]> {
  const told: Told[] = [];
  for (const part of parts) told.push(await (told.length === 0 ? tell(part) : afterPart(tell(part))));
  return told;
}
