import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { ActivationFile } from '@activation-hub/activation-file';
import type { Audience } from '@activation-hub/flow-service';
import { CommandError, reasonOf } from '../terminal/command-error.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { ChosenFile } from './activation-file-options.ts';

/** The names that AEP gives the audiences of an activation file, by their ids. */
export type AudienceNames = Readonly<Record<string, string>>;

/** Beside the activation file, as `prod.names.json`. */
function namesPath(path: string): string {
  return path.replace(/\.ya?ml$/, '') + '.names.json';
}

/**
 * The names beside an activation file; none when no command has written them. Throws `CommandError`
 * (2) when the file holds something else.
 */
async function readAudienceNames(path: string, { folder }: Terminal): Promise<AudienceNames> {
  const target = namesPath(path);
  let text: string;
  try {
    text = await readFile(resolve(folder, target), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw new CommandError(2, `Failed to read ${target}: ${reasonOf(error)}`, { cause: error });
  }
  const names = parseNames(text);
  if (names !== undefined) return names;
  throw new CommandError(
    2,
    `Failed to read ${target}: it is no JSON object of names. Delete it, or write it again with activation aep audiences --write-names.`,
  );
}

/**
 * What AEP calls the audiences of a file, by their keys in it, as far as it was written beside the
 * file. Throws as `readAudienceNames`.
 */
export async function audienceNamesByKey(
  path: string,
  file: ActivationFile,
  terminal: Terminal,
): Promise<Readonly<Record<string, string>>> {
  const byId = await readAudienceNames(path, terminal);
  const names = [...file.audiences.values()].flatMap(({ key, id }): [string, string][] => {
    const name = byId[id];
    return name === undefined ? [] : [[key, name]];
  });
  return Object.fromEntries(names);
}

function parseNames(text: string): AudienceNames | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isNames =
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((name) => typeof name === 'string' && name === oneLine(name));
    return isNames ? (value as AudienceNames) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Writes the names that AEP knows for the audiences of a file beside it: sorted by id, the same
 * bytes for the same names, so that it can be kept with the file. Gives where, from the terminal's
 * folder.
 */
export async function writeAudienceNames(
  { path }: ChosenFile,
  file: ActivationFile,
  known: ReadonlyMap<string, Audience>,
  { folder }: Terminal,
): Promise<string> {
  const entries = [...file.audiences.values()].flatMap(({ id }): [string, string][] => {
    const name = oneLine(known.get(id)?.name ?? '');
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

/** A user typed the name in AEP: nothing in it may move the terminal's cursor. */
export function oneLine(name: string): string {
  return name.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim();
}
