/**
 * Loaded into a process before anything else (`NODE_OPTIONS=--import`): counts the http requests
 * that really leave it, the repeated ones included, by method, host and kind of path, and writes
 * the counts into `REQUEST_COUNTS_FOLDER` when the process ends. Node's own channel is asked, so
 * that the counted program need not know.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const counts = new Map<string, number>();

subscribe('http.client.request.start', (message) => {
  const { request } = message as { readonly request: ClientRequest };
  const host = String(request.getHeader('host') ?? '');
  const what = `${request.method} ${host} ${request.path.includes('/$batch') ? 'transaction' : 'single'}`;
  counts.set(what, (counts.get(what) ?? 0) + 1);
});

process.on('exit', () => {
  const folder = process.env.REQUEST_COUNTS_FOLDER;
  if (folder === undefined) return;
  writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(Object.fromEntries(counts)));
});
