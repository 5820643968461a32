import { afterPart } from './after-part.ts';
import type { Change } from './change.ts';
import { identifierOf, type Identifiers } from './identifiers.ts';
import { type FieldContext, formFields, type PersonalField } from './personal-field.ts';

/** The ids by which a vendor finds one person, in its form and under its names. */
type Ids<Kind extends string> = Readonly<Partial<Record<Kind, string>>>;

/**
 * The ids of the person of a change: those that attributes have, and the identity, which goes
 * before an attribute of its kind. `vanished` are those that the vendor was told last and that are
 * theirs no longer: it must be told to drop them, else it finds another person by them. Where
 * nothing is set for the namespace of the identity (`tellKnown`), only attributes count.
 */
export function personIds<Kind extends string>(
  profile: Readonly<Record<Kind, PersonalField>>,
  { identity, attributes, previousAttributes = {} }: Pick<Change, 'identity' | 'attributes' | 'previousAttributes'>,
  { identifiers, ...context }: { readonly identifiers: Identifiers<Kind> } & FieldContext,
): { readonly ids: Ids<Kind>; readonly vanished: Ids<Kind> } {
  const kind = identifierOf(identifiers, identity.namespace);
  const own = kind === undefined ? {} : { [kind]: identity.value };
  const ids: Readonly<Record<string, string>> = { ...formFields(profile, attributes, context).fields, ...own };
  const earlier = { ...formFields(profile, previousAttributes, context).fields, ...own };
  const held = new Set(Object.values(ids));
  const vanished = Object.fromEntries(Object.entries(earlier).filter(([, value]) => !held.has(value)));
  return { ids: ids as Ids<Kind>, vanished: vanished as Ids<Kind> };
}

/**
 * Takes out what is persons' no longer, and then adds them: a vendor gives no order to what comes
 * at the same time. Where the second fails, there is doubt; nothing to take out needs no request.
 */
export async function removedFirst<Row, Told>(
  vanished: readonly Row[],
  remove: (rows: readonly Row[]) => Promise<unknown>,
  add: () => Promise<Told>,
): Promise<Told> {
  if (vanished.length === 0) return await add();
  await remove(vanished);
  return await afterPart(add());
}
