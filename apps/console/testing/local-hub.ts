import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../cli/bin/activation.js', import.meta.url));

/** `activation local`, as a person starts it. */
export interface LocalHub {
  /** With the token. */
  readonly url: string;
  end(): Promise<void>;
}

/** Starts it on free ports. Throws with what it said when it ends before it is ready. */
export async function startLocalHub(...words: readonly string[]): Promise<LocalHub> {
  const child = spawn(
    process.execPath,
    [command, 'local', '--event-hubs-port', '0', '--storage-port', '0', '--json', ...words],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (more: string) => (said += more));
  const ended = once(child, 'close');
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  void ended.then(() => reject(new Error(`Failed to start activation local: it said ${said}`)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as { readonly event: string; readonly consoleUrl?: string };
    if (event.event === 'ready' && event.consoleUrl !== undefined) resolve(event.consoleUrl);
  });
  return {
    url: await promise,
    end: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
