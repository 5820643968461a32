import { glob } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { problemLine, type ActivationFile, type Problem, type Route } from '@activation-hub/activation-file';
import type { Command } from 'commander';
import { loadActivations } from './activations.ts';
import { CommandError } from './command-error.ts';
import { tableLines } from './table.ts';
import type { Terminal } from './terminal.ts';

interface CheckedFile {
  readonly file: string;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  readonly routes: readonly Route[];
}

const defaultPattern = 'apps/handler/activations/*.yaml';

export function addCheckCommand(program: Command, terminal: Terminal): void {
  program
    .command('check')
    .summary('checks activation files')
    .description(
      'Checks activation files, and shows which audience goes where. Exits with 2 when one of them is wrong.',
    )
    .argument('[files...]', `activation files (default: ${defaultPattern}, here or in a folder above)`)
    .option('--json', 'prints one JSON object with all problems, warnings and routes')
    .addHelpText(
      'after',
      `
Examples:
  $ activation check
  $ activation check my-activations.yaml
  $ activation check --json | jq '.files[].problems'`,
    )
    .action((files: readonly string[], options: { readonly json?: true }) => check(files, options, terminal));
}

async function check(named: readonly string[], { json }: { readonly json?: true }, terminal: Terminal): Promise<void> {
  const paths = named.length > 0 ? named : await defaultFiles(terminal.folder);
  const files: CheckedFile[] = [];
  for (const path of paths) files.push(await checkFile(path, terminal));
  const wrong = files.filter(({ problems }) => problems.length > 0);
  if (json) terminal.print(JSON.stringify({ event: 'checked', ok: wrong.length === 0, files }));
  else for (const file of files) printFile(file, terminal);
  if (wrong.length > 0) {
    throw new CommandError(
      2,
      `Failed to accept ${wrong.map(({ file }) => file).join(', ')}. Mend the problems named above.`,
    );
  }
}

async function checkFile(path: string, terminal: Terminal): Promise<CheckedFile> {
  try {
    const { warnings, routes } = await loadActivations(path, terminal);
    return { file: path, problems: [], warnings, routes };
  } catch (error) {
    const problems = problemsOf(error);
    if (problems === undefined) throw error;
    return { file: path, problems, warnings: [], routes: [] };
  }
}

function problemsOf(error: unknown): readonly Problem[] | undefined {
  return error instanceof CommandError && 'problems' in error.details
    ? (error.details.problems as readonly Problem[])
    : undefined;
}

/** The activation files of the handler, looked for in the folder and in those above it. */
async function defaultFiles(folder: string): Promise<readonly string[]> {
  for (let from = folder; ; from = dirname(from)) {
    const found: string[] = [];
    for await (const path of glob(defaultPattern, { cwd: from })) found.push(relative(folder, join(from, path)));
    if (found.length > 0) return found.sort();
    if (dirname(from) === from) break;
  }
  throw new CommandError(2, `Failed to find an activation file: there is no ${defaultPattern}. Give the path of one.`);
}

function printFile({ file, problems, warnings, routes }: CheckedFile, { print, say, colors }: Terminal): void {
  for (const problem of problems) say(problemLine(problem));
  if (problems.length > 0) return;
  print(colors.bold(file));
  for (const warning of warnings) print(`${colors.yellow('warning')} ${problemLine(warning)}`);
  for (const line of routeLines(routes)) print(`  ${line}`);
}

/** Routes as a table; says so when there is none. */
function routeLines(routes: ActivationFile['routes']): readonly string[] {
  if (routes.length === 0) return ['no routes: nothing is told to anybody'];
  return tableLines([
    ['audience', 'destination', 'mode', 'identity', 'attributes'],
    ...routes.map(({ audience, destination, mode, identityNamespaces, identities, attributes }) => [
      audience,
      destination,
      mode,
      `${identityNamespaces.join(', ')}${identities === 'all' ? ' (all)' : ''}`,
      attributes.map(({ name }) => name).join(', ') || '–',
    ]),
  ]);
}
