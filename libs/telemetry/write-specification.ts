/* Writes docs/specs/telemetry.md from the catalogue. Run: npm run reference */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { telemetrySpecification } from './src/specification.ts';

await writeFile(join(import.meta.dirname, '..', '..', 'docs', 'specs', 'telemetry.md'), telemetrySpecification());
