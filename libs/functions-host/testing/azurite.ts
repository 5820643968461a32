import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Azurite {
  readonly connectionString: string;
  stop(): Promise<void>;
}

// The well-known account of every Azurite.
const account = 'devstoreaccount1';
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/**
 * Starts an Azurite that keeps everything in memory, on free ports. It says on its standard output
 * where it listens.
 */
export async function startAzurite(): Promise<Azurite> {
  const packageFolder = dirname(createRequire(import.meta.url).resolve('azurite/package.json'));
  const ports = ['--blobPort', '0', '--queuePort', '0', '--tablePort', '0'];
  const azurite = spawn(
    process.execPath,
    [
      join(packageFolder, 'dist/src/azurite.js'),
      '--inMemoryPersistence',
      '--skipApiVersionCheck',
      '--silent',
      ...ports,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = new Promise<void>((resolve) => azurite.once('exit', () => resolve()));
  const addresses = new Map<string, string>();
  for await (const line of createInterface({ input: azurite.stdout })) {
    const [, service, address] = /^Azurite (\w+) service is successfully listening at (\S+)/.exec(line) ?? [];
    if (service !== undefined && address !== undefined) addresses.set(service, address);
    if (addresses.size === 3) break;
  }
  if (addresses.size < 3) throw new Error('Azurite ended before it listened.');
  const endpoints = [...addresses].map(([service, address]) => `${service}Endpoint=${address}/${account}`);
  return {
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};${endpoints.join(';')};`,
    async stop() {
      // It would wait for idle connections first, and keeps nothing that could be lost.
      azurite.kill('SIGKILL');
      await ended;
    },
  };
}
