import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { buildProfileExport } from '@activation-hub/audience-events/testing';
import { EventHubProducerClient } from '@azure/event-hubs';
import { expect, onTestFinished, test } from 'vitest';
import { runActivation, settled, startActivation, type RunningActivation } from '../../../testing/run-activation.ts';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';

const vipId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09';
const fansId = '5c8e1d34-2f60-4b5e-8a3c-7d9e0f1a2b3c';

interface Received {
  readonly id: string;
  readonly change: string;
  readonly audience: { readonly key: string };
  readonly identity: { readonly value: string };
  readonly attributes: { readonly firstName?: string };
}

/** A receiver that refuses persons without a first name. */
async function startStrictReceiver() {
  const taken: string[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const { data } = JSON.parse(body.toString()) as { data: Received[] };
      const results = data.map(({ id, change, audience, identity, attributes }) => {
        if (attributes.firstName === undefined) return { id, status: 'rejected', reason: 'the first name is missing' };
        taken.push(`${change} ${audience.key} ${identity.value} ${attributes.firstName}`);
        return { id, status: 'delivered' };
      });
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ results }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { taken, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

function activations(url: string, attributeOfVips: string): string {
  return `version: 1
destinations:
  own: { type: webhook, settings: { url: "${url}" } }
audiences:
  vip: { id: ${vipId}, activate: [{ destination: own, identity: crmid, attributes: { ${attributeOfVips}: person.name.firstName } }] }
  fans: { id: ${fansId}, activate: [{ destination: own, identity: crmid, attributes: { firstName: person.name.firstName } }] }
`;
}

async function send(local: RunningActivation, people: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const { eventHubsConnectionString, eventHubName } = await local.event('ready');
  const producer = new EventHubProducerClient(String(eventHubsConnectionString), String(eventHubName));
  for (const [person, audienceIds] of Object.entries(people)) {
    const body = buildProfileExport({
      attributes: { 'person.name.firstName': 'Ada' },
      memberships: audienceIds.map((audienceId) => ({ audienceId, qualifiedAtMs: Date.UTC(2026, 0, 31) })),
      identities: { crmid: [person] },
    });
    await producer.sendBatch([{ body }]);
  }
  await producer.close();
}

test(
  'after a mistake in the activation file is mended, a replay delivers exactly what had failed',
  { timeout: 300_000 },
  async () => {
    const folder = await temporaryFolder();
    const receiver = await startStrictReceiver();
    const start = (): RunningActivation => {
      const ports = ['--event-hubs-port', '0', '--storage-port', '0'];
      const words = ['local', ...ports, '--activations', 'own.yaml', '--no-simulator', '--data', 'kept'];
      const local = startActivation(words, { folder });
      onTestFinished(() => void local.end('SIGKILL'));
      return local;
    };

    await writeFile(join(folder, 'own.yaml'), activations(receiver.url, 'fristName'));
    const mistaken = start();
    await send(mistaken, { 'C-1': [vipId, fansId], 'C-2': [vipId], 'C-3': [fansId] });
    await settled(mistaken, 3);
    expect(await mistaken.end('SIGTERM')).toBe(0);
    expect(await mistaken.event('stopped')).toMatchObject({ outcomes: { own: { delivered: 2, rejected: 2 } } });
    expect(receiver.taken.splice(0).toSorted()).toEqual(['entered fans C-1 Ada', 'entered fans C-3 Ada']);

    await writeFile(join(folder, 'own.yaml'), activations(receiver.url, 'firstName'));
    const mended = start();
    const storage = ['--connection-string', String((await mended.event('ready')).storageConnectionString)];
    const list = await runActivation(['dead-letters', 'list', ...storage], { folder });
    expect(list.output.match(/rejected {2}vip: the first name is missing/g)).toHaveLength(2);
    const words = ['dead-letters', 'replay', '--destination', 'own', '--activations', 'own.yaml', '--json', ...storage];
    const replay = await runActivation(words, { folder });
    expect(replay.errors).toBe('');
    expect(JSON.parse(replay.output)).toMatchObject({ event: 'replayed', letters: 2, left: 0 });
    const retried = await mended.event('retry-settled');
    expect(retried).toMatchObject({ destination: 'own', events: 2, outcomes: { own: { delivered: 2 } } });

    expect(receiver.taken.toSorted()).toEqual(['entered vip C-1 Ada', 'entered vip C-2 Ada']);
    expect((await runActivation(['dead-letters', 'list', ...storage])).output).toBe('Listed no dead letters.\n');
    expect(await mended.end('SIGTERM')).toBe(0);
  },
);
