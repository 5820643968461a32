import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { referenceIndex, referencePage } from './src/reference-page.ts';
import { destinationDefinitions } from './src/registry.ts';

const folder = join(import.meta.dirname, '../../docs/destinations');
mkdirSync(folder, { recursive: true });
for (const definition of destinationDefinitions.values()) {
  writeFileSync(join(folder, `${definition.type}.md`), referencePage(definition));
}
writeFileSync(join(folder, 'README.md'), referenceIndex(destinationDefinitions.values()));
