import { expect, test } from 'vitest';
import { openerOf, openInBrowser, type Desktop } from './open-in-browser.ts';

const server = { oneTimeUrl: () => expect.unreachable() };
const linux = '6.8.0-45-generic\n';
const wsl = '5.15.153.1-microsoft-standard-WSL2\n';

test.each<readonly [string, Desktop, readonly string[] | undefined]>([
  ['macOS', { platform: 'darwin', environment: {}, kernel: '' }, ['open']],
  ['Windows', { platform: 'win32', environment: {}, kernel: '' }, ['cmd', '/c', 'start', '']],
  ['Linux with X', { platform: 'linux', environment: { DISPLAY: ':0' }, kernel: linux }, ['xdg-open']],
  ['Linux with Wayland', { platform: 'linux', environment: { WAYLAND_DISPLAY: 'w' }, kernel: linux }, ['xdg-open']],
  [
    'the Linux of Windows',
    { platform: 'linux', environment: { WSL_DISTRO_NAME: 'Debian' }, kernel: wsl },
    ['cmd.exe', '/c', 'start', ''],
  ],
  // A container on such a machine has the kernel, and not the system around it.
  ['a container on Windows', { platform: 'linux', environment: {}, kernel: wsl }, undefined],
  ['a server', { platform: 'linux', environment: { DISPLAY: '' }, kernel: linux }, undefined],
])('on %s the address is opened by what the system has for it', (_where, desktop, opener) => {
  expect(openerOf(desktop)).toEqual(opener);
});

test('without a desktop nothing is begun, and the person is told to open the address', () => {
  const warnings: string[] = [];
  const desktop: Desktop = { platform: 'linux', environment: {}, kernel: linux };
  openInBrowser(server, { warning: (line) => void warnings.push(line) }, desktop);
  expect(warnings).toEqual([
    'There is no desktop here to open a browser on. Open the address of the console yourself.',
  ]);
});
