import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { exampleDestinations } from '../testing/example-destinations.ts';
import { parseActivationFile } from './parse-activation-file.ts';
import { ActivationFileError, problemLine } from './problem.ts';

const folder = new URL('../fixtures/doubtful/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
const files = readdirSync(folder);
const cases = files.filter((name) => name.endsWith('.yaml'));

const options = (fileName: string) => ({ fileName, destinations: exampleDestinations });
const warningsOf = (fileName: string): string =>
  parseActivationFile(read(fileName), options(fileName))
    .warnings.map((each) => `${problemLine(each)}\n`)
    .join('');

test.each(cases)('%s is accepted with exactly the warnings that are written beside it', (fileName) => {
  expect(warningsOf(fileName)).toBe(read(fileName.replace('.yaml', '.warnings.txt')));
});

test('every list of warnings has its file', () => {
  const lists = files.filter((name) => name.endsWith('.warnings.txt'));
  expect(lists.map((name) => name.replace('.warnings.txt', '.yaml'))).toEqual(cases);
});

test('no warning repeats a secret', () => {
  expect(cases.filter((fileName) => read(fileName).includes('hush'))).not.toEqual([]);
  expect(cases.filter((fileName) => warningsOf(fileName).includes('hush'))).toEqual([]);
});

test('a problem does not hide the warnings of the file', () => {
  const text = read('namespace-typos.yaml').replace('EMAIL', 'E-MAIL');
  const failure = (): unknown => parseActivationFile(text, options('test.yaml'));
  expect(failure).toThrow(ActivationFileError);
  expect(failure).toThrow(
    expect.objectContaining({
      warnings: expect.arrayContaining([expect.objectContaining({ line: 7 })]) as unknown,
    }) as Error,
  );
});

test('of a path that is wrong no doubt is said besides', () => {
  const text = read('consent-is-an-object.yaml').replace('consents.marketing.email', "'consents. marketing'");
  const failure = (): unknown => parseActivationFile(text, options('test.yaml'));
  expect(failure).toThrow(expect.objectContaining({ problems: [expect.anything()], warnings: [] }) as Error);
});
