import { CommandError, reasonOf } from './command-error.ts';

const absent = {
  read: 'there is no such file. Check the path, and the folder that it starts from.',
  write: 'its folder does not exist. Make it, or give a file elsewhere.',
};
const sentences: Readonly<Record<string, string>> = {
  ENOTDIR: 'a part of its path is a file, and no folder. Check the path.',
  EEXIST: 'it is a file, and no folder. Choose another folder.',
  EISDIR: 'it is a folder. Give the path of a file.',
  ESPIPE: 'it is a pipe, which can be read once only. Write it to a file first, and give that.',
  EACCES: 'its permissions do not allow it. Change them, or give another file.',
  EPERM: 'its permissions do not allow it. Change them, or give another file.',
  ENOSPC: 'the disk is full. Make room, or give a file elsewhere.',
};

/**
 * Why a file that a person has named (as they named it) cannot be used: 2 where another name helps,
 * else 1.
 */
export function fileFailure(doing: 'read' | 'write', name: string, error: unknown): CommandError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const sentence = code === 'ENOENT' ? absent[doing] : (sentences[code] ?? reasonOf(error));
  const isOfItsName = code === 'ENOENT' || (code in sentences && code !== 'ENOSPC');
  return new CommandError(isOfItsName ? 2 : 1, `Failed to ${doing} ${name}: ${sentence}`, { cause: error });
}
