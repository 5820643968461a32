import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const appFolder = import.meta.dirname;

/**
 * Bundles the function app into a folder that can be deployed as it is: `host.json`, `package.json`, one `main.js` with
 * its source map, and the activation files. The folder is made anew. Takes some hundred milliseconds.
 */
export async function buildHandler(
  outputFolder = join(appFolder, 'dist', 'app'),
): Promise<{ readonly folder: string }> {
  await rm(outputFolder, { recursive: true, force: true });
  await mkdir(outputFolder, { recursive: true });
  await build({
    entryPoints: [join(appFolder, 'src', 'main.ts')],
    outfile: join(outputFolder, 'main.js'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // The worker provides it at run time; a copy in the bundle would register functions with nobody.
    external: ['@azure/functions-core'],
    sourcemap: 'linked',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  await cp(join(appFolder, 'host.json'), join(outputFolder, 'host.json'));
  await cp(join(appFolder, 'activations'), join(outputFolder, 'activations'), { recursive: true });
  const manifest = {
    name: 'activation-hub-handler',
    version: '0.1.0',
    private: true,
    type: 'commonjs',
    main: 'main.js',
  };
  await writeFile(join(outputFolder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return { folder: outputFolder };
}

if (import.meta.main) {
  const { folder } = await buildHandler();
  process.stdout.write(`Built ${folder}\n`);
}
