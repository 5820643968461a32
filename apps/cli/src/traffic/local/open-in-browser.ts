import { spawn } from 'node:child_process';
import { release } from 'node:os';
import type { ConsoleServer } from '../../console/console-server.ts';
import type { Narrator } from './narrator.ts';

type Opener = readonly [command: string, ...words: string[]];

/** What opens an address with what the person has chosen for it, by the system. */
const openers = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
  // Windows opens it, and reaches what listens on the loopback address of its Linux.
  wsl: ['cmd.exe', '/c', 'start', ''],
  other: ['xdg-open'],
} as const satisfies Readonly<Record<string, Opener>>;

/** What opens the address. */
export interface Desktop {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The release of the kernel, which names Microsoft under WSL. */
  readonly kernel: string;
}

/**
 * The command that opens an address on this desktop; undefined where there is none: on a server, in
 * a container and in a session over SSH.
 */
export function openerOf({ platform, environment, kernel }: Desktop): Opener | undefined {
  if (platform === 'darwin' || platform === 'win32') return openers[platform];
  if (/microsoft/i.test(kernel) && environment.WSL_DISTRO_NAME !== undefined) return openers.wsl;
  const hasDesktop = [environment.DISPLAY, environment.WAYLAND_DISPLAY].some(
    (each) => each !== undefined && each !== '',
  );
  return hasDesktop ? openers.other : undefined;
}

function thisDesktop(): Desktop {
  return { platform: process.platform, environment: process.env, kernel: release() };
}

/**
 * Opens the console in the person's browser; where that does not go, says so. The browser is given
 * an address without the token: all users of the machine see the command lines of its processes.
 */
export function openInBrowser(
  { oneTimeUrl }: Pick<ConsoleServer, 'oneTimeUrl'>,
  { warning }: Pick<Narrator, 'warning'>,
  desktop: Desktop = thisDesktop(),
): void {
  const opener = openerOf(desktop);
  if (opener === undefined) {
    warning('There is no desktop here to open a browser on. Open the address of the console yourself.');
    return;
  }
  const failed = (): void => warning('The browser could not be opened. Open the address of the console yourself.');
  const [command, ...words] = opener;
  const options = { stdio: 'ignore', detached: true, env: desktop.environment } as const;
  const child = spawn(command, [...words, oneTimeUrl()], options);
  child.on('error', failed);
  child.on('exit', (code) => {
    if (code !== 0) failed();
  });
  child.unref();
}
