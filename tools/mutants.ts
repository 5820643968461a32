import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import {
  isClean,
  judgeMutants,
  verdictTable,
  verdictText,
  type Explanations,
  type FileVerdict,
} from './judge-mutants.ts';
import { root } from './repository.ts';

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

const explanationsPath = 'tools/explained-mutants.json';

const help = `Changes one thing at a time in a library and looks whether a test fails.

  npm run mutants -- <library> [<file> …] [--minutes <number>]

  library     ${Object.keys(targets).join(', ')}
  file        only these files of it, by name: decide.ts
  --minutes   starts no further file after that time; 60 by default

Prints each mutant that no test finds. One that no test can find is explained in ${explanationsPath}.
Fails when a mutant survives that is not explained, when an explanation is stale, and when something was not run.
`;

/**
 * Tries every mutant of one file. The library's tests run in a copy of the repository, so that what
 * is checked out stays as it is.
 */
async function mutate(target: Target, file: string, explanations: Explanations): Promise<FileVerdict> {
  const source = readFileSync(join(root, file), 'utf8');
  const name = basename(file, '.ts');
  process.env.MUTANTS_FILE = name;
  // Not by Stryker's `testFiles`: with it a mutant of what is computed when the file is loaded is
  // never switched on.
  process.env.MUTANTS_TESTS = target.tests === 'all' ? '{src,testing}/**/*.test.ts' : `src/${name}{,.*}.test.ts`;
  const results = await new Stryker({
    mutate: [file],
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { configFile: 'tools/mutants.vitest.config.ts', dir: target.folder, related: false },
    coverageAnalysis: 'perTest',
    concurrency: 2,
    // A busy machine is no endless loop.
    timeoutMS: 10_000,
    // Of each run its own, for Stryker removes the whole folder in the end.
    tempDirName: `dist/mutants-${process.pid}`,
    ignorePatterns: ['/apps', '/infra', 'dist', '.nx', '.activation'],
    reporters: ['progress-append-only'],
    allowConsoleColors: false,
  }).runMutationTest();
  return judgeMutants(file, source, results, explanations);
}

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

async function main(library: string, names: readonly string[], minutes: number): Promise<void> {
  const target = targets[library];
  if (target === undefined)
    throw new Error(
      `Failed to mutate: ${library} is no library to mutate. Name one of ${Object.keys(targets).join(', ')}.`,
    );
  if (!(minutes > 0)) throw new Error('Failed to mutate: --minutes is not a positive number.');
  const explanations = JSON.parse(readFileSync(join(root, explanationsPath), 'utf8')) as Explanations;
  const startedAtMs = performance.now();
  const verdicts: FileVerdict[] = [];
  const notRun: string[] = [];
  for (const file of filesOf(target, names)) {
    if (performance.now() - startedAtMs > minutes * 60_000) notRun.push(file);
    else {
      const verdict = await mutate(target, file, explanations);
      process.stdout.write(`\n${verdictText(verdict)}`);
      verdicts.push(verdict);
    }
  }
  process.stdout.write(`\n${verdictTable(verdicts)}`);
  for (const file of notRun) process.stdout.write(`${file} was not run: the ${minutes} minutes were over.\n`);
  process.exitCode = notRun.length === 0 && verdicts.every(isClean) ? 0 : 1;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { minutes: { type: 'string', default: '60' }, help: { type: 'boolean', default: false } },
  });
  const [library, ...names] = positionals;
  if (values.help || library === undefined) process.stdout.write(help);
  else await main(library, names, Number(values.minutes));
}
