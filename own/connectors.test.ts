import { globSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DestinationDefinition } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';

const folders = globSync('connectors/*/destination.ts', { cwd: import.meta.dirname }).map(dirname);

test('every connector is the default export of its destination.ts, under the name of its folder', async () => {
  const exported = folders.map(async (folder) => {
    const address = pathToFileURL(join(import.meta.dirname, folder, 'destination.ts')).href;
    const { default: definition } = (await import(address)) as { readonly default?: DestinationDefinition };
    return definition?.type;
  });
  expect(await Promise.all(exported)).toEqual(folders.map((folder) => basename(folder)));
});
