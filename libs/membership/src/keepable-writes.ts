import { attributesCharactersMax, identityCharactersMax, type LedgerWrite } from './ledger.ts';

/**
 * Throws when a row could not be kept whole. Every ledger asks before it writes the first row of a call, so that no row holds less than
 * what it was given. Names the destination and the bound, and quotes nothing of the row.
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
    for (const attributes of [record.attributes, record.deliveredAttributes ?? {}]) {
      const { length } = JSON.stringify(attributes);
      if (length <= attributesCharactersMax) continue;
      const what = `the attributes of a row for ${destination} take`;
      throw refusal(what, length, 'characters of JSON', attributesCharactersMax);
    }
  }
}

function refusal(what: string, length: number, unit: string, max: number): RangeError {
  return new RangeError(
    `Failed to write the ledger: ${what} ${length} ${unit}, and a row holds ${max}. This is a defect of the caller.`,
  );
}
