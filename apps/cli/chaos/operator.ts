import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../bin/activation.js', import.meta.url));
const againAfterMs = 1_000;

/**
 * A person at a terminal who runs the real command, and runs it again as long as it exits with 1,
 * as its help says. Gives how often it was run. Throws when it exits with anything else, or is not
 * done by the deadline.
 */
export async function runUntilDone(
  words: readonly string[],
  options: {
    readonly environment: Readonly<Record<string, string>>;
    readonly deadline: AbortSignal;
    /** Every line that it printed. */
    readonly onLine: (line: string) => void;
  },
): Promise<number> {
  for (let runs = 1; ; runs += 1) {
    const { code, lastLine } = await run(words, options);
    if (code === 0) return runs;
    if (code !== 1) throw new Error(`Failed to run activation ${words[0] ?? ''}: exit code ${code}: ${lastLine}`);
    if (options.deadline.aborted)
      throw new Error(`Failed to end activation ${words[0] ?? ''} in time, after ${runs} runs: ${lastLine}`);
    await sleep(againAfterMs);
  }
}

async function run(words: readonly string[], { environment, onLine }: Parameters<typeof runUntilDone>[1]) {
  const child = spawn(process.execPath, [command, ...words], {
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let lastLine = '';
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      onLine(line);
      lastLine = line;
    });
  }
  await once(child, 'close');
  return { code: child.exitCode, lastLine };
}
