import { spawn } from 'node:child_process';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { destinationTypes } from '@activation-hub/destinations';
import { expect, onTestFinished, test } from 'vitest';
import { aepEnvironment, audienceIds } from '../../../testing/aep-environment.ts';
import { capturedTerminal } from '../../../testing/captured-terminal.ts';
import { runActivation, startActivation } from '../../../testing/run-activation.ts';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';
import { run } from '../../main.ts';

const audienceId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02';

async function init(words: readonly string[], folder: string, options: Parameters<typeof capturedTerminal>[0] = {}) {
  const terminal = capturedTerminal({ folder, ...options });
  const code = await run(['init', ...words], terminal);
  return { code, output: terminal.printed.join('\n'), errors: terminal.said.join('\n') };
}

test.each(destinationTypes)(
  '%s: the file is right, and the sample exports are told to the destination',
  async (type) => {
    const folder = await temporaryFolder();
    expect(await init(['hub', '-d', type, '--audience', audienceId], folder)).toMatchObject({ code: 0, errors: '' });
    const inspect = async (name: string) => {
      const terminal = capturedTerminal({ folder: join(folder, 'hub') });
      expect(await run(['inspect', name, '-a', 'activation.yaml', '--json'], terminal)).toBe(0);
      return JSON.parse(terminal.printed.join('')) as {
        decisions: { decision: string }[];
        requests: unknown[];
        printed: unknown[];
      };
    };
    const entered = await inspect('export-entered.json');
    expect(entered.decisions.map(({ decision }) => decision)).toEqual(['entered']);
    expect(entered.requests.length + entered.printed.length).toBeGreaterThan(0);
    expect((await inspect('export-exited.json')).decisions).toHaveLength(1);
    const example = await readFile(join(folder, 'hub', '.env.example'), 'utf8');
    expect(example).not.toMatch(/^ACTIVATION_SECRET_\w+=.+$/m);
  },
);

test('the commands to run next can be copied, whatever the folder is called', async () => {
  const words = ["it's mine", '-d', 'webhook', '--audience', audienceId];
  const { output } = await init(words, await temporaryFolder());
  expect(output).toContain(String.raw`  cd 'it'\''s mine'`);
});

test('what is there is not overwritten, unless it is forced', async () => {
  const folder = await temporaryFolder();
  const words = ['-d', 'webhook', '--audience', audienceId];
  expect((await init(words, folder)).code).toBe(0);
  const secret = await readFile(join(folder, '.env'), 'utf8');
  await writeFile(join(folder, 'activation.yaml'), 'mine');
  const again = await init(words, folder);
  expect(again.code).toBe(2);
  expect(again.errors).toContain(
    'activation.yaml, export-entered.json, export-exited.json, .env.example, receiver.mjs, .env are there already',
  );
  expect(await readFile(join(folder, 'activation.yaml'), 'utf8')).toBe('mine');
  expect((await init([...words, '--force'], folder)).code).toBe(0);
  expect(await readFile(join(folder, 'activation.yaml'), 'utf8')).toContain('version: 1');
  expect(await readFile(join(folder, '.env'), 'utf8')).not.toBe(secret);
});

test('the file of secrets is for its owner alone, and one that is there keeps its rights', async () => {
  const folder = await temporaryFolder();
  const words = ['-d', 'webhook', '--audience', audienceId];
  // Where a system has no such rights, both are alike.
  await writeFile(join(folder, 'private'), '', { mode: 0o600 });
  await writeFile(join(folder, 'shared'), '');
  await chmod(join(folder, 'shared'), 0o640);
  const modeOf = async (name: string) => (await stat(join(folder, name))).mode;
  await init(words, folder);
  expect(await modeOf('.env')).toBe(await modeOf('private'));
  await chmod(join(folder, '.env'), 0o640);
  await init([...words, '--force'], folder);
  expect(await modeOf('.env')).toBe(await modeOf('shared'));
});

test.each([
  [
    ['--audience', audienceId],
    'Failed to choose a destination: none is named. Give --destination with one of blob-archive',
  ],
  [['-d', 'webhook'], 'Failed to choose audiences: none is named. Give --audience'],
  [['-d', 'fax', '--audience', audienceId], 'Failed to find the destination fax: there are blob-archive'],
])('without a terminal, init %j says what is missing, and writes nothing', async (words, sentence) => {
  const folder = await temporaryFolder();
  const { code, errors } = await init(words, folder);
  expect({ code, errors }).toEqual({ code: 2, errors: expect.stringContaining(sentence) as string });
  expect(await readdir(folder)).toEqual([]);
});

test('an id that is none of AEP is warned about, and the files are written', async () => {
  const folder = await temporaryFolder();
  const { code, output } = await init(['-d', 'webhook', '--audience', 'Sports Fans'], folder);
  expect(code).toBe(0);
  expect(output).toMatch(/^warning activation\.yaml:\d+:9: audiences\.my-audience\.id "Sports Fans" is not a UUID/m);
  expect(await readdir(folder)).toContain('activation.yaml');
});

test('at a terminal it asks, and an audience may be made up', async () => {
  const folder = await temporaryFolder();
  const asked: string[] = [];
  const ask = (question: string) => {
    asked.push(question);
    return Promise.resolve('');
  };
  expect((await init([], folder, { ask })).code).toBe(0);
  expect(asked).toEqual([expect.stringMatching(/^Which one\?/), expect.stringMatching(/^Ids of audiences/)]);
  expect(await readFile(join(folder, 'activation.yaml'), 'utf8')).toMatch(/type: webhook[\s\S]*id: [0-9a-f-]{36}\n/);
});

test('audiences come from AEP, by their number, name or id', async () => {
  const { environment, folder } = await aepEnvironment();
  const ask = () => Promise.resolve(`1, newcomers, ${audienceIds[2] ?? ''}`);
  const { code, errors } = await init(['hub', '-d', 'webhook'], folder, { environment, ask });
  expect(code, errors).toBe(0);
  const file = await readFile(join(folder, 'hub', 'activation.yaml'), 'utf8');
  const keys = [...file.matchAll(/^ {2}([a-z-]+):\n {4}id/gm)].map(([, key]) => key);
  expect(keys).toEqual(['sports-fans', 'newcomers', 'gro-e-kaufe']);
  const unknown = await init(['other', '-d', 'webhook', '--audience', 'Nobody'], folder, { environment });
  expect(unknown.errors).toContain('Failed to find the audience Nobody');
});

test('secrets are kept out of Git also where a .gitignore is there already, and once', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, '.gitignore');
  await writeFile(path, 'dist');
  await init(['-d', 'webhook', '--audience', audienceId], folder);
  await init(['-d', 'webhook', '--audience', audienceId, '--force'], folder);
  expect(await readFile(path, 'utf8')).toBe('dist\n.env\n');
});

test('the receiver is told of the entry and the exit, and refuses what is not signed', async () => {
  const folder = await temporaryFolder();
  await init(['-d', 'webhook', '--audience', audienceId], folder);
  const child = spawn(process.execPath, ['--env-file=.env', 'receiver.mjs'], {
    cwd: folder,
    // Nx asks for colours.
    env: { ...process.env, PORT: '0', FORCE_COLOR: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => String((await lines.next()).value);
  const url = (await nextLine()).replace('Listening on ', '');
  expect((await fetch(url, { method: 'POST', body: '{"data":[]}' })).status).toBe(401);

  const file = join(folder, 'activation.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('http://localhost:3000', url));
  const local = startActivation(
    [
      'local',
      '-a',
      'activation.yaml',
      '--no-simulator',
      '--no-console',
      '--event-hubs-port',
      '0',
      '--storage-port',
      '0',
    ],
    { folder },
  );
  const { eventHubsConnectionString } = await local.event('ready');
  for (const [name, line] of [
    ['export-entered.json', "entered my-audience crmid C-100001 { firstname: 'Ann' }"],
    ['export-exited.json', 'exited my-audience crmid C-100001 {}'],
  ] as const) {
    const sent = await runActivation(['send', name, '--connection-string', String(eventHubsConnectionString)], {
      folder,
    });
    expect(sent.code, sent.errors).toBe(0);
    expect(await nextLine()).toBe(line);
  }
  expect(await local.end()).toBe(0);
});
