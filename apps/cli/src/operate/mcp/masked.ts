import type { HeldView, InspectedExport, PersonView } from '@activation-hub/console-contract';
import { maskedValue } from '../../terminal/masked-identity.ts';

/** A story in which the person is masked wherever the story names them. */
export function maskedStory(story: PersonView): PersonView {
  const { identities, linked, routes } = story;
  const words = [...identities, ...linked, ...routes.flatMap(({ identity }) => identity ?? [])];
  const values = words.map((each) => each.slice(each.indexOf(' ') + 1));
  // Longer ones first, so that no part of one is left.
  return masked(
    story,
    [...new Set(values)].toSorted((left, right) => right.length - left.length),
  );
}

function masked<Value>(value: Value, values: readonly string[]): Value {
  if (typeof value === 'string')
    return values.reduce<string>((text, each) => text.replaceAll(each, maskedValue(each)), value) as Value;
  if (Array.isArray(value)) return value.map((each: unknown) => masked(each, values)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, masked(each, values)])) as Value;
}

/**
 * What the hub would do with an export, without the person: of requests only the address and the
 * size.
 */
export function maskedInspection({ decisions, requests, printed, ...rest }: InspectedExport) {
  return {
    ...rest,
    decisions: decisions.map(({ identity, ...decision }) => ({
      ...decision,
      ...(identity === undefined ? {} : { identity: { ...identity, value: maskedValue(identity.value) } }),
    })),
    requests: requests.map(maskedRequest),
    printed: printed.map(({ destination }) => ({ destination })),
  };
}

/** What waits for a destination, without the people. */
export function maskedHeld({ requests, printed, ...rest }: HeldView) {
  return { ...rest, requests: requests.map(maskedRequest), printed: printed.length };
}

/** Where a request would go, and how large it is. */
function maskedRequest({ destination, method, url, body }: InspectedExport['requests'][number]) {
  return { destination, method, origin: new URL(url).origin, bodyBytes: Buffer.byteLength(body) };
}
