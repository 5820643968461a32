import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { earliestEventPosition, EventHubConsumerClient, type ReceivedEventData } from '@azure/event-hubs';
import { expect, onTestFinished, test } from 'vitest';
import { capturedTerminal } from '../../testing/captured-terminal.ts';
import { startActivation } from '../../testing/run-activation.ts';
import { exampleFile } from '../traffic/local/example.ts';
import { run } from '../main.ts';
import { hubConnectionString } from '../environment/hub-connection.ts';

const freePorts = ['--port', '0', '--event-hubs-port', '0', '--management-port', '0'];
const hubWords = ['--namespace', 'local', '--event-hub', 'profile-exports', '--sas-key-name', 'adobe'];

test(
  'what the emulator prints is enough for the other verbs, and its tenant is exported',
  { timeout: 300_000 },
  async () => {
    const emulator = startActivation(['aep', 'emulator', ...freePorts, '--rate', '20']);
    onTestFinished(async () => {
      await emulator.end();
    });
    const { variables } = (await emulator.event('ready')) as unknown as { variables: Record<string, string> };
    const terminal = capturedTerminal({ environment: variables });
    expect(await run(['aep', 'apply', '-a', exampleFile, ...hubWords], terminal)).toBe(0);
    expect(terminal.printed.at(-1)).toContain('is as the file says');

    const address = { namespace: 'local', eventHubName: 'profile-exports', sasKeyName: 'adobe' };
    const sasKey = variables.AEP_SAS_KEY ?? '';
    const consumer = new EventHubConsumerClient('$Default', hubConnectionString({ ...address, sasKey }, terminal));
    onTestFinished(() => consumer.close());
    const { promise, resolve, reject } = Promise.withResolvers<ReceivedEventData>();
    consumer.subscribe(
      {
        processEvents: (events) => {
          if (events[0] !== undefined) resolve(events[0]);
          return Promise.resolve();
        },
        processError: (error) => {
          reject(error);
          return Promise.resolve();
        },
      },
      { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1 },
    );
    expect((await promise).body).toMatchObject({ identityMap: {} });
    expect(await emulator.end()).toBe(0);
    expect(emulator.errors()).toBe('');
  },
);

test('a port that is taken is said, with the way out', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const terminal = capturedTerminal();
  expect(await run(['aep', 'emulator', '--port', String(port)], terminal)).toBe(1);
  expect(terminal.said.join('')).toMatch(
    new RegExp(`stand-in of Adobe's platform: port ${port} is taken\\. .* use --port 0`),
  );
});
