import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { CommandError, reasonOf } from '../../terminal/command-error.ts';

export interface EditsOptions {
  /** Absolute. */
  readonly path: string;
  /** As it was when what runs was begun: an edit since then is one. */
  readonly text: string;
  readonly lookEveryMs: number;
  /** Takes the file up as it is. What it throws is said as a refusal. */
  readonly takeUp: () => Promise<void>;
  readonly onRefused: (message: string) => void;
}

/** Follows the edits of one file. */
export interface Edits {
  /** Resolves when no edit is being taken up any more, and none will be. */
  stop(): Promise<void>;
}

/**
 * Takes up each edit of a file, one after the other: it looks whether the file is another one every
 * so often, for editors replace it and folders of containers tell of no change. A file that is away
 * for a moment, or that says the same bytes as before, is none.
 */
export function followEdits({ path, text, lookEveryMs, takeUp, onRefused }: EditsOptions): Edits {
  const read = (): Promise<string> => readFile(path, 'utf8').catch(() => '');
  let seen = text;
  let running = Promise.resolve();
  let isStopped = false;
  const follow = async (): Promise<void> => {
    for (let next = await read(); next !== seen && next !== '' && !isStopped; next = await read()) {
      seen = next;
      try {
        await takeUp();
      } catch (error) {
        onRefused(error instanceof CommandError ? error.message : `Failed to take up the edits: ${reasonOf(error)}`);
      }
    }
  };
  const look = (): void => {
    running = running.then(follow);
  };
  watchFile(path, { interval: lookEveryMs, persistent: false }, look);
  look();
  return {
    async stop() {
      isStopped = true;
      unwatchFile(path, look);
      await running;
    },
  };
}
