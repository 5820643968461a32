import type { JsonValue } from '@activation-hub/audience-events';

/**
 * XDM's values of a consent preference that permit: yes, yes by default, and the legal bases other
 * than consent (legitimate interest, contract, compliance with law, vital interest, public
 * interest); `in` and `true` are those of the older opt-in fields. Source: XDM, *Consents and
 * Preferences* data type.
 */
const permissions: ReadonlySet<JsonValue | undefined> = new Set(['y', 'dy', 'LI', 'CT', 'CP', 'VI', 'PI', 'in', true]);

/**
 * Whether a consent attribute permits the activation. Only a recorded permission does: pending,
 * unknown and absent are not a yes, and whom to tell a third party about is not to be guessed.
 */
export function permits(value: JsonValue | undefined): boolean {
  return permissions.has(value);
}
