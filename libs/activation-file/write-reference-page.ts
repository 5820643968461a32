import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { activationFilePage } from './src/reference-page.ts';

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8');
const page = activationFilePage({ minimal: fixture('minimal.yaml'), full: fixture('full.yaml') });
writeFileSync(join(import.meta.dirname, '../../docs/reference/activation-file.md'), page);
