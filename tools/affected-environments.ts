import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { root } from './repository.ts';

/** Files of one environment: its stack configuration and its activation file. */
const environmentFile = /^(?:infra\/Pulumi\.|apps\/handler\/activations\/)([a-z0-9]+)\.yaml$/;

export interface Change {
  /** Paths of the changed files, relative to the repository. */
  readonly files: readonly string[];
  /** All environments that there are. */
  readonly environments: readonly string[];
  /** Whether a change of these files can change what the program makes of every environment. */
  readonly isProgramAffected: (files: readonly string[]) => boolean;
}

/**
 * The environments that a change may change: all of them where the program in `infra` or something
 * that it uses is changed, else those whose own files are. Documents change none.
 */
export function affectedEnvironments({ files, environments, isProgramAffected }: Change): readonly string[] {
  const own = new Set(files.flatMap((file) => environmentFile.exec(file)?.[1] ?? []));
  const others = files.filter((file) => !environmentFile.test(file) && !file.endsWith('.md'));
  return others.length > 0 && isProgramAffected(others)
    ? environments
    : environments.filter((environment) => own.has(environment));
}

/**
 * Prints, as a JSON list, the environments that differ between a commit and what is checked out.
 */
function main(base: string): void {
  const run = (command: string, ...args: readonly string[]): string =>
    execFileSync(command, args, { cwd: root, encoding: 'utf8' });
  const environments = globSync('infra/Pulumi.*.yaml', { cwd: root })
    .map((path) => basename(path).split('.')[1] ?? '')
    .sort();
  const files = run('git', 'diff', '--name-only', `${base}...HEAD`).split('\n').filter(Boolean);
  const isProgramAffected = (changed: readonly string[]): boolean => {
    const projects = run('nx', 'show', 'projects', '--affected', `--files=${changed.join(',')}`, '--json');
    return (JSON.parse(projects) as readonly string[]).includes('@activation-hub/infra');
  };
  process.stdout.write(`${JSON.stringify(affectedEnvironments({ files, environments, isProgramAffected }))}\n`);
}

if (import.meta.main) {
  const [base] = process.argv.slice(2);
  if (base === undefined)
    throw new Error('Failed to compare: no commit is given. Run: node tools/affected-environments.ts <commit>');
  main(base);
}
