import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { root } from '../../../testing/documents.ts';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';

const words = ['local', '--json', '--no-console', '--event-hubs-port', '0', '--storage-port', '0'];
const command = join(root, 'apps', 'cli', 'bin', 'activation.js');

// A terminal's Ctrl-C goes to the whole group; npm passes on what it got besides.
test.each([
  ['node', process.execPath, [command, ...words]],
  ['npm exec', 'npm', ['exec', '--', 'activation', ...words]],
  ['npm start', 'npm', ['start', '--silent', '--', ...words.slice(1)]],
])(
  'Ctrl-C under %s drains, says the summary and leaves nothing; the command itself ends with 0',
  { timeout: 300_000 },
  async (_what, file, args) => {
    const temporary = await mkdtemp(join(await temporaryFolder(), 'temporary-'));
    const child = spawn(file, args, {
      cwd: root,
      env: { ...process.env, TMPDIR: temporary, FORCE_COLOR: undefined },
      stdio: ['ignore', 'pipe', 'ignore'],
      // A group of its own, as a shell makes one for each command.
      detached: true,
    });
    const group = -(child.pid ?? 0);
    const ended = once(child, 'close');
    onTestFinished(() => {
      if (child.exitCode === null && child.signalCode === null) process.kill(group, 'SIGKILL');
    });
    const events: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith('{"event":')) continue;
      events.push((JSON.parse(line) as { readonly event: string }).event);
      if (events.at(-1) === 'told' && !events.includes('interrupted')) {
        events.push('interrupted');
        process.kill(group, 'SIGINT');
      }
    }
    await ended;
    expect(events.slice(-1)).toEqual(['stopped']);
    // npm starts a shell, and dash ends by the signal that it got itself once its command is
    // through: npm then ends by it too, which a shell calls 130.
    expect(file === process.execPath ? [0] : [0, 'SIGINT']).toContain(child.signalCode ?? child.exitCode);
    // npm keeps a cache of its own there.
    expect((await readdir(temporary)).filter((name) => name !== 'node-compile-cache')).toEqual([]);
  },
);
