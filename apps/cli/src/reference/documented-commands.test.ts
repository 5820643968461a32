import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError, type Command } from 'commander';
import { expect, test } from 'vitest';
import { capturedTerminal } from '../../testing/captured-terminal.ts';
import { commandsOf, documents, root, wordsOf } from '../../testing/documents.ts';
import { createProgram } from '../main.ts';
import { usageSentence } from '../terminal/usage-error.ts';

const commands = documents().flatMap(commandsOf);
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};

/** The line without variables before it, and without npx. */
const bare = (line: string): string => line.replace(/^(?:[A-Z][A-Z_]+=\S+ )*(?:npx )?/, '');
const program = (line: string): string => bare(line).split(' ')[0] ?? '';

/** What no test runs, and why; what of it is ours is held by other tests, which are named. */
const notRun: Readonly<Record<string, string>> = {
  az: 'changes or asks a subscription of Azure',
  pulumi: 'changes or asks a stack in Azure; infra/engine.test.ts runs the engine against a stand-in',
  gh: 'changes or asks a repository on GitHub; tools/workflows.test.ts holds the workflows and their inputs',
  git: 'changes the repository, or asks another machine',
  curl: 'asks a function app in Azure',
  bash: 'is what CI runs: this test is in it',
  eslint: 'changes the suppressions of a project; the target lint runs it',
};

const ours = new Set(['activation', 'npm', 'node', 'nx', 'event-hubs-emulator']);

test('every command of a document is ours, or there is a reason why no test runs it', () => {
  const unknown = commands.filter(({ line }) => !ours.has(program(line)) && !(program(line) in notRun));
  expect(unknown).toEqual([]);
  const used = new Set(commands.map(({ line }) => program(line)));
  expect(Object.keys(notRun).filter((name) => !used.has(name))).toEqual([]);
  expect(commands.length).toBeGreaterThan(200);
});

/** Makes every command of a tree parse its words and do nothing. */
function withoutActions(command: Command): Command {
  for (const inner of command.commands) withoutActions(inner);
  if (command.commands.length === 0) command.action(() => undefined);
  return command;
}

/** What is wrong with the words, as the command would say; undefined for nothing. */
async function refusalOf(words: readonly string[]): Promise<string | undefined> {
  const tree = withoutActions(await createProgram(words[0], capturedTerminal()));
  try {
    await tree.parseAsync(words, { from: 'user' });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // A group of commands that is named alone shows its help.
    return error.exitCode === 0 || error.code === 'commander.help' ? undefined : usageSentence(error, words, tree);
  }
}

/**
 * A value that a reader puts in, such as `<key>` or `…`: any will do here. What stands in brackets
 * may be left out.
 */
const filledIn = (words: readonly string[]): readonly string[] =>
  words.filter((word) => word !== '…' && !/^\[.*\]$/.test(word)).map((word) => word.replace(/^<[^>]+>$/, 'any'));

const activations = commands.filter(({ line }) => program(line) === 'activation');

test('every activation command that a document shows has the verbs, options and arguments that there are', async () => {
  const wrong: string[] = [];
  for (const { place, line, isInline } of activations) {
    for (const part of line.split(' | ')) {
      if (program(part) !== 'activation') continue;
      const words = filledIn(wordsOf(bare(part)).slice(1));
      const refusal = await refusalOf(words);
      // A sentence may name a command without all that it needs; what it names must be there.
      const isIncomplete = isInline && / (?:is missing|has no value)\. /.test(refusal ?? '');
      if (refusal !== undefined && !isIncomplete && !/<[^>]+ |<command>/.test(part))
        wrong.push(`${place}: ${part}: ${refusal}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(activations.length).toBeGreaterThan(60);
});

test('control: a verb, an option and an argument that there are not are found', async () => {
  expect(await refusalOf(['lookup', 'crmid:C-1'])).toContain('unknown command');
  expect(await refusalOf(['ledger', 'show', 'crmid:C-1', '--file', 'a.yaml'])).toContain('unknown option --file');
  expect(await refusalOf(['check', '--activations', 'a.yaml'])).toContain('unknown option --activations');
});

test('every npm script that a document names is there', () => {
  const named = commands
    .filter(({ line }) => program(line) === 'npm')
    .map(({ place, line }) => ({ place, words: wordsOf(bare(line)) }));
  const wrong = named.filter(({ words }) => {
    const [, verb = '', ...rest] = words;
    if (verb === 'run') return !((rest.find((word) => !word.startsWith('-')) ?? '') in scripts);
    return !['start', 'test', 'install', 'ci', 'version'].includes(verb);
  });
  expect(wrong).toEqual([]);
});

test('no document asks for a Node that is newer than the one with which one can begin', () => {
  const direct = commands.filter(({ line }) => /^node .*\.ts\b/.test(bare(line)) || /\| *node .*\.ts\b/.test(line));
  expect(direct.map(({ place, line }) => `${place}: ${line}`)).toEqual([]);
});

test('every Nx target that a document names is there', () => {
  const named = commands
    .filter(({ line }) => program(line) === 'nx')
    .map(({ place, line }) => [place, wordsOf(bare(line))] as const);
  const wrong = named.filter(([, [, target = '', project = '']]) => {
    if (target === 'g') return !project.startsWith('@activation-hub/tools:');
    const name = project.replace('@activation-hub/', '');
    const folder = [`apps/${name}`, `libs/${name}`, name].find((each) => existsSync(join(root, each, 'package.json')));
    if (folder === undefined) return true;
    const manifest = readFileSync(join(root, folder, 'package.json'), 'utf8');
    const { nx = {} } = JSON.parse(manifest) as { nx?: { targets?: Readonly<Record<string, object>> } };
    return nx.targets?.[target] === undefined;
  });
  expect(wrong).toEqual([]);
  expect(named.length).toBeGreaterThan(5);
});
