import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandPages } from './src/reference/command-pages.ts';
import { createProgram } from './src/main.ts';
import { processTerminal } from './src/terminal/terminal.ts';

const folder = join(import.meta.dirname, '../../docs/reference/commands');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const program = await createProgram(undefined, processTerminal());
for (const [name, page] of commandPages(program)) writeFileSync(join(folder, name), page);
