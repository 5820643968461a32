import { canary, type ActivationFile } from '@activation-hub/activation-file';
import type { ErasurePlace } from '@activation-hub/activation';
import { loadDestination, loadStoredForms } from '@activation-hub/destinations';
import { ledgerNameOf } from '@activation-hub/membership';
import type { DataStorage } from '../environment/data-storage.ts';

/**
 * Where a person is looked for: every destination of the file, under the name of its rows, with the
 * forms in which it may have stored an identity: by its settings now, and by any other that a kind
 * of destination can have. Reads no secret, for no form depends on one.
 */
export async function erasurePlaces({ destinations }: ActivationFile): Promise<readonly ErasurePlace[]> {
  const storedForms = await loadStoredForms();
  return await Promise.all(
    [...destinations.values()].map(async ({ type, settings: written, ledgerName }): Promise<ErasurePlace> => {
      const definition = await loadDestination(type);
      const settings: unknown = definition?.settings.parse(written);
      return {
        ledgerName,
        forms: (identity) => {
          const form = definition?.identity?.(identity, settings);
          return [...(form?.status === 'formed' ? [form.value] : []), ...storedForms(identity)];
        },
      };
    }),
  );
}

/**
 * Those places, and the destinations of which the ledger has rows while the file has them no more:
 * there in the forms of all. Throws when the ledger cannot be reached.
 */
export async function everyErasurePlace(
  file: ActivationFile,
  { ledger }: Pick<DataStorage, 'ledger'>,
  signal: AbortSignal,
): Promise<readonly ErasurePlace[]> {
  const [places, storedForms] = await Promise.all([erasurePlaces(file), loadStoredForms()]);
  const left = new Set<string>();
  for await (const name of ledger.destinations(signal)) left.add(ledgerNameOf(name));
  for (const { ledgerName } of places) left.delete(ledgerName);
  // Its one identity is no person's.
  left.delete(canary.key);
  const forms: ErasurePlace['forms'] = (identity) => [
    ...storedForms(identity),
    ...places.flatMap((place) => place.forms(identity)),
  ];
  return [...places, ...[...left].map((ledgerName) => ({ ledgerName, forms }))];
}
