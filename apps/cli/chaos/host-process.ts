/**
 * One functions host as a process of its own, so that it can be killed as a whole. Forked by
 * `hosts.ts`, which says what to run; prints what host and app log as a line of JSON each, and ends
 * with its parent.
 */
import { startFunctionsHost, type FunctionsHost } from '@activation-hub/functions-host';

export interface StartHost {
  readonly kind: 'start';
  readonly appFolder: string;
  readonly instanceName: string;
  readonly settings: Readonly<Record<string, string>>;
}
export type MessageToHost = StartHost | { readonly kind: 'kill-worker' } | { readonly kind: 'stop' };
export type MessageFromHost =
  | { readonly kind: 'ready' }
  | { readonly kind: 'worker'; readonly processId: number | undefined }
  | { readonly kind: 'failed'; readonly reason: string };

/** How often the host looks whether the worker is another process, and tells the parent. */
const watchEveryMs = 50;

let host: FunctionsHost | undefined;
let watched: number | undefined;

process.on('disconnect', () => process.exit(0));
// A terminal's Ctrl-C goes to the whole group; the parent decides when this ends.
process.on('SIGINT', () => undefined);
process.on('message', (message: MessageToHost) => {
  handle(message).catch((error: unknown) => {
    tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
  });
});

async function handle(message: MessageToHost): Promise<void> {
  switch (message.kind) {
    case 'start': {
      const { appFolder, instanceName, settings } = message;
      host = await startFunctionsHost({
        appFolder,
        instanceName,
        settings,
        log: (entry) => process.stdout.write(`${JSON.stringify(entry)}\n`),
      });
      tellWorker();
      setInterval(tellWorker, watchEveryMs);
      tell({ kind: 'ready' });
      return;
    }
    case 'kill-worker':
      if (host?.workerProcessId !== undefined) process.kill(host.workerProcessId, 'SIGKILL');
      return;
    case 'stop':
      await host?.stop();
      process.exit(0);
  }
}

function tellWorker(): void {
  if (host?.workerProcessId === watched) return;
  watched = host?.workerProcessId;
  tell({ kind: 'worker', processId: watched });
}

function tell(message: MessageFromHost): void {
  process.send?.(message);
}
