import { join } from 'node:path';
import { capturedTerminal } from './captured-terminal.ts';
import { run } from '../src/main.ts';

/** The file of golden outputs with this name, which tests compare and `vitest --update` writes. */
export const goldenFile = (name: string): string => join(import.meta.dirname, '..', 'golden', name);

/** The folder of the example, so that outputs name its file without the path of a machine. */
const exampleFolder = join(import.meta.dirname, '..', 'examples');

/**
 * Runs a command line in this process, and gives what a person would have seen: the line, what came
 * of it, and the exit code.
 */
export async function session(words: readonly string[]): Promise<string> {
  const terminal = capturedTerminal({ folder: exampleFolder, interrupted: AbortSignal.abort() });
  const exitCode = await run(words, terminal);
  const line = ['$ activation', ...words.map((word) => (/[\s"]/.test(word) || word === '' ? `'${word}'` : word))].join(
    ' ',
  );
  return [line, ...terminal.printed, ...terminal.said, ...(exitCode === 0 ? [] : [`exit code ${exitCode}`])].join('\n');
}
