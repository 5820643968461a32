import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { linesOf } from './lines-of.ts';

const bytesOf = (text: string, size: number): Readable => {
  const bytes = Buffer.from(text);
  return Readable.from(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size)),
  );
};

test.each([1, 2, 3, 100])('lines come as they are, in chunks of %i bytes', async (size) => {
  const lines = ['\u{feff}{"a":"Zoë"}', '', '{"b":"one\u2028text\u2029of\u0085three\vlines"}', '\r in between', 'last'];
  expect(await Array.fromAsync(linesOf(bytesOf(lines.join('\n'), size)))).toEqual(lines);
  expect(await Array.fromAsync(linesOf(bytesOf(`${lines.join('\r\n')}\r\n`, size)))).toEqual(lines);
});

test('a stream of text has lines too, and an empty one has none', async () => {
  expect(await Array.fromAsync(linesOf(Readable.from(['a\nb', 'c\n'])))).toEqual(['a', 'bc']);
  expect(await Array.fromAsync(linesOf(Readable.from([])))).toEqual([]);
  expect(await Array.fromAsync(linesOf(Readable.from(['\n\n'])))).toEqual(['', '']);
});
