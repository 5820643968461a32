import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { referenceIndex, referencePage } from './src/reference-page.ts';
import { destinationTypes, loadDestinations } from './src/registry.ts';

const folder = join(import.meta.dirname, '../../docs/destinations');
mkdirSync(folder, { recursive: true });
const definitions = [...(await loadDestinations(destinationTypes)).values()];
for (const definition of definitions) {
  writeFileSync(join(folder, `${definition.type}.md`), referencePage(definition));
}
writeFileSync(join(folder, 'README.md'), referenceIndex(definitions));
