import type { ActivationFile } from '@activation-hub/activation-file';
import type { ErasurePlace } from '@activation-hub/activation';
import { formed } from '@activation-hub/destination-kit';
import { loadDestination } from '@activation-hub/destinations';

/**
 * Where a person is looked for: every destination of the file, under the name of its rows, with the
 * form in which it stores identities. Reads no secret, for no form depends on one.
 */
export async function erasurePlaces({ destinations }: ActivationFile): Promise<readonly ErasurePlace[]> {
  return await Promise.all(
    [...destinations.values()].map(async ({ type, settings: written, ledgerName }): Promise<ErasurePlace> => {
      const definition = await loadDestination(type);
      const settings: unknown = definition?.settings.parse(written);
      return {
        ledgerName,
        form: (identity) => {
          const form = definition?.identity?.(identity, settings) ?? formed(identity.value);
          return form.status === 'formed' ? form.value : undefined;
        },
      };
    }),
  );
}
