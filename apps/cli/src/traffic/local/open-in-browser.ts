import { spawn } from 'node:child_process';
import type { Narrator } from './narrator.ts';

/** How each system opens an address with what the person has chosen for it. */
const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** Opens an address in the person's browser; where that does not go, says so. */
export function openInBrowser(url: string, { warning }: Pick<Narrator, 'warning'>): void {
  const [command, ...before] = openers[process.platform] ?? ['xdg-open'];
  const child = spawn(command, [...before, url], { stdio: 'ignore', detached: true });
  child.on('error', () => warning('The browser could not be opened. Open the address of the console yourself.'));
  child.unref();
}
