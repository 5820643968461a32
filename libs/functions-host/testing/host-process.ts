/**
 * A host in a process of its own, so that a test can kill it. Forked with `HostProcessOptions` as
 * its first message.
 */
import { startFunctionsHost } from '../src/index.ts';

export interface HostProcessOptions {
  readonly appFolder: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly instanceName: string;
}

process.once('message', (options: HostProcessOptions) => {
  void startFunctionsHost({ ...options, log: ({ message }) => void process.send?.(message) });
});
