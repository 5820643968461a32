import { join } from 'node:path';
import { listContents } from './list-contents.ts';

// What is inside the package of the function app, as CycloneDX: npm run --silent sbom >
// handler.cdx.json
process.stdout.write(
  `${JSON.stringify(await listContents(join(import.meta.dirname, 'dist', 'handler.zip')), undefined, 2)}\n`,
);
