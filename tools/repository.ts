import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');

export interface RepositoryFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** Every text file of the repository that git tracks, or would if it were added. */
export function repositoryFiles(): readonly RepositoryFile[] {
  return repositoryPaths()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'));
}

/** Every file of the repository that git tracks, or would if it were added, pictures too. */
export function repositoryPaths(): readonly string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return listed.split('\0').filter((path) => path !== '' && existsSync(join(root, path)));
}

/**
 * Whether a company wrote the file in its copy of this repository: no rule of ours is about those.
 */
export const isCompanys = (path: string): boolean => /^(?:own\/[^/]+\/|\.github\/workflows\/own-)/.test(path);

/** The folders of all projects: apps, libraries, infrastructure, tools. */
export function projectFolders(): readonly string[] {
  return repositoryFiles()
    .map(({ path }) => /^((?:apps|libs)\/[^/]+|infra|tools)\/package\.json$/.exec(path)?.[1])
    .filter((folder) => folder !== undefined);
}

/** Whether a line of TypeScript is of a comment alone. */
export const isCommentLine = (line: string): boolean => /^\s*(\/\/|\/?\*)/.test(line);
