import type { PersonalField } from './personal-field.ts';

/** A field of a vendor's profile, with the sentence that the reference page has of it. */
export interface DescribedField extends PersonalField {
  /** What the value is, and how it is sent; that it is hashed is added. */
  readonly what: string;
}

/** The sentence of a field: what it is, and whether it is hashed. */
export const sentenceOf = ({ what, as }: DescribedField): string =>
  as === 'sha256' ? `${what} SHA-256 of it is sent, unless it is one already.` : what;

/** The `attributes` of `Takes` where each field of a profile is one. */
export function attributesOf(profile: Readonly<Record<string, DescribedField>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(profile).map(([name, field]) => [name, sentenceOf(field)]));
}
