import { Buffer, isUtf8 } from 'node:buffer';
import { isJsonObject } from './attribute-at.ts';
import type { JsonValue, ProfileExport } from './profile-export.ts';
import { readIdentities } from './read-identities.ts';
import { refuseStranger } from './refuse-stranger.ts';
import { isRefusal, memberPath, refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** What a body holds. Both empty never happens: a body without any export is refused. */
export interface ProfileExports {
  readonly exports: readonly ProfileExport[];
  /**
   * One for a body that is refused as a whole, or whose memberships cannot all be read; for an
   * array one per such element, at most 100 and one that says "and more".
   */
  readonly refusals: readonly Refusal[];
}

/** Refusals listed of one array. */
export const refusalsMax = 100;

const byteOrderMark = 0xfeff;
const replacementCharacter = '\ufffd';
const noRefusals: readonly Refusal[] = Object.freeze([]);
const noExports: readonly ProfileExport[] = Object.freeze([]);
const noSegmentMembership: ProfileExport['segmentMembership'] = Object.freeze({});

/**
 * Reads the body of one event: a profile export, or an array of them. Never throws, whatever the
 * bytes, and takes time proportional to them. A bad element of an array is refused and the good
 * ones are kept. Duplicate keys: the last wins. An identity, or a namespace of memberships, that
 * cannot be read costs itself only, unless nothing else is there. Unknown fields are kept. `null`
 * for `segmentMembership` or `identityMap` counts as absent; without both an object is refused.
 * Membership items are left unread: see `readMembership`. Attributes are left as they are, however
 * deeply they are nested: see `isNestedTooDeep`.
 */
export function readProfileExports(body: Uint8Array): ProfileExports {
  if (body.byteLength === 0) return refused(refuse('$', 'empty-body'));
  const text = decode(body);
  if (text === undefined) return refused(refuse('$', 'invalid-utf8'));
  if (text === '') return refused(refuse('$', 'empty-body'));
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    // The parser's own message quotes the body, which is personal data.
    return refused(refuse('$', 'invalid-json'));
  }
  if (Array.isArray(value)) return readElements(value as readonly JsonValue[]);
  const { profileExport, refusal } = readProfileExport(value, '$');
  return {
    exports: profileExport === undefined ? noExports : [profileExport],
    refusals: refusal === undefined ? noRefusals : [refusal],
  };
}

/**
 * The text of UTF-8 without its byte order mark; undefined when the bytes are none. Decoding puts a
 * replacement character in the place of what is none, so only a text that holds one is looked at
 * again: measurably quicker than looking at every body, or than a fatal TextDecoder.
 */
function decode(body: Uint8Array): string | undefined {
  const buffer = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const text = buffer.toString();
  if (text.includes(replacementCharacter) && !isUtf8(body)) return undefined;
  return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text;
}

function refused(refusal: Refusal): ProfileExports {
  return { exports: noExports, refusals: [refusal] };
}

function readElements(elements: readonly JsonValue[]): ProfileExports {
  if (elements.length === 0) return refused(refuse('$', 'empty-array'));
  const exports: ProfileExport[] = [];
  const refusals: Refusal[] = [];
  for (const [index, element] of elements.entries()) {
    const { profileExport, refusal } = readProfileExport(element, `$[${index}]`);
    if (profileExport !== undefined) exports.push(profileExport);
    if (refusal === undefined) continue;
    if (refusals.length < refusalsMax) refusals.push(refusal);
    else if (refusals.length === refusalsMax) refusals.push(refuse('$', 'further-refusals'));
  }
  return { exports, refusals };
}

/** At least one of the two; both where a part of an export cannot be read. */
interface ReadExport {
  readonly profileExport?: ProfileExport;
  readonly refusal?: Refusal;
}

function readProfileExport(value: JsonValue, path: string): ReadExport {
  // Plain property reads, here and below, find own properties only: JSON.parse sets no prototype,
  // whatever the keys.
  const segmentMembership = isJsonObject(value) ? (value.segmentMembership ?? null) : null;
  const identityMap = isJsonObject(value) ? (value.identityMap ?? null) : null;
  if (!isJsonObject(value) || (segmentMembership === null && identityMap === null)) {
    return { refusal: refuseStranger(value, path) };
  }
  const memberships = readSegmentMembership(segmentMembership, path);
  if (memberships.items === undefined) return { refusal: memberships.refusal };
  const read = readIdentities(identityMap, path);
  if (isRefusal(read)) return { refusal: read };
  const { identities, unreadableIdentities } = read;
  const profileExport = { path, body: value, identities, unreadableIdentities, segmentMembership: memberships.items };
  return memberships.refusal === undefined ? { profileExport } : { profileExport, refusal: memberships.refusal };
}

type ReadMemberships =
  | { readonly items: ProfileExport['segmentMembership']; readonly refusal?: Refusal }
  | { readonly items?: undefined; readonly refusal: Refusal };

/** A namespace that is no object costs itself only; the first has a refusal. */
function readSegmentMembership(value: JsonValue, exportPath: string): ReadMemberships {
  if (value === null) return { items: noSegmentMembership };
  const path = `${exportPath}.segmentMembership`;
  if (!isJsonObject(value)) {
    return { refusal: refuse(path, Array.isArray(value) ? 'listed-memberships' : 'invalid-segment-membership') };
  }
  for (const namespace in value) {
    if (isJsonObject(value[namespace])) continue;
    const refusal = refuse(memberPath(path, namespace), 'invalid-segment-membership');
    const good = Object.entries(value).filter(([, items]) => isJsonObject(items));
    return good.length === 0
      ? { refusal }
      : { items: Object.fromEntries(good) as ProfileExport['segmentMembership'], refusal };
  }
  return { items: value as ProfileExport['segmentMembership'] };
}
