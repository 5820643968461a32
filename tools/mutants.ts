import { globSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import {
  isClean,
  judgeMutants,
  verdictTable,
  verdictText,
  type Explanations,
  type FileVerdict,
} from './judge-mutants.ts';
import { root } from './repository.ts';
import { tryMutants } from './try-mutants.ts';

/** What can be mutated: the folder whose tests judge the mutants, and the files. */
interface Target {
  readonly folder: string;
  readonly files: string;
  /**
   * Whether all tests of the folder judge a file, or only those that are named after it: beside
   * Azurite each test is dear.
   */
  readonly tests: 'all' | 'its own';
}

const targets: Readonly<Record<string, Target>> = {
  membership: { folder: 'libs/membership', files: 'src/*.ts', tests: 'all' },
  activation: { folder: 'libs/activation', files: 'src/*.ts', tests: 'all' },
  delivery: { folder: 'libs/delivery', files: 'src/*.ts', tests: 'all' },
  'table-ledger': {
    folder: 'libs/azure-adapters',
    files:
      'src/{spread-ledger,ledger-layout,ledger-tables,table-ledger,table-transaction,group-commit,ledger-entity}.ts',
    tests: 'its own',
  },
};

/**
 * Each plays hundreds of histories: what only they find deserves a small test that says what is
 * wrong.
 */
const exceptTests = [
  '**/*.model.test.ts',
  '**/*.properties.test.ts',
  '**/{activate.hostile,activate.outage,activate-retry.slow}.test.ts',
  '**/table-ledger.races.test.ts',
];

const explanationsPath = 'tools/explained-mutants.json';

const help = `Changes one thing at a time in a library and looks whether a test fails.

  npm run mutants -- <library> [<file> …]

  library   ${Object.keys(targets).join(', ')}
  file      only these files of it, by name: decide.ts

Prints each mutant that no test finds. One that no test can find is explained in ${explanationsPath}.
Fails when a mutant survives that is not explained, and when an explanation is stale.
`;

/** The files of a target that are named, or all. Throws when a name is none of them. */
function filesOf(target: Target, names: readonly string[]): readonly string[] {
  const all = globSync(`${target.folder}/${target.files}`, { cwd: root, exclude: ['**/*.test.ts'] }).toSorted();
  const unknown = names.filter((name) => !all.some((file) => file.endsWith(`/${name}`)));
  if (unknown.length > 0)
    throw new Error(
      `Failed to mutate: ${target.folder} has no file ${unknown.join(', ')} to mutate. Name one of its sources.`,
    );
  return names.length === 0 ? all : all.filter((file) => names.some((name) => file.endsWith(`/${name}`)));
}

/** Tries the mutants of files that the same tests judge. */
async function judge(
  { folder }: Target,
  files: readonly string[],
  tests: string,
  explanations: Explanations,
): Promise<readonly FileVerdict[]> {
  const results = await tryMutants({
    folder: join(root, folder),
    files: files.map((file) => join(root, file)),
    tests: [tests],
    exceptTests,
    onProgress: ({ found, mutants }) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${found} of ${mutants} mutants of ${folder} found\u001B[K`);
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
  const byFile = Map.groupBy(results, ({ fileName }) => relative(root, fileName).replaceAll('\\', '/'));
  return files.map((file) =>
    judgeMutants(file, readFileSync(join(root, file), 'utf8'), byFile.get(file) ?? [], explanations),
  );
}

async function main(library: string, names: readonly string[]): Promise<void> {
  const target = targets[library];
  if (target === undefined)
    throw new Error(
      `Failed to mutate: ${library} is no library to mutate. Name one of ${Object.keys(targets).join(', ')}.`,
    );
  const explanations = JSON.parse(readFileSync(join(root, explanationsPath), 'utf8')) as Explanations;
  const files = filesOf(target, names);
  const groups =
    target.tests === 'all'
      ? [{ files, tests: '{src,testing}/**/*.test.ts' }]
      : files.map((file) => ({ files: [file], tests: `src/${basename(file, '.ts')}{,.*}.test.ts` }));
  const verdicts: FileVerdict[] = [];
  for (const { files: group, tests } of groups) {
    const judged = await judge(target, group, tests, explanations);
    for (const verdict of judged) process.stdout.write(verdictText(verdict));
    verdicts.push(...judged);
  }
  process.stdout.write(`\n${verdictTable(verdicts)}`);
  process.exitCode = verdicts.every(isClean) ? 0 : 1;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', default: false } },
  });
  const [library, ...names] = positionals;
  if (values.help || library === undefined) process.stdout.write(help);
  else await main(library, names);
}
