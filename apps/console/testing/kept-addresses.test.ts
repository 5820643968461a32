import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

test('every address of the console in a runbook is one of a page, and asks for what that page takes', async () => {
  const pages = await readFile(join(root, 'apps/console/src/pages.ts'), 'utf8');
  const paths = [...pages.matchAll(/path: '([^']+)'/g)].map(([, path]) => path);
  expect(paths).toContain('/dead-letters');
  const addresses: string[] = [];
  for await (const path of glob('docs/operating/**/*.md', { cwd: root })) {
    const text = await readFile(join(root, path), 'utf8');
    addresses.push(...[...text.matchAll(/http:\/\/127\.0\.0\.1:7411[^>\s)]*/g)].map(([address]) => address));
  }
  expect(addresses.length).toBeGreaterThan(3);
  for (const address of addresses) {
    const { pathname, searchParams } = new URL(address);
    expect(paths, address).toContain(pathname);
    const source = await readFile(
      join(root, `apps/console/src${pathname === '/' ? '/overview' : pathname}-page.tsx`),
      'utf8',
    );
    for (const name of searchParams.keys()) expect(source, address).toContain(`'${name}'`);
  }
});
