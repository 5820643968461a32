import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, 'dist', 'package');

test('the package is told of as what stands alone, and starts', async () => {
  execFileSync(process.execPath, [join(import.meta.dirname, 'pack.ts')]);
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  expect(readme).not.toContain('](../');
  expect(readme).not.toContain('@activation-hub');
  expect(readme).not.toContain('repository');
  const { exports, bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    exports: Record<string, { types: string; default: string }>;
    bin: Record<string, string>;
  };
  for (const file of [...Object.values(exports['.'] ?? {}), ...Object.values(bin)]) {
    expect(readFileSync(join(folder, file), 'utf8')).not.toContain('.ts"');
  }
  const { startEventHubsEmulator } = (await import(
    pathToFileURL(join(folder, exports['.']?.default ?? '')).href
  )) as typeof import('./src/index.ts');
  const emulator = await startEventHubsEmulator({ eventHubs: [{ name: 'orders', partitionCount: 1 }] });
  expect(emulator.partitions('orders')).toHaveLength(1);
  await emulator.stop();
});
