import { EventHubProducerClient } from '@azure/event-hubs';
import { buildProfileExport } from '@activation-hub/audience-events/testing';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startActivation, type RunningActivation } from '../../../testing/run-activation.ts';

const freePorts = ['--event-hubs-port', '0', '--storage-port', '0'];
const audienceId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09';
const signingSecret = `whsec_${Buffer.from('a secret of twenty-four!').toString('base64')}`;

/** What a user would have: a receiver of one's own that trusts signed requests only. */
async function startOwnReceiver() {
  const told: string[] = [];
  let waiting: (() => void)[] = [];
  const server = createHttpServer((request, response) => {
    void buffer(request).then((body) => {
      new Webhook(signingSecret).verify(body, request.headers as Record<string, string>);
      const { data } = JSON.parse(body.toString()) as { data: { change: string; identity: { value: string } }[] };
      for (const { change, identity } of data) told.push(`${change} ${identity.value}`);
      response.writeHead(200).end();
      for (const wake of waiting.splice(0)) wake();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    told,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    async receives(expected: string): Promise<void> {
      while (!told.includes(expected)) await new Promise<void>((resolve) => waiting.push(resolve));
      waiting = [];
    },
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

let folder: string;
let receiver: Awaited<ReturnType<typeof startOwnReceiver>>;
const running: RunningActivation[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'activation-local-'));
  receiver = await startOwnReceiver();
  await writeFile(
    join(folder, 'own.yaml'),
    `version: 1
destinations:
  own:
    type: webhook
    settings: { url: ${receiver.url}, signingSecret: { secret: own-signing-secret } }
audiences:
  vip:
    id: ${audienceId}
    activate:
      - { destination: own, identity: [crmid, email] }
`,
  );
});

afterAll(async () => {
  await Promise.all(running.map((each) => each.end('SIGKILL')));
  receiver.stop();
  await rm(folder, { recursive: true, force: true });
});

function startLocal(...words: string[]): RunningActivation {
  const environment = { ACTIVATION_SECRET_OWN_SIGNING_SECRET: signingSecret };
  const started = startActivation(['local', ...freePorts, ...words], { folder, environment });
  running.push(started);
  return started;
}

/** An own sender that knows the ready line and nothing else. */
async function sendOwn(
  local: RunningActivation,
  ...exports: readonly (readonly [crmid: string, status: 'realized' | 'exited', atMs: number])[]
) {
  const { eventHubsConnectionString, eventHubName } = await local.event('ready');
  const producer = new EventHubProducerClient(String(eventHubsConnectionString), String(eventHubName));
  for (const [crmid, status, qualifiedAtMs] of exports) {
    const body = buildProfileExport({
      memberships: [{ audienceId, status, qualifiedAtMs }],
      identities: { crmid: [crmid], ecid: ['14575006536349286404619648085736420001'] },
    });
    await producer.sendBatch([{ body }]);
  }
  await producer.close();
}

test(
  'an own sender and an own receiver work with an own file by the ready line alone, and a restart goes on',
  { timeout: 300_000 },
  async () => {
    const words = ['--activations', 'own.yaml', '--no-simulator', '--data', 'kept', '--partitions', '2'];
    const local = startLocal(...words);
    const ready = await local.event('ready');
    expect(ready).toMatchObject({ eventHubName: 'profile-exports', consumerGroup: 'activation-hub', partitions: 2 });
    expect(String(ready.storageConnectionString)).toContain('AccountName=');
    const now = Date.now();
    await sendOwn(local, ['C-1', 'realized', now], ['C-2', 'realized', now]);
    await receiver.receives('entered C-1');
    await receiver.receives('entered C-2');
    await sendOwn(local, ['C-1', 'exited', now + 1000]);
    await receiver.receives('exited C-1');

    expect(await local.end('SIGTERM')).toBe(0);
    expect(local.errors()).toBe('');
    expect(await local.event('stopped')).toMatchObject({
      exportsSent: 0,
      eventsReceived: 3,
      outcomes: { own: { delivered: 3 } },
      unreadable: 0,
    });

    const again = startLocal(...words);
    await sendOwn(again, ['C-2', 'realized', now], ['C-2', 'exited', now + 2000], ['C-1', 'realized', now]);
    await receiver.receives('exited C-2');
    expect(await again.end('SIGINT')).toBe(0);
    // Nothing is told twice: the ledger and the checkpoints were kept.
    expect(receiver.told.toSorted()).toEqual(['entered C-1', 'entered C-2', 'exited C-1', 'exited C-2']);
    expect(await again.event('stopped')).toMatchObject({ eventsReceived: 3 });
  },
);

test(
  'two processes do not share a data folder, and another number of partitions is refused',
  { timeout: 300_000 },
  async () => {
    const words = ['--activations', 'own.yaml', '--no-simulator', '--data', 'held'];
    const first = startLocal(...words);
    await first.event('ready');
    const second = startLocal(...words);
    await expect(second.event('ready')).rejects.toThrow(`process ${first.processId} uses it`);
    expect(await second.end()).toBe(2);
    expect(await first.end('SIGTERM')).toBe(0);
    const third = startLocal(...words, '--partitions', '3');
    await expect(third.event('ready')).rejects.toThrow('--partitions 4');
    expect(await third.end()).toBe(2);
  },
);

test(
  'the example shows entries and exits of a simulated tenant, shared by two workers, and masks identities',
  { timeout: 300_000 },
  async () => {
    const local = startLocal('--workers', '2', '--rate', '20');
    const ready = await local.event('ready');
    expect(ready.processIds).toMatchObject({ workers: [expect.any(Number), expect.any(Number)] });
    const healthUrls = ready.healthUrls as string[];
    expect(healthUrls).toHaveLength(2);
    for (const url of healthUrls) {
      const health = await fetch(url);
      expect(health.status).toBe(200);
      expect(await health.json()).toMatchObject({
        status: 'ok',
        build: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      });
    }
    await local.event('told');
    await local.event('batch-settled');
    while (
      !local.events.some(({ event, changes }) => event === 'told' && JSON.stringify(changes).includes('"exited"'))
    ) {
      await local.next();
    }
    expect(await local.end('SIGINT')).toBe(0);
    expect(local.errors()).toBe('');
    const stopped = (await local.event('stopped')) as unknown as {
      exportsSent: number;
      eventsReceived: number;
      outcomes: Record<string, Record<string, number>>;
      receiver: {
        entered: number;
        updated: number;
        exited: number;
        refusedRequests: number;
        members: Record<string, number>;
      };
    };
    const { entered, updated, exited, refusedRequests, members } = stopped.receiver;
    // What was sent was settled before the end, and the receiver was told of all that was
    // delivered.
    expect(stopped.eventsReceived).toBeGreaterThanOrEqual(stopped.exportsSent);
    const told = entered + updated + exited;
    const delivered = stopped.outcomes.receiver?.delivered ?? 0;
    // A change that comes while a worker tells its row is deferred, told by that worker, and found
    // told by its retry.
    expect(told).toBeGreaterThanOrEqual(delivered);
    expect(told - delivered).toBeLessThanOrEqual(stopped.outcomes.receiver?.deferred ?? 0);
    expect(refusedRequests).toBe(0);
    expect(Object.values(members).reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(entered);
    expect(stopped.outcomes.trial?.shadowed).toBeGreaterThan(0);
    expect(JSON.stringify(local.events)).not.toContain('@example.com');
    expect(JSON.stringify(local.events)).not.toContain('CRMID-1');
  },
);

test('what a log destination prints is shown', async () => {
  await writeFile(
    join(folder, 'log.yaml'),
    `version: 1
destinations: { screen: { type: log } }
audiences:
  vip: { id: ${audienceId}, activate: [{ destination: screen, identity: crmid }] }
`,
  );
  const local = startLocal('--activations', 'log.yaml', '--no-simulator');
  await sendOwn(local, ['C-77777', 'realized', Date.now()]);
  expect(await local.event('printed')).toMatchObject({
    line: expect.stringMatching(/^entered vip crmid "C\*\*\*"/) as string,
  });
  expect(await local.end('SIGTERM')).toBe(0);
});

test('a secret that is not set is named before anything starts', async () => {
  const local = startActivation(['local', ...freePorts, '--activations', 'own.yaml'], { folder });
  await expect(local.event('ready')).rejects.toThrow('ACTIVATION_SECRET_OWN_SIGNING_SECRET is not set');
  expect(await local.end()).toBe(2);
});

test('a taken port is named with the way out', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const hubs = startActivation(['local', '--event-hubs-port', String(port), '--storage-port', '0'], { folder });
  await expect(hubs.event('ready')).rejects.toThrow(`port ${port} is taken`);
  expect(hubs.errors()).toContain('--event-hubs-port 0');
  expect(await hubs.end()).toBe(1);
  const storage = startActivation(['local', '--event-hubs-port', '0', '--storage-port', String(port)], { folder });
  await expect(storage.event('ready')).rejects.toThrow(`port ${port} is taken`);
  expect(storage.errors()).toContain('--storage-port 0');
  expect(await storage.end()).toBe(1);
  server.close();
});

test('a second interrupt stops at once, and leaves no process behind', async () => {
  const silent = createHttpServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const text = await readFile(join(folder, 'own.yaml'), 'utf8');
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
  await writeFile(join(folder, 'silent.yaml'), text.replace(receiver.url, url));
  const temporary = await mkdtemp(join(folder, 'temporary-'));
  const local = startActivation(['local', ...freePorts, '--activations', 'silent.yaml', '--no-simulator'], {
    folder,
    environment: { ACTIVATION_SECRET_OWN_SIGNING_SECRET: signingSecret, TMPDIR: temporary },
  });
  running.push(local);
  const { processIds } = await local.event('ready');
  expect(await readdir(temporary)).not.toEqual([]);
  const asked = once(silent, 'request');
  await sendOwn(local, ['C-9', 'realized', Date.now()]);
  await asked;
  let code: number | null | undefined;
  void local.end('SIGINT').then((each) => (code = each));
  await local.event('stopping');
  const interruptAgain = (): typeof code => {
    if (code === undefined) process.kill(local.processId, 'SIGINT');
    return code;
  };
  await expect.poll(interruptAgain, { interval: 100 }).toBe(130);
  expect(await readdir(temporary)).toEqual([]);
  silent.close();
  silent.closeAllConnections();
  const [worker = 0] = (processIds as { workers: number[] }).workers;
  await expect.poll(() => isRunning(worker)).toBe(false);
});

test(
  'two signals at once, as npm and timeout send them, are one: the summary comes, and no folder is left',
  { timeout: 300_000 },
  async () => {
    const temporary = await mkdtemp(join(folder, 'temporary-'));
    const local = startActivation(['local', ...freePorts, '--rate', '20'], {
      folder,
      environment: { TMPDIR: temporary },
    });
    running.push(local);
    await local.event('told');
    expect(await Promise.all([local.end('SIGTERM'), local.end('SIGTERM')])).toEqual([0, 0]);
    expect(await local.event('stopped')).toMatchObject({ unreadable: 0 });
    expect(await readdir(temporary)).toEqual([]);
  },
);

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}

test('Event Hubs listens elsewhere, with a key of its own and TLS, and the terminal says what that means', async () => {
  const words = ['--event-hubs-host', '0.0.0.0', '--event-hubs-key', 'SAS_KEY_VALUE', '--event-hubs-tls'];
  const local = startActivation(['local', ...freePorts, '--no-simulator', '--json', ...words], { folder });
  expect(JSON.stringify(await local.event('ready'))).toContain('SharedAccessKey=SAS_KEY_VALUE;');
  expect(await local.end('SIGINT')).toBe(0);
  const said = JSON.stringify(local.events) + local.errors();
  expect(said).toMatch(/listens on 0\.0\.0\.0: every client that reaches it/);
  expect(said).toMatch(/TLS on port \d+: clients trust .*authority\.pem/);
});
