import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { counted } from '../terminal/counted.ts';
import {
  addDataStorageOption,
  withDataStorage,
  type DataStorage,
  type DataStorageOptions,
} from '../environment/data-storage.ts';
import { fileFailure } from '../terminal/file-failure.ts';
import { linesOf } from '../terminal/lines-of.ts';
import { report, reportToPerson } from '../terminal/reporter.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface BackupOptions extends DataStorageOptions {
  readonly json?: true;
}

interface ExportOptions extends BackupOptions {
  readonly close?: true;
}

interface ImportOptions extends BackupOptions {
  readonly resume?: boolean;
}

/** Adds `export` and `import` to the command `ledger`. */
export function addLedgerBackup(ledger: Command, terminal: Terminal): void {
  addDataStorageOption(
    ledger
      .command('export')
      .description('Writes every row of the ledger into a file, whole. What the file holds is personal data.'),
  )
    .argument('<file>', 'a new file, or one to be replaced')
    .option('--close', 'before a move: closes the ledger first, so that no process writes it any more; takes a minute')
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
It runs beside the function app. Rows that are written meanwhile may be missed: docs/operating/disaster.md says how the event
hub closes that gap. The file appears when it is complete, readable by you alone.

With --close nothing but an import opens the ledger again. docs/operating/scale.md has the steps of a move.

Examples:
  $ activation ledger export ledger-2026-01-31.jsonl --environment prod
  $ activation ledger export ledger.jsonl --close --environment prod`,
    )
    .action((file: string, options: ExportOptions) =>
      withDataStorage(options, terminal, (storage) => exportLedger(file, options, storage, terminal)),
    );
  addDataStorageOption(ledger.command('import').description('Writes the rows of an export into an empty ledger.'))
    .argument('<file>', 'what export wrote')
    .option('--resume', 'goes on with an import that was stopped: rows that are there are left alone')
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
The function app must be stopped, and the ledger empty: rows that were written without the old ones say of people whom a destination
knows that it never heard of them. What happened since the export is not in it; the event hub gives it again.
docs/operating/disaster.md has every step, in its order.

Examples:
  $ activation ledger import ledger-2026-01-31.jsonl --environment prod`,
    )
    .action((file: string, options: ImportOptions) =>
      withDataStorage(options, terminal, (storage) => importLedger(file, options, storage, terminal)),
    );
}

async function exportLedger(
  file: string,
  options: ExportOptions,
  { ledger }: DataStorage,
  terminal: Terminal,
): Promise<void> {
  const { folder, interrupted } = terminal;
  const path = resolve(folder, file);
  // Under another name until it is complete: half an export must not be taken for a whole one.
  const unfinished = `${path}.unfinished`;
  const handle = await atFile('write', file, () => open(unfinished, 'w', 0o600));
  // The heading and the ending are lines too.
  let rows = -2;
  try {
    if (options.close === true) {
      reportToPerson('Closing the ledger: within a minute no process writes it any more.', options, terminal);
      await ledger.close(interrupted);
    }
    for await (const line of ledger.exported({ nowMs: Date.now(), signal: interrupted })) {
      await atFile('write', file, () => handle.write(`${line}\n`));
      rows += 1;
    }
    await handle.sync();
    await handle.close();
    await atFile('write', file, () => rename(unfinished, path));
  } catch (error) {
    await handle.close();
    await rm(unfinished, { force: true });
    throw error;
  }
  report(
    { event: 'exported', rows, file: path },
    () => `Exported ${counted(rows, 'row')} to ${file}.`,
    options,
    terminal,
  );
}

async function importLedger(
  file: string,
  options: ImportOptions,
  { ledger }: DataStorage,
  terminal: Terminal,
): Promise<void> {
  const { folder, interrupted } = terminal;
  const handle = await atFile('read', file, () => open(resolve(folder, file), 'r'));
  try {
    const imported = await ledger.import(() => linesOf(bytesIn(handle, file)), {
      signal: interrupted,
      resume: options.resume === true,
      onProgress: (rows) => reportToPerson([{ besides: counted(rows, 'row') }], options, terminal),
    });
    const { rows, written, leftAlone, isSealed } = imported;
    report(
      { event: 'imported', ...imported },
      () => [
        `Imported ${written} of ${counted(rows, 'row')}; ${leftAlone} ${leftAlone === 1 ? 'was' : 'were'} there already.`,
        ...(isSealed ? [] : [unsealed]),
      ],
      options,
      terminal,
    );
  } finally {
    await handle.close();
  }
}

const chunkBytes = 256 * 1024;

const unsealed =
  'Release 0.1.0 wrote the file: its exports have no last line, so a file that was cut at the end of a line looks whole. Compare its size with that of the blob.';

/** What the file holds, from its beginning, however often; a stream would close its handle. */
async function* bytesIn(handle: FileHandle, file: string): AsyncGenerator<Buffer, void> {
  for (let position = 0; ;) {
    const from = position;
    const { bytesRead, buffer } = await atFile('read', file, () =>
      handle.read({ buffer: Buffer.alloc(chunkBytes), position: from }),
    );
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** What the file system refuses is the person's to mend, and no defect. */
async function atFile<Result>(doing: 'read' | 'write', file: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw fileFailure(doing, file, error);
  }
}
