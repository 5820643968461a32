import type { ServerResponse } from 'node:http';
import type { ChangeRow, StreamMessage } from '@activation-hub/console-contract';
import { securityHeaders } from './answers.ts';

/** Says what happens to every open page, over server-sent events. */
export interface EventStream {
  open(response: ServerResponse, options: { readonly showsPeople: boolean }): void;
  /** Tells every page how all is from the beginning, for it is something else now. */
  beginAnew(): void;
  close(): void;
}

/** From where the pages learn. */
export interface StreamSource {
  begin(showsPeople: boolean): Extract<StreamMessage, { is: 'begin' }>;
  /**
   * The changes after the one with this id; at most so many, the newest, and how many were left
   * out.
   */
  changesAfter(
    id: number,
    showsPeople: boolean,
    rowsMax: number,
  ): { readonly rows: readonly ChangeRow[]; readonly leftOut: number };
  /** Asked each second: how everything is, or what was anew; undefined when nothing is new. */
  overview(): Extract<StreamMessage, { is: 'overview' | 'begin' }> | undefined;
}

/** A page draws no more often than that, so the server sends no more often. */
const changesEveryMs = 100;
const overviewEveryMs = 1_000;
/** In one message; more is not read by anybody. */
const rowsMax = 400;
/** To a page that is so far behind the server sends no more until it has caught up. */
const behindBytesMax = 4 * 1024 * 1024;

interface Page {
  readonly response: ServerResponse;
  readonly showsPeople: boolean;
  lastId: number;
}

/** Streams to every client that opens it; until `close`, which ends all. */
export function createEventStream(source: StreamSource): EventStream {
  const pages = new Set<Page>();
  const tellChanges = (): void => {
    for (const page of pages) {
      if (page.response.writableLength > behindBytesMax) continue;
      const { rows, leftOut } = source.changesAfter(page.lastId, page.showsPeople, rowsMax);
      const last = rows.at(-1);
      if (last === undefined) continue;
      page.lastId = last.id;
      say(page, { is: 'changes', rows, leftOut });
    }
  };
  const tellOverview = (): void => {
    if (pages.size === 0) return;
    const overview = source.overview();
    if (overview === undefined) return;
    for (const page of pages) if (page.response.writableLength <= behindBytesMax) say(page, overview);
  };
  const timers = [setInterval(tellChanges, changesEveryMs), setInterval(tellOverview, overviewEveryMs)];
  return {
    open(response, { showsPeople }) {
      const begin = source.begin(showsPeople);
      const page = { response, showsPeople, lastId: begin.rows.at(-1)?.id ?? 0 };
      response.writeHead(200, {
        ...securityHeaders(),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
      });
      response.on('close', () => pages.delete(page));
      pages.add(page);
      say(page, begin);
    },
    beginAnew() {
      for (const page of pages) {
        const begin = source.begin(page.showsPeople);
        page.lastId = begin.rows.at(-1)?.id ?? 0;
        say(page, begin);
      }
    },
    close() {
      timers.forEach(clearInterval);
      for (const { response } of pages) response.end();
    },
  };
}

function say({ response }: Page, message: StreamMessage): void {
  response.write(`data: ${JSON.stringify(message)}\n\n`);
}
