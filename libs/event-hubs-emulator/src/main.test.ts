import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { producerFor, until } from '../testing/official-client.ts';
import type { EventHubsEmulator } from './index.ts';

/** Starts the command; what it has written so far, and its end. */
function run(...args: string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args]);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const written = { out: '', err: '' };
  child.stdout.on('data', (bytes) => (written.out += String(bytes)));
  child.stderr.on('data', (bytes) => (written.err += String(bytes)));
  return { child, written, ended: once(child, 'close') as Promise<[number | null]> };
}

test('the command prints connection strings that work, warns of an address that other machines reach, and ends at a signal', async () => {
  const { child, written, ended } = run(
    ...[
      '--hub',
      'orders:1:reports',
      '--port',
      '0',
      '--tls',
      '--tls-port',
      '0',
      '--host',
      '0.0.0.0',
      '--key',
      'SAS_KEY_VALUE',
    ],
  );
  await until(() => written.out.includes('Trust '), 'the connection strings');
  const [connectionString = '', secure = ''] = written.out.split('\n');
  expect(connectionString).toContain('SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true');
  expect(secure).not.toContain('UseDevelopmentEmulator');
  await producerFor(undefined as unknown as EventHubsEmulator, 'orders', connectionString).sendBatch([{ body: 'x' }]);
  expect(written.err).toContain('Warning: every client that reaches 0.0.0.0');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test.each([
  [['--hub', 'orders', '--port', 'x'], '"x" is not a port'],
  [['--port', '0'], 'Give --hub or --config'],
  [['--hub', 'orders:99', '--port', '0'], '99 partitions. Choose 1 to 32'],
  [['--config', 'missing.json'], 'missing.json'],
])('the command refuses %j with what to do', async (args, why) => {
  const { written, ended } = run(...args);
  expect((await ended)[0]).toBe(2);
  expect(written.err).toContain(why);
});

test('the command tells its options', async () => {
  const { written, ended } = run('--help');
  expect((await ended)[0]).toBe(0);
  for (const option of ['--hub', '--config', '--tls', '--host', '--key', '--data', '--health-port']) {
    expect(written.out).toContain(option);
  }
});
