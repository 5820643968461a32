import { expect, test } from 'vitest';
import { everyCommand } from '../testing/command-tree.ts';
import { goldenFile, session } from '../testing/golden.ts';
import { helpColumns } from './terminal/wrapped-help.ts';

const commands = await everyCommand();
const helps = await Promise.all(commands.map(({ words }) => session([...words, '--help'])));

test('the help of every command is what golden/help.txt shows', async () => {
  expect(helps.length).toBeGreaterThan(30);
  await expect(`${helps.join('\n\n')}\n`).toMatchFileSnapshot(goldenFile('help.txt'));
});

test(`no line of help is wider than ${helpColumns} columns`, () => {
  const wide = helps.flatMap((help) => help.split('\n')).filter((line) => line.length > helpColumns);
  expect(wide).toEqual([]);
});

test('every command says what it does, and shows examples of itself that name options and commands that it has', () => {
  for (const [index, { words, options, isGroup }] of commands.entries()) {
    const help = helps[index] ?? '';
    const line = ['activation', ...words].join(' ');
    expect(help).toContain(`Usage: ${line}`);
    if (isGroup) continue;
    expect(help, line).toMatch(/\n\n[A-Z][^$]+\.\n/);
    const examples = [...help.matchAll(/^ {2}\$ (?:.* \| |[A-Z_]+=\S+ )?(activation .*)$/gm)].map(
      ([, example = '']) => example,
    );
    expect(examples.length, line).toBeGreaterThan(0);
    const known = new Set(options.flatMap(({ long, short }) => [long, short]));
    for (const example of examples.filter((each) => each.startsWith(`${line} `))) {
      for (const [, option] of example.replace(/ \| .*$/, '').matchAll(/ (--[a-z][a-z-]*|-[a-z])\b/g)) {
        expect(known.has(option), `${example}: ${option ?? ''}`).toBe(true);
      }
    }
  }
});

test('every command that prints a result prints it as JSON too', () => {
  const without = commands.filter(({ options, isGroup }) => !isGroup && !options.some(({ long }) => long === '--json'));
  // What an assistant speaks with it is JSON, and nothing is printed besides.
  expect(without.map(({ words }) => words.join(' '))).toEqual(['mcp']);
});
