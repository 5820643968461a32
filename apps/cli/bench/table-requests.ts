import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadyLocal } from './local-process.ts';

/** Requests of the handler to the ledger's table, repeated ones included. */
export interface TableRequests {
  readonly all: number;
  readonly reads: number;
  readonly transactions: number;
  readonly singleWrites: number;
}

/**
 * What `activation local` is started with, so that its processes leave their counts in the folder
 * when they end.
 */
export function countingEnvironment(folder: string): Readonly<Record<string, string>> {
  return {
    NODE_OPTIONS: `--import ${new URL('count-requests.ts', import.meta.url).href}`,
    REQUEST_COUNTS_FOLDER: folder,
  };
}

/** The counts that the handler left. Throws when it left none. */
export async function tableRequests(
  folder: string,
  { storageConnectionString, processIds }: ReadyLocal,
): Promise<TableRequests> {
  const port = /TableEndpoint=http:\/\/127\.0\.0\.1:(\d+)\//.exec(storageConnectionString)?.[1] ?? '';
  const counts = { all: 0, reads: 0, transactions: 0, singleWrites: 0 };
  const names = await readdir(folder);
  for (const id of processIds.workers) {
    if (!names.includes(`${id}.json`)) throw new Error('Failed to count requests: the handler left no counts.');
    const counted = JSON.parse(await readFile(join(folder, `${id}.json`), 'utf8')) as Readonly<Record<string, number>>;
    for (const [what, count] of Object.entries(counted)) {
      if (!what.includes(`:${port} `)) continue;
      counts.all += count;
      if (what.endsWith('transaction')) counts.transactions += count;
      else if (what.startsWith('GET')) counts.reads += count;
      else counts.singleWrites += count;
    }
  }
  return counts;
}
