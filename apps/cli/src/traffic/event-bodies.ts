import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CommandError } from '../terminal/command-error.ts';
import { fileFailure } from '../terminal/file-failure.ts';
import { linesOf } from '../terminal/lines-of.ts';
import { lineOfJsonMistake } from './json-mistake.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** A JSON document that is not one per line must fit into memory; lines may be without end. */
const documentCharactersMax = 256 * 1024 * 1024;

/**
 * Opens a file, by its path from the terminal's folder, for reading. Throws `CommandError` (2) when
 * it cannot be read.
 */
export async function openFile(name: string, { folder }: Pick<Terminal, 'folder'>): Promise<NodeJS.ReadableStream> {
  const path = resolve(folder, name);
  try {
    if ((await stat(path)).isDirectory()) throw Object.assign(new Error('It is a folder.'), { code: 'EISDIR' });
    const stream = createReadStream(path);
    await new Promise((resolve, reject) => stream.once('open', resolve).once('error', reject));
    return stream;
  } catch (error) {
    throw fileFailure('read', name, error);
  }
}

/**
 * Reads events: one JSON document, an array of them (each element is an event), or one document per
 * line. Lines and a single document come byte for byte. Throws `CommandError` (2), which names
 * the line and never its text, where something is not JSON.
 */
export async function* readEventBodies(input: NodeJS.ReadableStream, name: string): AsyncGenerator<Buffer> {
  const lines = linesOf(input);
  const begun = await readUntilSecond(lines);
  const filled = begun.filter((line) => line.trim() !== '');
  const [first] = filled;
  if (first === undefined) return;
  if (filled.length === 1 || parse(first) === undefined) {
    yield* documentBodies(await restOf(begun, lines, name), name);
    return;
  }
  for (const line of filled.slice(0, -1)) yield Buffer.from(line.trim());
  let text = begun.at(-1) ?? '';
  let number = begun.length;
  for (;;) {
    if (text.trim() !== '') {
      if (parse(text) === undefined) throw notJson(name, number);
      yield Buffer.from(text.trim());
    }
    const next = await lines.next();
    if (next.done) return;
    text = next.value;
    number += 1;
  }
}

/** The lines up to and with the second that is not blank. */
async function readUntilSecond(lines: AsyncIterator<string>): Promise<readonly string[]> {
  const begun: string[] = [];
  let filled = 0;
  while (filled < 2) {
    const next = await lines.next();
    if (next.done) break;
    begun.push(begun.length === 0 ? next.value.replace(/^\uFEFF/, '') : next.value);
    if (next.value.trim() !== '') filled += 1;
  }
  return begun;
}

async function restOf(begun: readonly string[], lines: AsyncIterator<string>, name: string): Promise<string> {
  const texts = [...begun];
  let length = 0;
  for (let next = await lines.next(); !next.done; next = await lines.next()) {
    length += next.value.length;
    if (length > documentCharactersMax) {
      throw new CommandError(
        2,
        `Failed to read ${name}: a document of this size must have one event per line (NDJSON).`,
      );
    }
    texts.push(next.value);
  }
  return texts.join('\n');
}

function* documentBodies(text: string, name: string): Generator<Buffer> {
  const parsed = parse(text);
  if (parsed === undefined) throw notJson(name, lineOfJsonMistake(text) ?? 1);
  if (Array.isArray(parsed.value)) for (const element of parsed.value) yield Buffer.from(JSON.stringify(element));
  else yield Buffer.from(text.trim());
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    // The parser's message quotes the text, which may be personal data.
    return undefined;
  }
}

function notJson(name: string, line: number): CommandError {
  return new CommandError(
    2,
    `Failed to read ${name}: line ${line} is not JSON. Give one JSON document, an array, or one document per line.`,
    { details: { file: name, line } },
  );
}
