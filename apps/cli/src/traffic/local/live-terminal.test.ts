import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buildProfileExport } from '@activation-hub/audience-events/testing';
import { EventHubProducerClient } from '@azure/event-hubs';
import { expect, onTestFinished, test } from 'vitest';
import { capturedTerminal } from '../../../testing/captured-terminal.ts';
import { fakeScreen } from '../../../testing/fake-screen.ts';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';
import { loadActivations } from '../../activation-file/activations.ts';
import { run } from '../../main.ts';
import { followEdits } from './edits.ts';

const words = ['local', '--event-hubs-port', '0', '--storage-port', '0', '--no-simulator', '--no-console'];

/** `activation local` in this process, before a screen or in a pipe. */
async function start(...more: readonly string[]) {
  const fake = fakeScreen();
  const terminal = capturedTerminal({ interrupted: fake.interrupted, openScreen: () => fake.screen });
  const ended = run([...words, ...more], terminal);
  onTestFinished(async () => {
    fake.screen.interrupt();
    await ended;
  });
  await expect.poll(() => terminal.printed.some((line) => line.startsWith('Ready after'))).toBe(true);
  const prints = async (line: RegExp): Promise<void> =>
    expect.poll(() => terminal.printed.find((each) => line.test(each))).toBeDefined();
  return { ...fake, terminal, ended, prints };
}

test(
  'a person sends a sample, breaks the destination, watches changes wait, mends it, tries again and ends, by keys alone',
  { timeout: 300_000 },
  async () => {
    const { type, status, prints, terminal, ended } = await start();
    expect(status()).toMatch(/^0\.0 exports\/s · 0\.0 told\/s {3}\? words {2}o console/);
    await type('o');
    await prints(/^There is no console: start without --no-console\.$/);
    await type('s');
    await prints(/^Sent: [A-Z]\w+ [A-Z]\w+ enters sports-fans\.$/);
    await prints(
      /^out receiver +entered +sports-fans +crmid ●●●●\d{4} +delivered +204 after \d+ ms, [\d.]+ s after it came$/,
    );
    await prints(/^in {2}trial +realized +sports-fans +email ●●●●\S+ +shadowed/);

    await type('b');
    expect(status()).toMatch(/^Break receiver how\? {2}r refuse/);
    await type('d');
    await prints(/^receiver is down\.$/);
    await type('s');
    await prints(/^out receiver +entered +sports-fans .* deferred +\S/);
    await expect.poll(status).toMatch(/ · 1 wait {3}\?/);
    // Seconds before the next attempt: until then the keys come first.
    await expect
      .poll(status)
      .toMatch(
        /receiver is not called \(its circuit is open\), next try at \S+ \(in ([4-9]|\d\d+) s\).* · receiver is broken/,
      );

    await type('bm');
    await prints(/^receiver is mended; r tries at once what waits for it\.$/);
    await type('r');
    await prints(/^Asked for: 1 waiting retry is tried within some five seconds\.$/);
    await expect
      .poll(() => terminal.printed.filter((line) => line.startsWith('out receiver')).at(-1))
      .toMatch(/delivered/);
    await expect.poll(status).not.toMatch(/wait|open|broken/);

    await type('?');
    await prints(/^in {3}a change that needed no request/);
    await type('q');
    expect(await ended).toBe(0);
    expect(status()).toBe('');
    const { printed } = terminal;
    // The retry was told once, by whichever of its messages came first.
    expect(printed.filter((line) => /another process|unchanged {2}/i.test(line))).toEqual([]);
    // Nothing is open: both changes were told in the end.
    expect(printed.slice(printed.indexOf('Stopped.')).toSorted()).toEqual([
      '    Sports Fans: 2 members',
      expect.stringMatching(/0 exports sent by the simulator, 2 events taken/),
      '  receiver: 2 delivered',
      expect.stringContaining('the receiver was told of 2 entered'),
      '  trial: 2 shadowed',
      'Stopped.',
    ]);
    expect([...printed, ...terminal.said].join('\n')).not.toMatch(/@example\.com|CRMID-/);
  },
);

test(
  'a pause by key holds what comes, and the end says what is open and how it is kept; -v shows requests without secrets',
  { timeout: 300_000 },
  async () => {
    const { type, prints, status, terminal, ended } = await start('-v');
    await type('s');
    await prints(/^> {3}receiver +POST http:\/\/127\.0\.0\.1:\d+\/audience-changes for 1 change$/);
    await prints(/^> {5}webhook-signature: \[secret\]$/);
    await prints(/^> {5}\{"type":"audience\.changes"/);
    await prints(/^< {3}204 after \d+ ms$/);
    await type('p');
    await prints(/^Paused everything within some five seconds/);
    await expect.poll(async () => (await type('s'), status()), { interval: 1_000 }).toMatch(/^everything is paused/);
    // Not each person of the sample has an identity that the receiver takes.
    const held = /^in {2}receiver .* deferred +An operator has paused/;
    await expect
      .poll(async () => (await type('s'), terminal.printed.find((line) => held.test(line))), { interval: 1_000 })
      .toBeDefined();
    await type('q');
    expect(await ended).toBe(0);
    expect(terminal.printed.slice(terminal.printed.indexOf('Still open:'))).toEqual([
      'Still open:',
      expect.stringMatching(/^ {2}\d+ changes? waits? for receiver$/),
      'It is gone with this run. Start with --data <folder>, and the next start with that folder goes on with it.',
    ]);
    expect(terminal.printed.find((line) => /^ {2}receiver: /.test(line))).not.toContain('deferred');
    const secret = /whsec_[A-Za-z0-9+/=]{8}/;
    expect(terminal.printed.join('\n')).not.toMatch(secret);
  },
);

test(
  'in a pipe there are the lines alone, and an own receiver has out lines as any destination has',
  { timeout: 300_000 },
  async () => {
    const server = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(202).end());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const interruption = new AbortController();
    const folder = await temporaryFolder();
    await writeFile(
      join(folder, 'own.yaml'),
      `version: 1
destinations:
  own: { type: webhook, settings: { url: "http://127.0.0.1:${(server.address() as AddressInfo).port}/" } }
audiences:
  vip: { id: 0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09, activate: [{ destination: own, identity: crmid }] }
`,
    );
    const terminal = capturedTerminal({ folder, interrupted: interruption.signal });
    const ended = run([...words, '--activations', 'own.yaml'], terminal);
    onTestFinished(async () => {
      interruption.abort();
      await ended;
      server.close();
      server.closeAllConnections();
    });
    const line = async (pattern: RegExp): Promise<string> => {
      const found = (): string | undefined => terminal.printed.find((each) => pattern.test(each));
      await expect.poll(found).toBeDefined();
      return found() ?? '';
    };
    const connection = (await line(/^ {2}Connection/)).replace(/^ {2}Connection */, '');
    const producer = new EventHubProducerClient(connection);
    const body = buildProfileExport({
      memberships: [{ audienceId: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09', qualifiedAtMs: Date.UTC(2026, 0, 31) }],
      identities: { crmid: ['C-123456789'] },
    });
    await producer.sendBatch([{ body }]);
    await producer.close();
    await line(/^out own +entered +vip +crmid ●●●●6789 +delivered +202 after \d+ ms, [\d.]+ s after it came$/);
    interruption.abort();
    expect(await ended).toBe(0);
    expect(terminal.printed.at(-1)).toBe('  own: 1 delivered');
    // Neither a line that stays nor anything else that only a terminal understands.
    expect(terminal.printed.join('\n')).not.toMatch(/[\u001B\r]|exports\/s/);
  },
);

test('a run that fails while it ends follows no edits any more', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'own.yaml');
  const text = `version: 1
destinations: { screen: { type: log } }
audiences:
  vip: { id: 0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02, activate: [{ destination: screen, identity: crmid }] }
`;
  await writeFile(path, text);
  const fake = fakeScreen();
  const print = (line: string): void => {
    if (line.startsWith('Stopping')) throw new Error('the pipe is closed');
  };
  const terminal = capturedTerminal({ interrupted: fake.interrupted, openScreen: () => fake.screen, print });
  const ended = run([...words, '--activations', path], terminal);
  await expect.poll(() => terminal.printed.some((line) => line.startsWith('Ready after'))).toBe(true);
  fake.screen.interrupt();
  expect(await ended).not.toBe(0);
  const printed = terminal.printed.length;

  // A follower that still runs takes the first edit before this one sees the second.
  for (const comment of ['# edited', '# edited again']) {
    const taken = Promise.withResolvers<undefined>();
    const control = followEdits({
      path,
      text: await readFile(path, 'utf8'),
      lookEveryMs: 500,
      takeUp: async () => {
        await loadActivations(path, terminal);
        taken.resolve(undefined);
      },
      onRefused: () => undefined,
    });
    await writeFile(path, `${text}${comment}\n`);
    await taken.promise;
    await control.stop();
  }
  expect(terminal.printed.slice(printed)).toEqual([]);
});
