import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { needShell } from './need-shell.ts';
import { root } from './repository.ts';
import { failedWords, readReports, skippedWords } from './test-reports.ts';

// `npm test`: every test, and in the end what failed or did not run, which is hard to find in
// thousands of lines. By its file, for on Windows the name is that of a script of cmd.exe.
const startedAtMs = Date.now();
const { status, error } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules', 'nx', 'dist', 'bin', 'nx.js'),
    'run-many',
    '-t',
    'test',
    '--output-style=static',
    ...process.argv.slice(2),
  ],
  {
    stdio: 'inherit',
    // Hundreds of processes load the same packages: Node keeps what it compiled of them, as
    // `activation` does.
    env: { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled'), ...process.env },
  },
);
if (error !== undefined) process.stderr.write(`Failed to start the tests: ${error.message}. Run npm install.\n`);
const reports = readReports();
// A project that did not run now has the report of an earlier run.
const ofThisRun = new Map([...reports].filter(([, { startTime }]) => startTime >= startedAtMs));
const words = [...failedWords(ofThisRun), ...skippedWords(reports), ...leftOutHere()];
if (words.length > 0) process.stdout.write(`\n${words.join('\n')}\n`);
process.exitCode = status ?? 1;

/** What does not run on this system, a line for all of it. */
function leftOutHere(): readonly string[] {
  if (process.platform !== 'win32') return [];
  return [`Not run on Windows, for they need the shell of Linux and macOS: ${needShell.join(', ')}.`];
}
