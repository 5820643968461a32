import { readProfileExports, type JsonValue } from '@activation-hub/audience-events';
import type { Identity } from '@activation-hub/membership';

/**
 * The body of an event without the exports of a person: the very same bytes when it holds none, undefined when nothing else
 * is left. Of several exports in one body the others stay, written anew as JSON.
 *
 * An export is the person's when it has the identity in its namespace. What cannot be read is taken for the person's when the
 * identity's value stands in it as a JSON string: nobody will ever be told of it, and it must not outlive the person.
 */
export function withoutPerson(body: Uint8Array, identity: Identity): Uint8Array | undefined {
  const { exports, refusals } = readProfileExports(body);
  const quoted = JSON.stringify(identity.value);
  const value = parse(body);
  const isHeld = exports.some(
    ({ identities }) => identities.get(identity.namespace)?.includes(identity.value) === true,
  );
  if (!isHeld && refusals.length === 0) return body;
  if (!isArray(value)) {
    if (isHeld || (value !== undefined && JSON.stringify(value).includes(quoted))) return undefined;
    return value === undefined && Buffer.from(body).includes(quoted) ? undefined : body;
  }
  const read = new Map(exports.map((each) => [each.path, each]));
  const others = value.filter((element, index) => {
    const profileExport = read.get(`$[${index}]`);
    if (profileExport === undefined) return !JSON.stringify(element).includes(quoted);
    return profileExport.identities.get(identity.namespace)?.includes(identity.value) !== true;
  });
  if (others.length === value.length) return body;
  return others.length === 0 ? undefined : Buffer.from(JSON.stringify(others));
}

function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function parse(body: Uint8Array): JsonValue | undefined {
  try {
    return JSON.parse(
      Buffer.from(body)
        .toString()
        .replace(/^\uFEFF/, ''),
    ) as JsonValue;
  } catch {
    // The parser's message quotes the body.
    return undefined;
  }
}
