import type { JsonValue } from '@activation-hub/destination-kit';
import { areRememberable, formerOfText } from './former-of.ts';
import { attributesCharactersMax, formerOfCharactersMax, identityCharactersMax, type LedgerWrite } from './ledger.ts';
import type { Attributes } from './state.ts';

/**
 * Throws when a row could not be kept whole. Every ledger asks before it writes the first row of a
 * call, so that no row holds less than the caller wrote. Names the destination and the bound, and
 * quotes nothing of the row.
 */
export function refuseUnkeepableWrites(writes: readonly LedgerWrite[]): void {
  for (const { key, record } of writes) {
    const { destination, identity } = key;
    if (identity.value.length > identityCharactersMax)
      throw refusal(
        `an identity of a row for ${destination} has`,
        identity.value.length,
        'characters',
        identityCharactersMax,
      );
    refuseUnkeepable(record.attributes, destination);
    if (record.formerOf !== undefined && !areRememberable(record.formerOf)) {
      const what = `the identities that a row for ${destination} remembers take`;
      throw refusal(what, formerOfText(record.formerOf).length, 'characters of JSON', formerOfCharactersMax);
    }
    if (record.deliveredAttributes !== undefined) refuseUnkeepable(record.deliveredAttributes, destination);
  }
}

function refuseUnkeepable(attributes: Attributes, destination: string): void {
  if (areKeepable(attributes)) return;
  const what = `the attributes of a row for ${destination} take`;
  throw refusal(what, JSON.stringify(attributes).length, 'characters of JSON', attributesCharactersMax);
}

/**
 * Whether a row takes the attributes. Their JSON is written only where they could be too many, by
 * their lengths.
 */
export function areKeepable(attributes: Attributes): boolean {
  return (
    charactersAtMost(attributes) <= attributesCharactersMax ||
    JSON.stringify(attributes).length <= attributesCharactersMax
  );
}

/** At least as many characters as the JSON of the value has. */
function charactersAtMost(value: JsonValue | Attributes): number {
  // A character takes six at most: `\u001f`. The longest number is `-0.0000012345678901234567`.
  if (typeof value === 'string') return 6 * value.length + 2;
  if (typeof value !== 'object' || value === null) return 25;
  const object = value as Attributes;
  let characters = 2;
  // Name, quotes, colon and comma; of an array the name is the index, which is not written.
  for (const name in object) characters += 6 * name.length + 4 + charactersAtMost(object[name] ?? null);
  return characters;
}

function refusal(what: string, length: number, unit: string, max: number): RangeError {
  return new RangeError(
    `Failed to write the ledger: ${what} ${length} ${unit}, and a row holds ${max}. This is a defect of the caller.`,
  );
}
