import { Readable } from 'node:stream';
import type { ContainerClient } from '@azure/storage-blob';
import { callStore } from './store-call.ts';
import type { SpreadLedger } from './spread-ledger.ts';
import type { ExportOptions } from './table-backup.ts';

/** What was exported. */
export interface ExportedBlob {
  /**
   * Its name in the container, such as `ledger-2026-01-31T04-00-00Z.jsonl`: in the order of time.
   */
  readonly blob: string;
  readonly rows: number;
}

/**
 * The whole of an upload, which is as long as reading the table takes; the caller's signal ends it
 * before.
 */
const uploadTimeoutMs = 3_600_000;
/** Blocks of the blob, of which so many are on their way: what is held in memory. */
const blockBytes = 4 * 1024 * 1024;
const blocksAtOnce = 2;

/**
 * Writes an export of the ledger into a new blob, which appears when it is complete:
 * an export that is broken off leaves none. What it holds is personal data. Makes the container
 * where there is none. Throws `StoreFailure`, or the signal's reason.
 */
export async function exportLedgerToBlob(
  ledger: Pick<SpreadLedger, 'exported'>,
  container: ContainerClient,
  { nowMs, signal }: ExportOptions,
): Promise<ExportedBlob> {
  const blob = `ledger-${new Date(nowMs)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-')}.jsonl`;
  const client = container.getBlockBlobClient(blob);
  const store = { name: 'blob store', url: container.url, operationTimeoutMs: uploadTimeoutMs };
  await callStore(store, 'export the ledger', signal, (abortSignal) => container.createIfNotExists({ abortSignal }));
  // The heading and the ending are lines too.
  let rows = -2;
  let failure: { readonly error: unknown } | undefined;
  async function* lines(): AsyncGenerator<string, void> {
    try {
      for await (const line of ledger.exported({ nowMs, signal })) {
        rows += 1;
        yield `${line}\n`;
      }
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  try {
    await callStore(store, 'export the ledger', signal, (abortSignal) =>
      client.uploadStream(Readable.from(lines(), { objectMode: false }), blockBytes, blocksAtOnce, { abortSignal }),
    );
  } catch (error) {
    // Reading the table failed, not the upload that it broke.
    throw failure?.error ?? error;
  }
  return { blob, rows };
}
