import type { ChangeRow, Overview, SeriesPoint, StreamMessage } from '@activation-hub/console-contract';
import { useSyncExternalStore } from 'react';
import { readStream, ServerError } from './session.ts';

/** What the page knows of what happens now. A new object whenever something is new. */
export interface LiveState {
  readonly connection: 'opening' | 'open' | 'lost' | 'refused';
  /** Why it is not open, in a sentence. */
  readonly trouble: string;
  /** From old to new; so many that memory stays flat. */
  readonly rows: readonly ChangeRow[];
  /** Rows that came faster than they could be sent here. */
  readonly leftOut: number;
  readonly series: readonly SeriesPoint[];
  readonly overview: Overview | undefined;
  readonly showsPeople: boolean;
}

export const rowsMax = 5_000;
const seriesMax = 600;
const againAfterMs = 1_000;

let state: LiveState = {
  connection: 'opening',
  trouble: '',
  rows: [],
  leftOut: 0,
  series: [],
  overview: undefined,
  showsPeople: false,
};
const listeners = new Set<() => void>();
let current = new AbortController();

function change(part: Partial<LiveState>): void {
  state = { ...state, ...part };
  for (const listener of listeners) listener();
}

function take(message: StreamMessage, onBeganAnew: () => void): void {
  if (message.is === 'begin') {
    const { rows, series, overview } = message;
    if (state.connection !== 'opening') onBeganAnew();
    change({ connection: 'open', trouble: '', rows, series, overview, leftOut: 0 });
  } else if (message.is === 'changes') {
    const rows = [...state.rows, ...message.rows];
    change({ rows: rows.length > rowsMax ? rows.slice(-rowsMax) : rows, leftOut: state.leftOut + message.leftOut });
  } else {
    const lastMs = state.series.at(-1)?.atMs ?? 0;
    const newer = message.points.filter(({ atMs }) => atMs > lastMs);
    change({ overview: message.overview, series: [...state.series, ...newer].slice(-seriesMax) });
  }
}

/**
 * Follows the server for as long as the page is open, and again whenever it comes back. It is told
 * when what is shown begins anew.
 */
export async function follow(onBeganAnew: () => void): Promise<void> {
  for (;;) {
    current = new AbortController();
    const path = `stream${state.showsPeople ? '?people=shown' : ''}`;
    try {
      await readStream(path, (message: StreamMessage) => take(message, onBeganAnew), current.signal);
    } catch (error) {
      if (error instanceof ServerError && error.status === 401) {
        change({ connection: 'refused', trouble: error.message });
        return;
      }
    }
    if (current.signal.aborted) continue;
    change({ connection: 'lost', trouble: 'The command that serves this page has ended. What is shown is what was.' });
    await new Promise((resolve) => setTimeout(resolve, againAfterMs));
  }
}

/** Shows who the people are, or masks them again. */
export function showPeople(showsPeople: boolean): void {
  change({ showsPeople });
  current.abort();
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** A part of what happens now. Renders again when that part is another one. */
export function useLive<Part>(part: (state: LiveState) => Part): Part {
  return useSyncExternalStore(subscribe, () => part(state));
}
