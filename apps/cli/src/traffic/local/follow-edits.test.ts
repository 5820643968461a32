import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { buildProfileExport } from '@activation-hub/audience-events/testing';
import { EventHubProducerClient } from '@azure/event-hubs';
import { expect, onTestFinished, test } from 'vitest';
import { startActivation, type JsonEvent, type RunningActivation } from '../../../testing/run-activation.ts';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';

const vipId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09';
const fansId = '5c8e1d34-2f60-4b5e-8a3c-7d9e0f1a2b3c';

async function startReceiver() {
  const taken: string[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const { data } = JSON.parse(body.toString()) as {
        data: { change: string; audience: { key: string }; identity: { value: string } }[];
      };
      for (const { change, audience, identity } of data) taken.push(`${change} ${audience.key} ${identity.value}`);
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { taken, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

function activations(url: string, routes: string): string {
  return `version: 1
destinations:
  own: { type: webhook, settings: { url: "${url}" } }
audiences:
${routes}`;
}

const vip = `  vip: { id: ${vipId}, activate: [{ destination: own, identity: crmid }] }\n`;
const fans = `  fans: { id: ${fansId}, activate: [{ destination: own, identity: crmid }] }\n`;

async function send(local: RunningActivation, person: string): Promise<void> {
  const { eventHubsConnectionString, eventHubName } = await local.event('ready');
  const producer = new EventHubProducerClient(String(eventHubsConnectionString), String(eventHubName));
  const body = buildProfileExport({
    memberships: [vipId, fansId].map((audienceId) => ({ audienceId, qualifiedAtMs: Date.UTC(2026, 0, 31) })),
    identities: { crmid: [person] },
  });
  await producer.sendBatch([{ body }]);
  await producer.close();
}

/** The next event of this name after so many that were before. */
async function eventAfter(local: RunningActivation, name: string, before: number): Promise<JsonEvent> {
  for (;;) {
    const found = local.events.filter(({ event }) => event === name)[before];
    if (found !== undefined) return found;
    await local.next();
  }
}

test(
  'edits of the activation file are taken up while it runs, and a wrong one is refused with the old one running on',
  { timeout: 300_000 },
  async () => {
    const folder = await temporaryFolder();
    const { taken, url } = await startReceiver();
    const path = join(folder, 'own.yaml');
    await writeFile(path, activations(url, vip));
    const ports = ['--event-hubs-port', '0', '--storage-port', '0'];
    const local = startActivation(['local', ...ports, '--activations', 'own.yaml', '--no-simulator', '--no-console'], {
      folder,
    });
    onTestFinished(() => void local.end('SIGKILL'));
    const ready = await local.event('ready');
    await send(local, 'C-1');
    await expect.poll(() => taken).toEqual(['entered vip C-1']);

    await writeFile(path, activations(url, `${vip}  fans: { id: ${fansId}, activate: [{ destination: nowhere }] }\n`));
    const refused = await local.event('edits-refused');
    expect(refused.message).toMatch(
      /^Failed to accept own\.yaml\. Correct (this|these)[\s\S]*own\.yaml:6:\d+: .*nowhere/,
    );
    await send(local, 'C-2');
    await expect.poll(() => taken.at(-1)).toBe('entered vip C-2');

    await writeFile(path, activations(url, vip + fans));
    expect(await local.event('edits-found')).toMatchObject({ difference: ['+ audience fans', '+ fans → own'] });
    const { healthUrls } = await local.event('edits-taken');
    expect(healthUrls).not.toEqual(ready.healthUrls);
    expect((await fetch(String((healthUrls as string[])[0]))).status).toBe(200);
    await send(local, 'C-3');
    await expect.poll(() => taken).toContain('entered fans C-3');
    expect(taken).toContain('entered vip C-3');
    // The old function app has gone, and had no route for the fans: those that it settled were
    // never sent.
    await expect(fetch(String((ready.healthUrls as string[])[0]))).rejects.toThrow('fetch failed');
    expect(taken.filter((line) => line.includes('C-1') || line.includes('C-2'))).toHaveLength(2);

    await writeFile(path, activations(url, `${vip}${fans}# the same\n`));
    expect(await eventAfter(local, 'edits-found', 1)).toMatchObject({ difference: [] });
    expect(local.events.filter(({ event }) => event === 'edits-taken')).toHaveLength(1);
    expect(await local.end('SIGTERM')).toBe(0);
    expect(await local.event('stopped')).toMatchObject({ eventsReceived: 3, outcomes: { own: { delivered: 4 } } });
    expect(local.errors()).toBe('');
  },
);

test(
  'a file that needs a secret that is not set is refused, and everything runs on',
  { timeout: 300_000 },
  async () => {
    const folder = await temporaryFolder();
    const { url } = await startReceiver();
    const path = join(folder, 'own.yaml');
    await writeFile(path, activations(url, vip));
    const ports = ['--event-hubs-port', '0', '--storage-port', '0'];
    const local = startActivation(['local', ...ports, '--activations', 'own.yaml', '--no-simulator', '--no-console'], {
      folder,
    });
    onTestFinished(() => void local.end('SIGKILL'));
    const ready = await local.event('ready');
    await writeFile(path, activations(url, vip).replace('" } }', '", signingSecret: { secret: own-key } } }'));
    const refused = await local.event('edits-refused');
    expect(refused.message).toBe(
      'Failed to find secrets of the activation file: ACTIVATION_SECRET_OWN_KEY is not set. Set it in the environment, or in a file .env in the folder of the command.',
    );
    expect((await fetch(String((ready.healthUrls as string[])[0]))).status).toBe(200);
    expect(await local.end('SIGTERM')).toBe(0);
  },
);

test(
  'with --vendor a new destination gets a stand-in, and one that would need another is refused; the page shows the file that runs',
  { timeout: 300_000 },
  async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'vendors.yaml');
    const text = (more: string, url = 'https://crm.example.com/'): string => `version: 1
destinations:
  crm: { type: webhook, settings: { url: "${url}" } }
${more}audiences:
  vip: { id: ${vipId}, activate: [{ destination: crm, identity: crmid }${more === '' ? '' : ', { destination: ads, identity: crmid }'}] }
`;
    const ads = '  ads: { type: webhook, settings: { url: "https://ads.example.com/" } }\n';
    await writeFile(path, text(''));
    const ports = ['--event-hubs-port', '0', '--storage-port', '0'];
    const local = startActivation(['local', ...ports, '--activations', 'vendors.yaml', '--vendor', '--no-simulator'], {
      folder,
    });
    onTestFinished(() => void local.end('SIGKILL'));
    const { consoleUrl } = await local.event('ready');
    const { origin, hash } = new URL(String(consoleUrl));
    const destinations = async (): Promise<unknown> => {
      const headers = { authorization: `Bearer ${hash.replace('#token=', '')}` };
      const about = await fetch(`${origin}/api/about`, { headers });
      return ((await about.json()) as { destinations: unknown }).destinations;
    };
    expect(await destinations()).toEqual([{ key: 'crm', type: 'webhook', canBreak: true }]);

    await writeFile(path, text(ads));
    expect(await local.event('edits-found')).toMatchObject({ difference: ['+ destination ads', '+ vip → ads'] });
    await local.event('edits-taken');
    expect(await destinations()).toEqual([
      { key: 'crm', type: 'webhook', canBreak: true },
      { key: 'ads', type: 'webhook', canBreak: true },
    ]);
    await send(local, 'C-1');
    const settled = await local.event('batch-settled');
    expect(settled.outcomes).toEqual({ crm: { delivered: 1 }, ads: { delivered: 1 } });

    await writeFile(path, text(ads, 'https://elsewhere.example.com/'));
    expect((await local.event('edits-refused')).message).toMatch(
      /^Failed to stand in for crm: .* another stand-in would begin empty while the ledger does not\. Start activation local again\.$/,
    );
    expect(await local.end('SIGTERM')).toBe(0);
    expect(await local.event('stopped')).toMatchObject({ members: { crm: { vip: 1 }, ads: { vip: 1 } } });
  },
);
