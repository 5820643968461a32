import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import type { ActivationFile, KnownDestinations } from './activation-file.ts';
import { parseActivationFile } from './parse-activation-file.ts';
import { ActivationFileError } from './problem.ts';
import { typesNamed } from './types-named.ts';

export interface LoadOptions {
  /** The kinds of destinations that may be used; or what loads those that the file names. */
  readonly destinations: KnownDestinations | ((types: readonly string[]) => Promise<KnownDestinations>);
  /** What problems call the file; the path as given by default. */
  readonly fileName?: string;
  /** As of when versions of vendors' APIs are warned of; see `ParseOptions`. */
  readonly nowMs?: number;
  /** Ends the reading; the promise then rejects with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Reads and checks an activation file in UTF-8. Throws `ActivationFileError` as
 * `parseActivationFile` does, and also where there is no such file, where it is a folder, may not
 * be read or is not UTF-8; passes on other failures to read, and to load destinations.
 */
export async function loadActivationFile(path: string, options: LoadOptions): Promise<ActivationFile> {
  const { destinations, fileName = path, nowMs, signal } = options;
  const bytes = await readFile(path, { signal }).catch((cause: unknown) => {
    const sentence = readFailures[errorCode(cause) ?? ''];
    throw sentence === undefined ? cause : wholeFile(fileName, sentence);
  });
  if (!isUtf8(bytes)) throw wholeFile(fileName, 'The file is not UTF-8. Save it with that encoding.');
  const text = bytes.toString('utf8');
  const known = typeof destinations === 'function' ? await destinations(typesNamed(text)) : destinations;
  return parseActivationFile(text, { fileName, destinations: known, ...(nowMs === undefined ? {} : { nowMs }) });
}

const readFailures: Readonly<Record<string, string | undefined>> = {
  ENOENT: 'There is no such file. Check the path, and the folder that it starts from.',
  ENOTDIR: 'There is no such file: a part of the path is a file, not a folder. Check the path.',
  EISDIR: 'This is a folder. Give the path of a file in it.',
  EACCES: 'The file may not be read. Check its permissions.',
};

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function wholeFile(fileName: string, message: string): ActivationFileError {
  return new ActivationFileError([{ fileName, line: 1, column: 1, path: '', message }]);
}
