import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { ActivationFile } from '@activation-hub/activation-file';
import type { Audience } from '@activation-hub/flow-service';
import type { Terminal } from '../terminal.ts';
import type { ChosenFile } from './activation-file-options.ts';

/** The names that AEP gives the audiences of an activation file, by their ids. */
export type AudienceNames = Readonly<Record<string, string>>;

/** Beside the activation file, as `prod.names.json`. */
function namesPath(path: string): string {
  return path.replace(/\.ya?ml$/, '') + '.names.json';
}

/**
 * Writes the names that AEP knows for the audiences of a file beside it: sorted by id, the same bytes for the same names, so that it can
 * be kept with the file. Gives where, from the terminal's folder.
 */
export async function writeAudienceNames(
  { path }: ChosenFile,
  file: ActivationFile,
  known: ReadonlyMap<string, Audience>,
  { folder }: Terminal,
): Promise<string> {
  const entries = [...file.audiences.values()].flatMap(({ id }): [string, string][] => {
    const name = known.get(id)?.name ?? '';
    return name === '' ? [] : [[id, name]];
  });
  const names = Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)));
  const target = resolve(folder, namesPath(path));
  await mkdir(dirname(target), { recursive: true });
  const unfinished = join(dirname(target), `.${process.pid}.names.json`);
  await writeFile(unfinished, `${JSON.stringify(names, undefined, 2)}\n`);
  await rename(unfinished, target);
  return relative(folder, target);
}
