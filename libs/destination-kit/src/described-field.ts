import { type Identifiers, identitiesBy } from './identifiers.ts';
import type { PersonalField } from './personal-field.ts';
import type { Takes } from './takes.ts';

/** A field of a vendor's profile, with the sentence that the reference page has of it. */
export interface DescribedField extends PersonalField {
  /** What the value is, and how it is sent; that it is hashed is added. */
  readonly what: string;
}

/** A field in the form of another one, and hashed, whatever that is. */
export const hashed = ({ normalise }: Pick<PersonalField, 'normalise'>, what: string): DescribedField => ({
  normalise,
  as: 'sha256',
  what,
});

/** The sentence of a field: what it is, and whether it is hashed. */
export const sentenceOf = ({ what, as }: DescribedField): string =>
  as === 'sha256' ? `${what} SHA-256 of it is sent, unless it is one already.` : what;

/** The `attributes` of `Takes` where each field of a profile is one. */
export function attributesOf(profile: Readonly<Record<string, DescribedField>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(profile).map(([name, field]) => [name, sentenceOf(field)]));
}

/**
 * Makes the `takes` of a definition whose identifiers are fields of this profile, and whose
 * attributes are these fields. With `vendor` each sentence says under which kind that matches it.
 */
export function takesIn<Kind extends string>(
  profile: Readonly<Record<Kind, DescribedField>>,
  attributes: Readonly<Record<string, DescribedField>> = {},
  vendor?: string,
): (settings: { readonly identifiers: Identifiers<Kind> }) => Takes {
  const named = (kind: Kind) => (vendor === undefined ? '' : `${vendor} matches it as ${kind}. `);
  return ({ identifiers }) => ({
    identities: identitiesBy(identifiers, (kind) => `${named(kind)}${sentenceOf(profile[kind])}`),
    attributes: attributesOf(attributes),
  });
}
