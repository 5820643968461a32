import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { buildProfileExport } from '@activation-hub/audience-events/testing';
import { EventHubProducerClient } from '@azure/event-hubs';
import { expect, onTestFinished, test } from 'vitest';
import { runActivation, startActivation, type RunningActivation } from '../../testing/run-activation.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';

const vipId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09';

/** A third party that takes everything, and what it took. */
async function startReceiver() {
  const taken: string[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const { data } = JSON.parse(body.toString()) as {
        data: readonly { readonly change: string; readonly identity: { readonly value: string } }[];
      };
      for (const { change, identity } of data) taken.push(`${change} ${identity.value}`);
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

async function send(local: RunningActivation, person: string): Promise<void> {
  const { eventHubsConnectionString, eventHubName } = await local.event('ready');
  const producer = new EventHubProducerClient(String(eventHubsConnectionString), String(eventHubName));
  const memberships = [{ audienceId: vipId, qualifiedAtMs: Date.UTC(2026, 0, 31) }];
  await producer.sendBatch([{ body: buildProfileExport({ memberships, identities: { crmid: [person] } }) }]);
  await producer.close();
}

test(
  'a destination that an operator pauses is told nothing by the running app, and everything that waited when it is resumed',
  { timeout: 300_000 },
  async () => {
    const folder = await temporaryFolder();
    const receiver = await startReceiver();
    await writeFile(
      join(folder, 'own.yaml'),
      `version: 1
destinations:
  own: { type: webhook, settings: { url: "${receiver.url}" } }
audiences:
  vip: { id: ${vipId}, activate: [{ destination: own, identity: crmid }] }
`,
    );
    const ports = ['--event-hubs-port', '0', '--storage-port', '0'];
    const local = startActivation(['local', ...ports, '--activations', 'own.yaml', '--no-simulator'], { folder });
    onTestFinished(() => void local.end('SIGKILL'));
    const { storageConnectionString } = await local.event('ready');
    const run = (...words: readonly string[]) =>
      runActivation([...words, '-a', 'own.yaml', '--connection-string', String(storageConnectionString)], { folder });

    expect((await run('pause', '--list')).output).toBe('Nothing is paused.\n');
    const pause = await run('pause', 'own', '--for', '1h', '--reason', 'the CRM is migrated', '--by', 'ada');
    expect(pause.errors).toBe('');
    expect(pause.output).toMatch(/^Paused own until 20\S+Z\. Its changes wait\.\n$/);
    await send(local, 'C-1');
    expect(await local.event('batch-settled')).toMatchObject({ outcomes: { own: { deferred: 1 } } });
    expect(receiver.taken).toEqual([]);

    const paused = /^own is paused {2}since 20\S+Z {2}until 20\S+Z {2}by ada: {2}the CRM is migrated$/m;
    expect((await run('pause', '--list')).output).toMatch(paused);
    expect((await run('ledger', 'show', 'crmid:C-1')).output).toMatch(paused);
    const story = await run('explain', 'crmid:C-1');
    expect(story.output).toMatch(paused);
    expect(story.output).toContain('Not taken yet; a retry tells it (paused: an operator has paused the destination).');
    expect(story.output).toContain('activation resume own --activations own.yaml');
    for (const words of [
      ['resync', 'own'],
      ['retry-now', 'own'],
    ]) {
      const refused = await run(...words);
      expect(refused.code).toBe(1);
      expect(refused.errors).toContain('own is paused by ada (the CRM is migrated). Resume it first');
    }

    const resume = await run('resume', 'own', '--json');
    expect(resume.errors).toBe('');
    expect(JSON.parse(resume.output)).toMatchObject({ event: 'resumed', destination: 'own', woken: 1 });
    expect(await local.event('retry-settled')).toMatchObject({ outcomes: { own: { delivered: 1 } } });
    expect(receiver.taken).toEqual(['entered C-1']);
    expect((await run('explain', 'crmid:C-1')).output).toContain(
      'Told that the person entered by a retry: the destination took it.',
    );

    const again = await run('resume', 'own');
    expect(again.code).toBe(1);
    expect(again.errors).toContain('Failed to resume own: it is not paused.');
    expect((await run('retry-now', '--everything')).output).toBe('0 waiting retries are tried from now on.\n');
    expect(await local.end('SIGTERM')).toBe(0);
  },
);

test(
  'a destination in shadow is told nothing, one looks at what it would be told, and everything goes out when it is resumed',
  { timeout: 240_000 },
  async () => {
    const folder = await temporaryFolder();
    const receiver = await startReceiver();
    await writeFile(
      join(folder, 'own.yaml'),
      `version: 1
destinations:
  own: { type: webhook, settings: { url: "${receiver.url}" } }
audiences:
  vip: { id: ${vipId}, activate: [{ destination: own, identity: crmid }] }
`,
    );
    const ports = ['--event-hubs-port', '0', '--storage-port', '0'];
    const local = startActivation(['local', ...ports, '--activations', 'own.yaml', '--no-simulator'], { folder });
    onTestFinished(() => void local.end('SIGKILL'));
    const { storageConnectionString } = await local.event('ready');
    const run = (...words: readonly string[]) =>
      runActivation([...words, '-a', 'own.yaml', '--connection-string', String(storageConnectionString)], { folder });

    expect((await run('shadow', 'own', '--look')).output).toBe('Nothing waits for own.\n');
    expect((await run('shadow', 'own')).errors).toContain('Failed to shadow: --reason is missing.');
    expect((await run('shadow', '--everything', '--look')).errors).toContain('say at which destination');
    const json = await run('shadow', 'own', '--reason', 'a look', '--json');
    expect(JSON.parse(json.output)).toMatchObject({ event: 'into-shadow', destination: 'own' });
    const shadow = await run('shadow', 'own', '--for', '1h', '--reason', 'is the list right?', '--by', 'ada');
    expect(shadow.output).toMatch(
      /^Into shadow: own until 20\S+Z\. Its changes wait; activation shadow --look shows it\.\n$/,
    );
    await send(local, 'C-1');
    expect(await local.event('changes-shadowed')).toMatchObject({ destination: 'own', entered: 1, exited: 0 });
    expect(await local.event('batch-settled')).toMatchObject({ outcomes: { own: { deferred: 1 } } });

    const inShadow = /^own is in shadow {2}since 20\S+Z {2}until 20\S+Z {2}by ada: {2}is the list right\?$/m;
    expect((await run('pause', '--list')).output).toMatch(inShadow);
    expect((await run('ledger', 'show', 'crmid:C-1')).output).toMatch(inShadow);
    const story = (await run('explain', 'crmid:C-1')).output;
    expect(story).toMatch(inShadow);
    expect(story).toContain('paused: an operator has put the destination into shadow');
    const look = await run('shadow', 'own', '--look');
    expect(look.errors).toBe('');
    expect(look.output).toMatch(inShadow);
    expect(look.output).toMatch(/^vip\s+1\s+0\s+0\s+0$/m);
    expect(look.output).toContain(`1 request would be sent:\n  own  POST ${receiver.url}\n`);
    expect(look.output).toContain('"value": "C-1"');
    const data = JSON.parse((await run('shadow', 'own', '--look', '--json')).output) as object;
    expect(data).toMatchObject({ event: 'held', destination: 'own', routes: [{ audience: 'vip', entered: 1 }] });
    expect((await run('resync', 'own')).errors).toContain('own is in shadow by ada (is the list right?).');
    expect(receiver.taken).toEqual([]);

    expect((await run('resume', 'own')).output).toContain('Resumed own. 1 waiting retry is tried');
    expect(await local.event('retry-settled')).toMatchObject({ outcomes: { own: { delivered: 1 } } });
    expect(receiver.taken).toEqual(['entered C-1']);
    expect(await local.end('SIGTERM')).toBe(0);
  },
);
