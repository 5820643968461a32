import { chmod, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';
import { openInBrowser, type Desktop } from './open-in-browser.ts';

const url = 'http://127.0.0.1:7411/open/abc';
const server = { oneTimeUrl: () => url };
const kernel = '6.8.0-45-generic';

/** A desktop whose opener is a script. */
async function desktopWith(script: string): Promise<Desktop & { readonly folder: string }> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'xdg-open'), `#!/bin/sh\ncd '${folder}'\n${script}\n`);
  await chmod(join(folder, 'xdg-open'), 0o755);
  const environment = { DISPLAY: ':0', PATH: [folder, process.env.PATH ?? ''].join(delimiter) };
  return { platform: 'linux', environment, kernel, folder };
}

test('the opener is given an address for one use as one word, and the token in none', async () => {
  const desktop = await desktopWith('printf "%s|" "$@" >words.part && mv words.part words');
  const warnings: string[] = [];
  openInBrowser(server, { warning: (line) => void warnings.push(line) }, desktop);
  await expect.poll(() => readFile(join(desktop.folder, 'words'), 'utf8').catch(() => '')).toBe(`${url}|`);
  expect(warnings).toEqual([]);
});

test.for([
  ['fails', 'exit 3'],
  ['is not there', undefined],
] as const)('an opener that %s is said, with what to do', async ([, script]) => {
  const desktop = await desktopWith(script ?? '');
  const environment = script === undefined ? { DISPLAY: ':0', PATH: '/nowhere' } : desktop.environment;
  const warnings: string[] = [];
  openInBrowser(server, { warning: (line) => void warnings.push(line) }, { ...desktop, environment });
  await expect
    .poll(() => warnings)
    .toEqual(['The browser could not be opened. Open the address of the console yourself.']);
});
