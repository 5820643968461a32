import { createHash } from 'node:crypto';
import type { JsonValue } from '@activation-hub/audience-events';
import { formed, refused, type FormedValue } from './formed-value.ts';

/** What a normaliser may know besides the value. */
export interface FieldContext {
  /**
   * ISO 3166-1 alpha-2: the country of phone numbers that are written without one. Without it they
   * are refused.
   */
  readonly defaultCountry?: string | undefined;
}

/** How one vendor wants one field of personal data. */
export interface PersonalField {
  /** Gets the value trimmed, in NFC and without invisible characters; never an empty one. */
  readonly normalise: (value: string, context: FieldContext) => FormedValue;
  /**
   * Hashed with SHA-256 (its UTF-8 bytes, as lower-case hex); as it is, and never a hash; or an id
   * that may be anything.
   */
  readonly as: 'sha256' | 'plain' | 'opaque';
}

/** Of the empty string: the mark of a hash that was made of nothing. */
const hashOfNothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const isSha256 = (text: string): boolean => /^[0-9a-f]{64}$/i.test(text);
/**
 * MD5 and SHA-1, which no vendor of ours takes, and a SHA-256 that lost or won a digit on its way.
 */
const isOtherHash = (text: string): boolean => /^[0-9a-f]{32,}$/i.test(text);
/** What systems write where they have no value. */
const emptyWords = new Set(['', 'null', 'undefined', 'n/a']);

/**
 * Brings one value into the form that a vendor wants. A SHA-256 in hex is taken as hashed already
 * where the vendor wants hashes, and refused where it wants the value itself; other hashes are
 * refused, and so is what stands for no value. Never throws, and guesses nothing.
 */
export function formField(field: PersonalField, value: JsonValue, context: FieldContext = {}): FormedValue {
  if (typeof value !== 'string' && typeof value !== 'number') return refused('neither text nor a number');
  const text = cleaned(String(value));
  if (emptyWords.has(text.toLowerCase()) || text.toLowerCase() === hashOfNothing) return refused('no value');
  if (field.as !== 'opaque' && isSha256(text)) {
    return field.as === 'sha256' ? formed(text.toLowerCase()) : refused('a hash where the value itself is wanted');
  }
  if (field.as !== 'opaque' && isOtherHash(text)) return refused('a hash that is not SHA-256');
  const normalised = field.normalise(text, context);
  if (normalised.status === 'refused' || field.as !== 'sha256') return normalised;
  return formed(createHash('sha256').update(normalised.value, 'utf8').digest('hex'));
}

/** A person's fields in the forms of one vendor. */
export interface FormedFields {
  readonly fields: Readonly<Record<string, string>>;
  /**
   * What was left out, by field, with the reason. A connector rejects a row without any field that
   * identifies the person.
   */
  readonly dropped: Readonly<Record<string, string>>;
}

/**
 * Brings the fields of one person into the forms of a vendor's profile. A value that cannot be
 * normalised drops its field and nothing else; so does a field that the profile does not know.
 */
export function formFields(
  profile: Readonly<Record<string, PersonalField>>,
  values: Readonly<Record<string, JsonValue>>,
  context: FieldContext = {},
): FormedFields {
  const fields: Record<string, string> = {};
  const dropped: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    const field = Object.hasOwn(profile, name) ? profile[name] : undefined;
    const form = field === undefined ? refused('not a field of this profile') : formField(field, value, context);
    if (form.status === 'formed') fields[name] = form.value;
    else dropped[name] = form.reason;
  }
  return { fields, dropped };
}

/**
 * Without white space around it and without characters that are invisible: soft hyphens, zero
 * widths, marks of direction.
 */
function cleaned(text: string): string {
  return text
    .normalize('NFC')
    .replaceAll(/[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]/g, '')
    .trim();
}
