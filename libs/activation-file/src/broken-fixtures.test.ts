import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { exampleDestinations } from '../testing/example-destinations.ts';
import { parseActivationFile } from './parse-activation-file.ts';
import { ActivationFileError } from './problem.ts';

const folder = new URL('../fixtures/broken/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
const files = readdirSync(folder);
const cases = files.filter((name) => name.endsWith('.yaml'));

function problemsOf(fileName: string): ActivationFileError {
  try {
    parseActivationFile(read(fileName), { fileName, destinations: exampleDestinations });
  } catch (error) {
    if (error instanceof ActivationFileError) return error;
    throw error;
  }
  throw new Error(`Failed to find a problem in ${fileName}: it was accepted. Remove it from fixtures/broken.`);
}

test.each(cases)('%s has exactly the problems that are written beside it', (fileName) => {
  expect(`${problemsOf(fileName).message}\n`).toBe(read(fileName.replace('.yaml', '.problems.txt')));
});

test('every list of problems has its file', () => {
  const lists = files.filter((name) => name.endsWith('.problems.txt'));
  expect(lists.map((name) => name.replace('.problems.txt', '.yaml'))).toEqual(cases);
});

test('no problem repeats a value of settings or options', () => {
  // Whatever could be a secret has this word in it, or is this number.
  const telling = /hush|12345678/;
  expect(cases.filter((fileName) => telling.test(read(fileName))).length).toBeGreaterThan(5);
  expect(cases.filter((fileName) => telling.test(problemsOf(fileName).message))).toEqual([]);
});

test('problems come in the order of the file', () => {
  for (const fileName of cases) {
    const places = problemsOf(fileName).problems.map(({ line, column }) => line * 10_000 + column);
    expect(places).toEqual([...places].sort((left, right) => left - right));
  }
});
