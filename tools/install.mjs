// Installs what a command needs and does not find, so that `npm start` and `npm test` are enough on
// a fresh clone:
//   node tools/install.mjs start   what `npm start` runs here, without its tests
//   node tools/install.mjs         everything
// Runs on whatever Node there is, before the pinned one is installed: plain JavaScript, no
// dependency.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { allPaths, pathsNeededBy, startedWorkspaces } from './locked-packages.mjs';

const nodeMin = [20, 19];

const root = fileURLToPath(new URL('..', import.meta.url));
/**
 * Where npm itself notes what it has installed, once it has (docs of `package-lock.json`, "Hidden
 * Lockfiles").
 */
const installedFile = join(root, 'node_modules', '.package-lock.json');

requireNode();
const locked = readPackages(join(root, 'package-lock.json'));
const installed = existsSync(installedFile) ? readPackages(installedFile) : undefined;
// Who has once installed everything, and so the tools of the root, keeps everything.
const tools = Object.keys(locked[''].devDependencies).map((name) => `node_modules/${name}`);
const isAll = process.argv[2] !== 'start' || tools.every((path) => installed?.[path] !== undefined);
const wanted = isAll ? allPaths(locked) : pathsNeededBy(startedWorkspaces, locked);
if (wanted.some(isMissing)) await install();

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > nodeMin[0] || (major === nodeMin[0] && minor >= nodeMin[1])) return;
  process.stderr.write(
    `Failed to start: Node ${process.versions.node} is too old. Install Node ${nodeMin.join('.')} or newer: https://nodejs.org.\n`,
  );
  process.exit(1);
}

function readPackages(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages;
}

/** What is optional may be absent: npm goes on without it where it cannot be had. */
function isMissing(path) {
  const [want, have] = [locked[path], installed?.[path]];
  if (have === undefined) return !want.optional;
  // `npm install --package-lock-only` notes what it has not installed.
  return have.version !== want.version || have.integrity !== want.integrity || !existsSync(join(root, path));
}

async function install() {
  const startedAtMs = performance.now();
  const total = wanted.filter((path) => installed?.[path] === undefined || isMissing(path)).length;
  const progress = sayProgress(total);
  // `npm ci` begins with an empty folder; where there is one already, what is in it stays, for
  // something may run from it.
  const verb = installed === undefined ? ['ci'] : ['install', '--no-save'];
  const only = isAll ? [] : ['--omit=dev', ...startedWorkspaces.flatMap((path) => ['--workspace', path])];
  const { code, signal } = await runNpm([...verb, ...only, '--timing', '--loglevel=http'], progress.one);
  if (signal !== null) process.exit(130);
  if (code !== 0) {
    progress.end('');
    process.stderr.write(
      `Failed to install: npm ${verb[0]} ended with ${code}, and says why above. Behind a proxy or with a registry of your own, tell npm: npm config set registry <url>.\n`,
    );
    process.exit(1);
  }
  progress.end(`Installed ${total} packages in ${((performance.now() - startedAtMs) / 1000).toFixed(0)} s.`);
}

/**
 * Runs npm, and tells of each package that is in its place. Everything else that npm says besides
 * its timings is passed on.
 */
async function runNpm(words, onPlaced) {
  // npm says where it is when it runs a script; outside of one, it is on the path.
  const path = process.env.npm_execpath;
  const isNpm = path !== undefined && /npm-cli\.[cm]?js$/.test(path);
  const [command, ...before] = isNpm ? [process.execPath, path] : ['npm'];
  const child = spawn(command, [...before, ...words], {
    cwd: root,
    stdio: ['inherit', 'ignore', 'pipe'],
    shell: !isNpm && process.platform === 'win32',
  });
  const ended = new Promise((done) => {
    child.on('error', (error) => {
      process.stderr.write(`Failed to run npm: ${error.message}. Install npm, which comes with Node.\n`);
      done({ code: 1, signal: null });
    });
    child.on('close', (code, signal) => done({ code, signal }));
  });
  for await (const line of createInterface({ input: child.stderr })) {
    if (/^npm timing reifyNode:/.test(line)) onPlaced();
    else if (/^npm error\b/.test(line)) process.stderr.write(`${line}\n`);
  }
  return ended;
}

/** One line that counts on a terminal; elsewhere a line for each quarter. */
function sayProgress(total) {
  const { stdout } = process;
  let placed = 0;
  const what = isAll ? 'everything' : 'what npm start runs';
  stdout.write(`Installing ${what}: ${total} packages …\n`);
  return {
    one() {
      if (placed === total) return;
      placed += 1;
      if (stdout.isTTY) stdout.write(`\r${placed} of ${total}`);
      else if (Math.floor((4 * placed) / total) > Math.floor((4 * (placed - 1)) / total))
        stdout.write(`${placed} of ${total}\n`);
    },
    end(words) {
      if (stdout.isTTY) stdout.write('\r\u001b[K');
      if (words !== '') stdout.write(`${words}\n`);
    },
  };
}
