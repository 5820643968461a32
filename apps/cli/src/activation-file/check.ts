import { glob } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { problemLine, type ActivationFile, type Problem, type Route } from '@activation-hub/activation-file';
import type { Command } from 'commander';
import { loadActivations } from './activations.ts';
import { audienceNamesByKey } from './audience-names.ts';
import type { Findings } from '../aep/check-audiences.ts';
import { checkUrls } from './check-urls.ts';
import { CommandError } from '../terminal/command-error.ts';
import { compareWithExports, readExports } from './compare-with-exports.ts';
import { byPlace, problemLocator } from './locate-problem.ts';
import { report, type Besides } from '../terminal/reporter.ts';
import { tableLines } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface CheckedFile {
  readonly file: string;
  /** What AEP calls the audiences, by their keys here, as far as it was written beside the file. */
  readonly names: Readonly<Record<string, string>>;
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
    .option(
      '--aep',
      "also asks AEP: do the file's audiences exist in the sandbox, and can what is asked for be exported",
    )
    .option('--against <file>', 'also says what of the activation files the exports in a file of events lack')
    .option('--json', 'prints one JSON object with all problems, warnings and routes')
    .addHelpText(
      'after',
      `
Examples:
  $ activation check
  $ activation check my-activations.yaml
  $ activation check prod.yaml --aep
  $ activation check my-activations.yaml --against export.json
  $ activation check --json | jq '.files[].problems'`,
    )
    .action((files: readonly string[], options: CheckOptions) => check(files, options, terminal));
}

interface CheckOptions {
  readonly aep?: true;
  readonly against?: string;
  readonly json?: true;
}

async function check(named: readonly string[], options: CheckOptions, terminal: Terminal): Promise<void> {
  const { aep, against } = options;
  const paths = named.length > 0 ? named : await defaultFiles(terminal.folder);
  const comparisons = [
    urlComparison(terminal),
    ...(against === undefined ? [] : [await exportComparison(against, terminal)]),
    ...(aep ? [await aepComparison(terminal)] : []),
  ];
  const files: CheckedFile[] = [];
  for (const path of paths) files.push(await checkFile(path, comparisons, terminal));
  const wrong = files.filter(({ problems }) => problems.length > 0);
  report(
    { event: 'checked', ok: wrong.length === 0, files },
    () => files.flatMap((file) => fileWords(file, terminal.colors)),
    options,
    terminal,
  );
  if (wrong.length > 0) {
    throw new CommandError(
      2,
      `Failed to accept ${wrong.map(({ file }) => file).join(', ')}. Correct the problems that are listed above.`,
    );
  }
}

type Comparison = (path: string, file: ActivationFile) => Promise<Findings>;

/**
 * Compares a file with the sandbox of the environment's variables. Loaded only where it is asked
 * for.
 */
async function aepComparison(terminal: Terminal): Promise<Comparison> {
  const { openAdobe, withAdobe } = await import('../environment/adobe-access.ts');
  const { checkAudiences } = await import('../aep/check-audiences.ts');
  const adobe = openAdobe(terminal);
  return (path, file) => withAdobe(terminal, () => checkAudiences(path, file, adobe, terminal));
}

/** Compares a file with the exports of a file of events, which is read once. */
async function exportComparison(against: string, terminal: Terminal): Promise<Comparison> {
  const exports = await readExports(against, terminal);
  return async (path, file) => {
    const locate = await problemLocator(path, terminal);
    return { problems: [], warnings: compareWithExports(file, exports, against, locate) };
  };
}

function urlComparison(terminal: Terminal): Comparison {
  return async (path, file) => await checkUrls(file, await problemLocator(path, terminal));
}

async function checkFile(path: string, comparisons: readonly Comparison[], terminal: Terminal): Promise<CheckedFile> {
  let loaded: ActivationFile;
  try {
    loaded = await loadActivations(path, terminal);
  } catch (error) {
    const findings = findingsOf(error);
    if (findings === undefined) throw error;
    return { file: path, names: {}, ...findings, routes: [] };
  }
  const found: Findings[] = [];
  for (const compare of comparisons) found.push(await compare(path, loaded));
  return {
    file: path,
    names: await audienceNamesByKey(path, loaded, terminal),
    problems: found.flatMap(({ problems }) => problems),
    warnings: [...loaded.warnings, ...found.flatMap(({ warnings }) => warnings)].sort(byPlace),
    routes: loaded.routes,
  };
}

function findingsOf(error: unknown): Findings | undefined {
  return error instanceof CommandError && 'problems' in error.details ? (error.details as Findings) : undefined;
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

function fileWords(
  { file, names, problems, warnings, routes }: CheckedFile,
  { bold, yellow }: Terminal['colors'],
): readonly (string | Besides)[] {
  const warned = warnings.map((warning) => `${yellow('warning')} ${problemLine(warning)}`);
  // Warnings of a file that is right by itself are of use also when AEP does not agree.
  if (problems.length > 0) return [...problems.map(problemLine), ...warned].map((besides) => ({ besides }));
  return [bold(file), ...warned, ...routeLines(routes, names).map((line) => `  ${line}`)];
}

/** Routes as a table; says so when there is none. */
function routeLines(routes: ActivationFile['routes'], names: CheckedFile['names']): readonly string[] {
  if (routes.length === 0) return ['no routes: the hub sends nothing'];
  const hasNames = Object.keys(names).length > 0;
  return tableLines([
    ['audience', ...(hasNames ? ['name in AEP'] : []), 'destination', 'mode', 'identity', 'attributes'],
    ...routes.map(({ audience, destination, mode, identityNamespaces, identities, attributes }) => [
      audience,
      ...(hasNames ? [names[audience] ?? '–'] : []),
      destination,
      mode,
      `${identityNamespaces.join(', ')}${identities === 'all' ? ' (all)' : ''}`,
      attributes.map(({ name }) => name).join(', ') || '–',
    ]),
  ]);
}
