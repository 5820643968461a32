import type { LiveSource } from '../console/live-source.ts';
import type { Screen } from '../screen.ts';
import type { Terminal } from '../terminal.ts';
import { Keys, type KeyActs } from './keys.ts';
import { statusLine, statusSeconds } from './status-line.ts';

export interface LiveTerminalOptions {
  readonly screen: Screen;
  readonly source: Pick<LiveSource, 'overview' | 'lately'>;
  readonly acts: KeyActs;
  readonly print: Terminal['print'];
}

const drawEveryMs = 1_000;

/** Shows how everything is in the line that stays, and does what keys ask for, until the function that it gives is called. */
export function showLive({ screen, source, acts, print }: LiveTerminalOptions): () => void {
  const keys = new Keys(acts, (line) => print(line));
  const taken: { readonly exports: number; readonly atMs: number }[] = [];
  let isOver = false;
  const draw = (): void => {
    const { overview } = source.overview();
    taken.push({ exports: overview.exports ?? 0, atMs: overview.atMs });
    if (taken.length > statusSeconds + 1) taken.shift();
    show();
  };
  const show = (): void => {
    const [before] = taken;
    if (before === undefined || isOver) return;
    const { overview } = source.overview();
    const points = source.lately(statusSeconds);
    const { prompt } = keys;
    screen.setStatus(statusLine({ overview, points, before, ...(prompt === undefined ? {} : { prompt }) }));
  };
  draw();
  const timer = setInterval(draw, drawEveryMs);
  const stopKeys = screen.hearKeys((key) => {
    void keys.press(key).finally(show);
    show();
  });
  return () => {
    isOver = true;
    clearInterval(timer);
    stopKeys();
    screen.setStatus('');
  };
}
