import { EventHubConsumerClient, earliestEventPosition, type ReceivedEventData } from '@azure/event-hubs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { runActivation, startActivation, type RunningActivation } from '../../testing/run-activation.ts';

let hubs: RunningActivation;
let connectionString: string;

beforeAll(async () => {
  hubs = startActivation([
    'event-hubs',
    '--port',
    '0',
    '--event-hub',
    'one:1',
    '--event-hub',
    'four:4',
    '--event-hub',
    'slow:1',
    '--event-hub',
    'simulated:1',
  ]);
  ({ connectionString } = (await hubs.event('ready')) as unknown as { connectionString: string });
});

afterAll(async () => {
  expect(await hubs.end('SIGINT')).toBe(0);
  expect(hubs.errors()).toBe('');
});

/** The first events of a hub, from its beginning. */
async function receive(eventHub: string, count: number): Promise<ReceivedEventData[]> {
  const client = new EventHubConsumerClient('$Default', connectionString, eventHub);
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const events: ReceivedEventData[] = [];
  const subscription = client.subscribe(
    {
      processEvents: (received) => {
        events.push(...received);
        if (events.length >= count) resolve(undefined);
        return Promise.resolve();
      },
      processError: (error) => {
        reject(error);
        return Promise.resolve();
      },
    },
    // Ten at a time, as by default, are many rounds.
    { startPosition: earliestEventPosition, skipParsingBodyAsJson: true, maxBatchSize: 500 },
  );
  await promise;
  await subscription.close();
  await client.close();
  return events;
}

test('send sends each event of a file as it is, in order, to any event hub', async () => {
  const folder = await temporaryFolder();
  const lines = Array.from(
    { length: 1234 },
    (_, index) => `{ "index": ${index},  "ecid": 12345678901234567890123456789012345678 }`,
  );
  await writeFile(join(folder, 'events.ndjson'), lines.join('\n'));
  const { code, output, errors } = await runActivation(
    ['send', 'events.ndjson', '-c', connectionString, '-e', 'one', '--json'],
    {
      folder,
    },
  );
  expect(errors).toBe('');
  expect(JSON.parse(output)).toEqual({ event: 'sent', sent: 1234, eventHubName: 'one' });
  expect(code).toBe(0);
  const events = await receive('one', 1234);
  expect(events.map(({ body }) => Buffer.from(body as Uint8Array).toString())).toEqual(lines);
});

test('a partition key keeps all events in one partition, and the environment names the hub', async () => {
  const environment = { EVENT_HUB_CONNECTION_STRING: connectionString, EVENT_HUB_NAME: 'four' };
  const input = JSON.stringify(Array.from({ length: 50 }, (_, index) => ({ index })));
  const { code } = await runActivation(['send', '--partition-key', 'a'], { environment, input });
  expect(code).toBe(0);
  const events = await receive('four', 50);
  expect(new Set(events.map(({ partitionKey }) => partitionKey))).toEqual(new Set(['a']));
});

test('what is not JSON is refused with its line: a file before anything is sent, input with the number that was', async () => {
  const folder = await temporaryFolder();
  const text = '{"a":1}\n{"b":2}\nnot json\n';
  await writeFile(join(folder, 'bad.ndjson'), text);
  const file = await runActivation(['send', 'bad.ndjson', '-c', connectionString, '-e', 'slow', '--json'], { folder });
  expect(JSON.parse(file.errors)).toMatchObject({ event: 'failed', exitCode: 2, file: 'bad.ndjson', line: 3 });
  expect(file.code).toBe(2);
  const input = await runActivation(['send', '-c', connectionString, '-e', 'slow', '--rate', '20'], { input: text });
  expect(input.errors).toContain('line 3');
  expect(input.code).toBe(2);
});

test('a hub that does not exist, or cannot be reached, exits with 1 and a sentence without the key', async () => {
  const unknown = await runActivation(['send', '-c', connectionString, '-e', 'nowhere'], { input: '{}' });
  expect(unknown.errors).toMatch(/^Failed to send to the event hub nowhere: /);
  expect(unknown.errors).not.toContain(/SharedAccessKey=([^;]+)/.exec(connectionString)?.[1]);
  expect(unknown.code).toBe(1);
});

test('simulate sends as many exports as it is told to', async () => {
  const { code, output } = await runActivation([
    ...['simulate', '-c', connectionString, '-e', 'simulated', '--count', '700', '--rate', '0', '--json'],
  ]);
  expect(JSON.parse(output)).toEqual({ event: 'simulated', sent: 700, eventHubName: 'simulated' });
  expect(code).toBe(0);
  const events = await receive('simulated', 700);
  expect(
    events.every(({ body }) => 'identityMap' in (JSON.parse(Buffer.from(body as Uint8Array).toString()) as object)),
  ).toBe(true);
});

test('a taken port is named, with the way out', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { code, errors } = await runActivation(['event-hubs', '--port', String(port)]);
  server.close();
  expect(errors).toBe(
    `Failed to start Event Hubs: port ${port} is taken. End what listens there, or use --port 0, which takes a free one.\n`,
  );
  expect(code).toBe(1);
});
