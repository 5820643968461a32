import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { onTestFinished } from 'vitest';

export interface AppToBuild {
  /** File name in the folder `fixtures`, without its ending. */
  readonly fixture: string;
  readonly format?: 'cjs' | 'esm';
  readonly hostJson?: unknown;
  /** `main` of package.json when it is not the bundle's own name. */
  readonly main?: string;
}

/**
 * Bundles a fixture as an app would be for deployment, into a folder of its own that is removed
 * with the test.
 */
export async function buildApp({ fixture, format = 'cjs', hostJson = {}, main }: AppToBuild): Promise<string> {
  const appFolder = await mkdtemp(join(tmpdir(), 'functions-host-'));
  onTestFinished(() => rm(appFolder, { recursive: true, force: true }));
  await build({
    entryPoints: [fileURLToPath(new URL(`../fixtures/${fixture}.ts`, import.meta.url))],
    outfile: join(appFolder, 'app.js'),
    bundle: true,
    platform: 'node',
    format,
    target: 'node24',
    external: ['@azure/functions-core'],
    sourcemap: 'linked',
    ...(format === 'esm'
      ? {
          banner: {
            js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
          },
        }
      : {}),
  });
  const packageJson = { main: main ?? 'app.js', ...(format === 'esm' ? { type: 'module' } : {}) };
  await writeFile(join(appFolder, 'package.json'), JSON.stringify(packageJson));
  await writeFile(join(appFolder, 'host.json'), JSON.stringify({ version: '2.0', ...(hostJson as object) }));
  return appFolder;
}
