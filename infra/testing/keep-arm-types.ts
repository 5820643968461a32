import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { armTypesFolder, type ArmType } from './arm-types.ts';
import { trimArmTypes, typesText, usedTypes } from './trim-arm-types.ts';

const help = `Usage: npm run infra:arm-types -- <folder>

Keeps the facts of Azure's published types that the stack and the bootstrap use, in
  ${armTypesFolder}
<folder> is \`generated\` of a clone of github.com/Azure/bicep-types-az; write its commit into the README of that folder.
`;

/**
 * `eventhub-microsoft.eventhub-2024-01-01.json` is
 * `eventhub/microsoft.eventhub/2024-01-01/types.json`.
 */
function pathOf(file: string): string {
  const [, service = '', provider = '', version = ''] = /^([^-]+)-([^-]+)-(.+)\.json$/.exec(file) ?? [];
  return join(service, provider, version, 'types.json');
}

function keep(folder: string): void {
  const kept = [...usedTypes()].map(([file, resources]) => {
    const types = JSON.parse(readFileSync(join(folder, pathOf(file)), 'utf8')) as readonly ArmType[];
    return [file, typesText(trimArmTypes(types, resources))] as const;
  });
  mkdirSync(armTypesFolder, { recursive: true });
  for (const file of readdirSync(armTypesFolder)) if (file.endsWith('.json')) rmSync(join(armTypesFolder, file));
  for (const [file, text] of kept) writeFileSync(join(armTypesFolder, file), text);
  process.stdout.write(`Kept ${kept.length} files. \`git diff\` says what is different.\n`);
}

const [folder, ...others] = process.argv.slice(2);
if (folder === '--help') process.stdout.write(help);
else if (folder === undefined || others.length > 0) {
  process.stderr.write(help);
  process.exitCode = 2;
} else {
  try {
    keep(folder);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
