import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CommandError } from '../terminal/command-error.ts';
import { lineOfJsonMistake } from './json-mistake.ts';
import { openFile, readEventBodies } from './event-bodies.ts';

async function read(text: string): Promise<string[]> {
  const bodies: string[] = [];
  for await (const body of readEventBodies(Readable.from([Buffer.from(text)]), 'events.json'))
    bodies.push(body.toString());
  return bodies;
}

async function failure(text: string): Promise<CommandError> {
  const error: unknown = await read(text).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CommandError)) throw new Error('It did not fail as expected.');
  return error;
}

test('a document is one event, as it is written', async () => {
  const pretty = '{\n  "a": 12345678901234567890,\n  "b": [1]\n}';
  expect(await read(`${pretty}\n`)).toEqual([pretty]);
  expect(await read('{"a":1}')).toEqual(['{"a":1}']);
});

test('each element of an array is an event', async () => {
  expect(await read('[{"a":1}, {"b":2}]')).toEqual(['{"a":1}', '{"b":2}']);
  expect(await read('[\n  {"a":1},\n  3\n]')).toEqual(['{"a":1}', '3']);
  expect(await read('[]')).toEqual([]);
});

test('each line that is JSON is an event; blank lines, carriage returns and a byte order mark are passed over', async () => {
  expect(await read('\uFEFF{"a":1}\r\n\r\n  {"b":2}\n[3]\n')).toEqual(['{"a":1}', '{"b":2}', '[3]']);
});

test('a line or paragraph separator within a text ends no event', async () => {
  const lines = ['{"a":"one\u2028text"}', '{"a":"another\u2029one"}'];
  expect(await read(lines.join('\n'))).toEqual(lines);
  expect(await read(`[\n${lines.join(',\n')}\n]`)).toEqual(lines);
});

test('any documents, one per line, come back as they are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.json(), { minLength: 2, maxLength: 20 }), async (documents) => {
      const lines = documents.map((each) => JSON.stringify(JSON.parse(each)));
      expect(await read(lines.join('\n'))).toEqual(lines);
    }),
  );
});

test('what is not JSON is refused with its line, and without its text', async () => {
  const late = await failure('{"a":1}\n\n{"secret": tru}\n{"b":2}');
  expect(late.exitCode).toBe(2);
  expect(late.message).toContain('line 3');
  expect(late.message).not.toContain('secret');
  expect((await failure('{\n "a": 1,\n "b": x\n}')).message).toContain('line 3');
  expect((await failure('\n\n{\n\n "a": x }')).message).toContain('line 5');
  expect((await failure('not json')).message).toContain('line 1');
});

test('nothing is no event', async () => {
  expect(await read('')).toEqual([]);
  expect(await read('\n \n')).toEqual([]);
});

test('a file that is not there, or is a folder, is wrong usage', async () => {
  const folder = import.meta.dirname;
  await expect(openFile('nowhere/events.json', { folder })).rejects.toMatchObject({ exitCode: 2 });
  await expect(openFile('.', { folder })).rejects.toMatchObject({ exitCode: 2 });
});

test('a text is found to be JSON exactly when the parser takes it', () => {
  const broken = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom(',', '}', '[', '"', 'x', '0', ':', '\n'))
    .map(([text, place, inserted]) => text.slice(0, place % text.length) + inserted + text.slice(place % text.length));
  fc.assert(
    fc.property(fc.oneof(fc.json(), broken, fc.string()), (text) => {
      expect(lineOfJsonMistake(text) === undefined).toBe(isJson(text));
    }),
    { numRuns: 2000 },
  );
  expect(lineOfJsonMistake('{\n"a": [1,\n2,]\n}')).toBe(3);
  expect(lineOfJsonMistake('{\n"a": 1\n')).toBe(3);
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
