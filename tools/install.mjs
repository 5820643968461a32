// Installs the dependencies when they are not those of the lockfile, so that `npm start` and `npm test` are enough on a
// fresh clone. Runs on whatever Node there is, before the pinned one is installed: plain JavaScript, no dependency.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const marker = join(root, 'node_modules', '.installed-lockfile');
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');

if (!existsSync(marker) || readFileSync(marker, 'utf8') !== wanted) {
  process.stdout.write('Installing dependencies; this takes a minute or two the first time …\n');
  // npm says where it is when it runs a script; outside of one, it is on the path.
  const npm = process.env.npm_execpath;
  const [command, ...before] = npm === undefined ? ['npm'] : [process.execPath, npm];
  const { status } = spawnSync(command, [...before, 'ci', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
    shell: npm === undefined && process.platform === 'win32',
  });
  if (status !== 0) {
    process.stderr.write('Failed to install the dependencies: npm ci ended with an error, which stands above.\n');
    process.exit(1);
  }
  writeFileSync(marker, wanted);
}
