import { z } from 'zod';
import type { Change } from './change.ts';
import { formed, type FormedValue, refused } from './formed-value.ts';
import { formField, type FieldContext, type PersonalField } from './personal-field.ts';

/** For each identity namespace (lower case), what the vendor finds a person by. */
export type Identifiers<Kind> = Readonly<Record<string, Kind>>;

/** Why a connector cannot tell of an identity whose namespace the setting does not name. */
export const noIdentifier = 'no identifier is set for this namespace';

/**
 * Schema of the setting `identifiers`: for each identity namespace, by what the vendor finds the
 * person. `kind` is the schema of that. It refuses a namespace in upper case, and none at all.
 */
export function identifiersSetting<Kind extends z.ZodType>(kind: Kind) {
  return z
    .record(z.string().regex(/^[^A-Z]+$/, 'Write the namespace in lower case.'), kind)
    .refine((identifiers) => Object.keys(identifiers).length > 0, 'Name at least one namespace.');
}

/** What a vendor may find persons by, at least one kind. */
type Kinds<Kind> = readonly [Kind, ...Kind[]];

/** The kinds of a profile, in its order. */
export function kindsOf<Kind extends string>(profile: Readonly<Record<Kind, unknown>>): Kinds<Kind> {
  return Object.keys(profile) as [Kind, ...Kind[]];
}

/**
 * The whole setting `identifiers` of a vendor that finds persons by one of these kinds. The first
 * one is that of e-mail addresses: the default maps the namespace `email` to it. `how` ends the
 * sentence that begins with "For each identity namespace,".
 */
export function identifiersAmong<const Kind extends string>(
  kinds: Kinds<Kind>,
  how: string,
  example: Identifiers<NoInfer<Kind>>,
) {
  return identifiersSetting(z.enum(kinds))
    .default({ email: kinds[0] })
    .meta({ description: `For each identity namespace, ${how}`, examples: [example] });
}

/** What is set for this namespace; `undefined` where nothing is. */
export function identifierOf<Kind>(identifiers: Identifiers<Kind>, namespace: string): Kind | undefined {
  return Object.hasOwn(identifiers, namespace) ? identifiers[namespace] : undefined;
}

type Identity = Change['identity'];

/**
 * Makes the `identity` of a definition: what `form` makes of a value whose namespace is set, and a
 * refusal of any other.
 */
export function identityBy<Kind, Settings extends { readonly identifiers: Identifiers<Kind> }>(
  form: (kind: Kind, value: string, settings: Settings, namespace: string) => FormedValue,
): (identity: Identity, settings: Settings) => FormedValue {
  return ({ namespace, value }, settings) => {
    const kind = identifierOf(settings.identifiers, namespace);
    return kind === undefined ? refused(noIdentifier) : form(kind, value, settings, namespace);
  };
}

/** Makes the `identity` of a definition whose identifiers are fields of this profile. */
export function identityIn<Kind extends string>(
  profile: Readonly<Record<Kind, PersonalField>>,
): (identity: Identity, settings: { readonly identifiers: Identifiers<Kind> } & FieldContext) => FormedValue {
  return identityBy((kind: Kind, value, settings) => formField(profile[kind], value, settings));
}

/**
 * An id of the user's own, as it is but for the white space around it. Refused where it is empty,
 * or does not fit; `why` says in a few words what an id is.
 */
export function formId(value: string, fits: (id: string) => boolean = () => true, why = 'not an id'): FormedValue {
  const id = value.trim();
  if (id === '') return refused('no value');
  return fits(id) ? formed(id) : refused(why);
}

/** The `identities` of `Takes`: a sentence for each namespace that is set. */
export function identitiesBy<Kind>(
  identifiers: Identifiers<Kind>,
  how: (kind: Kind) => string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(identifiers).map(([namespace, kind]) => [namespace, how(kind)]));
}

/**
 * Those of these identities that have a form here, each once: for `forget`, which is given all that
 * is known of a person.
 */
export function formedIdentities<Settings>(
  identities: readonly Identity[],
  form: (identity: Identity, settings: Settings) => FormedValue,
  settings: Settings,
): readonly Identity[] {
  const formedOnes = identities.flatMap(({ namespace, value }) => {
    const formedOne = form({ namespace, value }, settings);
    return formedOne.status === 'formed' ? [{ namespace, value: formedOne.value }] : [];
  });
  return [...new Map(formedOnes.map((each) => [JSON.stringify(each), each])).values()];
}

/**
 * The attributes of a change without the one by which the person is known: the identity says who it
 * is, and an attribute must not say otherwise.
 */
export function attributesBeside({ attributes }: Pick<Change, 'attributes'>, identifier: string | undefined) {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => name !== identifier));
}
