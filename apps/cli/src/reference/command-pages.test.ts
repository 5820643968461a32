import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { capturedTerminal } from '../../testing/captured-terminal.ts';
import { commandPages } from './command-pages.ts';
import { createProgram } from '../main.ts';

const folder = join(import.meta.dirname, '../../../../docs/reference/commands');
const program = await createProgram(undefined, capturedTerminal());
const pages = commandPages(program);

test.each([...pages])('the page %s is what the help says', (name, page) => {
  expect(readFileSync(join(folder, name), 'utf8'), 'Run npm run reference, and read what has changed.').toBe(page);
});

test('there is a page for each command, one that leads to them, and no other', () => {
  expect(readdirSync(folder).sort()).toEqual([...pages.keys()].sort());
});

const withAllBelow = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(withAllBelow)];

test.each(program.commands.map((verb) => ({ name: verb.name(), verb })))(
  'the page of $name has examples',
  ({ verb }) => {
    const page = pages.get(`${verb.name()}.md`) ?? '';
    expect(page).toContain(`\`\`\`text\n$ activation ${verb.name()}`);
    for (const command of withAllBelow(verb)) {
      expect(command.description(), command.name()).toMatch(/\.$/);
      for (const { flags } of command.options) expect(page).toContain(`| \`${flags.replaceAll('|', '\\|')}\` |`);
    }
  },
);

test('a page has what a help has: arguments, options with their defaults, notes, examples, and the verbs below', () => {
  const acme = new Command('acme');
  const tell = acme.command('tell').summary('tells').description('Tells <somebody> a_b | c.');
  tell.argument('<whom...>', 'who is told').option('--how <way>', 'loud | soft', 'soft');
  tell.addHelpText('after', '\nIt is *loud*\nor not.\n\nNothing else.\n\nExamples:\n  $ activation tell x\n    | cat');
  tell.command('list').description('Lists.').option('--json', 'as JSON');
  expect([...commandPages(acme).keys()]).toEqual(['README.md', 'tell.md']);
  expect(commandPages(acme).get('README.md')).toContain('| [tell](tell.md) | tells |');
  expect(commandPages(acme).get('tell.md')?.split('\n\n')).toEqual([
    '# activation tell',
    'Tells \\<somebody\\> a\\_b \\| c.',
    'Usage: `activation tell [options] [command] <whom...>`',
    '| argument | meaning |\n| --- | --- |\n| `<whom...>` | who is told |',
    '| option | meaning |\n| --- | --- |\n| `--how <way>` | loud \\| soft (default: "soft") |',
    'It is \\*loud\\* or not.',
    'Nothing else.',
    '```text\n$ activation tell x\n  | cat\n```',
    '## activation tell list',
    'Lists.',
    'Usage: `activation tell list [options]`',
    '| option | meaning |\n| --- | --- |\n| `--json` | as JSON |\n',
  ]);
});
