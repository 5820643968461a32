/**
 * Makes the package that can be published, in dist/package: JavaScript and types instead of
 * TypeScript, and a manifest without the workspace.
 *
 *     npm run emulator:pack && npm publish dist/package
 */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

const folder = join(import.meta.dirname, 'dist', 'package');
rmSync(folder, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [join(import.meta.dirname, '..', '..', 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.package.json'],
  { cwd: import.meta.dirname, stdio: 'inherit' },
);
const { version, license, dependencies } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'),
) as Manifest;
const manifest = {
  name: 'event-hubs-emulator',
  version,
  description: 'An Azure Event Hubs namespace on this machine, for tests and local work, without a container',
  keywords: ['azure', 'event-hubs', 'emulator', 'amqp', 'testing'],
  license,
  type: 'module',
  engines: { node: '>=20.19' },
  bin: { 'event-hubs-emulator': './main.js' },
  exports: { '.': { types: './index.d.ts', default: './index.js' } },
  files: ['*.js', '*.d.ts', 'README.md', 'LICENSE'],
  dependencies,
};
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
// The package stands alone: it has its own name, and what is said of this repository or links into
// it is left out.
const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')
  .replaceAll('@activation-hub/event-hubs-emulator', manifest.name)
  .replace(/ \(\[why\]\(\.\.\/[^)]+\)\)/g, '')
  .replace(/\[([^\]]+)\]\(\.\.\/[^)]+\)/g, '$1')
  .replace(/\n## In this repository\n[^]*$/, '');
writeFileSync(join(folder, 'README.md'), readme);
cpSync(join(import.meta.dirname, '..', '..', 'LICENSE'), join(folder, 'LICENSE'));
