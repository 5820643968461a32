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

/** How many changes one message has, and how many a page may be behind. */
export interface ChangesMax {
  readonly rowsMax: number;
  readonly behindMax: number;
}

/** From where the pages learn. */
export interface StreamSource {
  begin(showsPeople: boolean): Extract<StreamMessage, { is: 'begin' }>;
  /**
   * The changes after the one with this id, and how many of them were left out because a page is
   * too far behind.
   */
  changesAfter(
    id: number,
    showsPeople: boolean,
    max: ChangesMax,
  ): { readonly rows: readonly ChangeRow[]; readonly leftOut: number };
  /** Asked each second: how everything is, or what was anew; undefined when nothing is new. */
  overview(): Extract<StreamMessage, { is: 'overview' | 'begin' }> | undefined;
}

/** A page draws no more often than that, so the server sends no more often. */
const changesEveryMs = 100;
const overviewEveryMs = 1_000;
/**
 * One export of a person in hundreds of audiences takes a few messages; a page keeps five thousand
 * rows.
 */
const changesMax: ChangesMax = { rowsMax: 400, behindMax: 4_000 };
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
      const { rows, leftOut } = source.changesAfter(page.lastId, page.showsPeople, changesMax);
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
