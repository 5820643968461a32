import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './repository.ts';
import { readReports, skippedWords } from './skipped-tests.ts';

// `npm test`: every test, and in the end what did not run, so that nobody has to find it in thousands of lines.
const { status, error } = spawnSync(
  'nx',
  ['run-many', '-t', 'test', '--output-style=static', ...process.argv.slice(2)],
  {
    stdio: 'inherit',
    // Hundreds of processes load the same packages: Node keeps what it compiled of them, as `activation` does.
    env: { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled'), ...process.env },
  },
);
if (error !== undefined) process.stderr.write(`Failed to start the tests: ${error.message}. Run npm install.\n`);
const words = skippedWords(readReports());
if (words.length > 0) process.stdout.write(`\n${words.join('\n')}\n`);
process.exitCode = status ?? 1;
