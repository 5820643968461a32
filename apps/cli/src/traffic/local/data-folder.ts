import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { counted } from '../../terminal/counted.ts';
import { CommandError, reasonOf } from '../../terminal/command-error.ts';

/** Where everything is kept between two runs, held by one run at a time. */
export interface DataFolder {
  readonly eventHubs: string;
  readonly storage: string;
  release(): Promise<void>;
}

/**
 * Takes a folder for this process, making it, for its owner alone, where it is missing. Throws
 * `CommandError` (2) when another process has it, when it cannot be written, or when its events are
 * in another number of partitions: events would be out of reach.
 */
export async function takeDataFolder(folder: string, partitions: number): Promise<DataFolder> {
  const lock = join(folder, 'process-id');
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await takeLock(lock, folder);
    await checkPartitions(folder, partitions, lock);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(2, `Failed to use the folder ${folder}: ${reasonOf(error)} Choose another.`, {
      cause: error,
    });
  }
  return {
    eventHubs: join(folder, 'event-hubs'),
    storage: join(folder, 'storage'),
    release: () => rm(lock, { force: true }),
  };
}

async function takeLock(lock: string, folder: string): Promise<void> {
  for (;;) {
    try {
      const file = await open(lock, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = Number(await readFile(lock, 'utf8').catch(() => '0'));
    if (isRunning(holder)) {
      throw new CommandError(
        2,
        `Failed to use the folder ${folder}: process ${holder} uses it. End that one first, or choose another folder.`,
      );
    }
    // Left behind by a process that was killed.
    await rm(lock, { force: true });
  }
}

function isRunning(processId: number): boolean {
  if (!Number.isSafeInteger(processId) || processId < 1) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function checkPartitions(folder: string, partitions: number, lock: string): Promise<void> {
  const path = join(folder, 'partitions');
  const kept = Number(await readFile(path, 'utf8').catch(() => String(partitions)));
  if (kept !== partitions) {
    await rm(lock, { force: true });
    throw new CommandError(
      2,
      `Failed to use the folder ${folder}: its events are in ${counted(kept, 'partition')}, not ${partitions}. Give --partitions ${kept}, or choose another folder.`,
    );
  }
  await writeFile(path, String(partitions));
}
