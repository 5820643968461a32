import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { secretVariable } from '@activation-hub/handler-contract';
import { makeTemporaryFolder } from './temporary-folder.ts';

/** The activation file that a local run takes without --activations. */
export const exampleFile = fileURLToPath(new URL('../../../examples/activation.yaml', import.meta.url));

const placeholderUrl = 'http://localhost:3000/audience-changes';

/** A signing secret as Standard Webhooks writes it: `whsec_` and 24 random bytes. */
export function newSigningSecret(): string {
  return `whsec_${randomBytes(24).toString('base64')}`;
}

/** A copy of the example that tells a receiver at this address. It stays until `remove`. */
export async function writeExample(
  receiverUrl: string,
  signingSecret: string,
): Promise<{ readonly path: string; readonly secrets: Readonly<Record<string, string>>; remove(): Promise<void> }> {
  const template = await readFile(exampleFile, 'utf8');
  const folder = await makeTemporaryFolder('activation-example-');
  const path = join(folder.path, 'activation.yaml');
  await writeFile(
    path,
    template.replace(placeholderUrl, () => receiverUrl),
  );
  return {
    path,
    secrets: { [secretVariable('receiver-signing-secret')]: signingSecret },
    remove: () => folder.remove(),
  };
}
