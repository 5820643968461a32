import type { Screen } from '../../terminal/screen.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { Keys, type KeyActs } from './keys.ts';
import { statusLine, type StatusParts } from './status-line.ts';

export interface LiveTerminalOptions {
  readonly screen: Screen;
  /** Of what the line that stays is made, each time that it is drawn. */
  readonly status: () => Omit<StatusParts, 'prompt'>;
  readonly acts: KeyActs;
  readonly print: Terminal['print'];
}

const drawEveryMs = 1_000;

/**
 * Shows how everything is in the line that stays, and does what keys ask for, until the function
 * that it gives is called.
 */
export function showLive({ screen, status, acts, print }: LiveTerminalOptions): () => void {
  const keys = new Keys(acts, (line) => print(line));
  let isOver = false;
  const draw = (): void => {
    if (isOver) return;
    const { prompt } = keys;
    screen.setStatus(statusLine({ ...status(), ...(prompt === undefined ? {} : { prompt }) }));
  };
  draw();
  const timer = setInterval(draw, drawEveryMs);
  const stopKeys = screen.hearKeys((key) => {
    void keys.press(key).finally(draw);
    draw();
  });
  return () => {
    isOver = true;
    clearInterval(timer);
    stopKeys();
    screen.setStatus(() => '');
  };
}
