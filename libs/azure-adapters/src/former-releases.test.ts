import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exampleDeadLetter, exampleRetry } from '@activation-hub/delivery/testing';
import { exampleKey, exampleRecord } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { readDeadLetter, writeDeadLetter } from './dead-letter-document.ts';
import { toEntity, toKey, toRow } from './ledger-entity.ts';
import { readRetry, writeRetry } from './retry-document.ts';

/** What each release wrote, and what was read of it, by version. */
const fixtures = join(import.meta.dirname, '..', 'fixtures', 'releases');
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')) as {
  version: string;
};

const written: Readonly<Record<string, () => string>> = {
  'retry.jsonl': () =>
    Buffer.concat([...writeRetry({ retry: exampleRetry({ id: 'retry' }), dueAtMs: 1_800_000_000_000 })]).toString(),
  'dead-letter.json': () => writeDeadLetter(exampleDeadLetter()).toString(),
  'ledger-row.json': () => asText(toEntity(exampleKey(1), exampleRecord({ history: 'a' }), 'write')),
};

/** What the program of today finds in a file of a release. */
const read: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  'retry.jsonl': (bytes) => readRetry(bytes, 'retry.jsonl'),
  'dead-letter.json': (bytes) => readDeadLetter(bytes, 'letter'),
  'ledger-row.json': (bytes) => {
    const entity = JSON.parse(bytes.toString(), (_name, value: unknown) => columnOf(value)) as Record<string, unknown>;
    return { key: toKey({ ...entity, etag: 'a' }), row: toRow({ ...entity, etag: 'a' }) };
  },
};

/** JSON, with bytes as base64, and dates and large integers as such. */
function asText(value: unknown): string {
  const plain = (item: unknown): unknown => {
    if (item instanceof Uint8Array) return { base64: Buffer.from(item).toString('base64') };
    if (item instanceof Date) return { date: item.toISOString() };
    if (typeof item === 'bigint') return { integer: item.toString() };
    if (Array.isArray(item)) return item.map(plain);
    if (typeof item !== 'object' || item === null) return item;
    return Object.fromEntries(Object.entries(item).map(([name, inner]) => [name, plain(inner)]));
  };
  return `${JSON.stringify(plain(value), undefined, 2)}\n`;
}

function columnOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('date' in value) return new Date(String(value.date));
  return 'integer' in value ? BigInt(String(value.integer)) : value;
}

test.each(Object.entries(written))(
  'what this version writes as %s is kept for the versions to come',
  async (file, write) => {
    await expect(write()).toMatchFileSnapshot(join(fixtures, version, file));
  },
);

const kept = readdirSync(fixtures).flatMap((release) => Object.keys(read).map((file) => [release, file] as const));

test.each(kept)('what %s wrote as %s says today what it said then', async (release, file) => {
  const found = read[file]?.(readFileSync(join(fixtures, release, file)));
  await expect(asText(found)).toMatchFileSnapshot(join(fixtures, release, `${file}.read`));
});

test('there is a document of every release so far', () => {
  expect(readdirSync(fixtures)).toContain('0.1.0');
});
