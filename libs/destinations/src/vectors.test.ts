import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formField, type PersonalField } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { pinterestProfile } from './pinterest/takes.ts';
import { tiktokFields } from './tiktok/takes.ts';

/** The fields that a connector forms itself; those of Google, of Meta and in plain are of the kit, which has their vectors. */
const profiles: Readonly<Record<string, Readonly<Record<string, PersonalField>>>> = {
  pinterest: pinterestProfile,
  tiktok: tiktokFields,
};

/** One line of a file of vectors: what a value becomes, and where that is published. */
interface Vector {
  readonly field: string;
  readonly value: string;
  /** Published as a hash. */
  readonly hash?: string;
  /** Published as a text, of which the hash is sent. */
  readonly hashOf?: string;
  readonly plain?: string;
  readonly refused?: true;
  readonly source: string;
}

const fileOf = (type: string): string => join(import.meta.dirname, type, 'vectors.json');
const vectorsOf = (type: string): readonly Vector[] => JSON.parse(readFileSync(fileOf(type), 'utf8')) as Vector[];
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

test('every file of vectors is looked at here', () => {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const withVectors = folders.filter(({ name }) => existsSync(fileOf(name)));
  expect(withVectors.map(({ name }) => name).sort()).toEqual(Object.keys(profiles).sort());
});

const vectors = Object.entries(profiles).flatMap(([type, profile]) =>
  vectorsOf(type).map((vector) => ({ type, ...vector, of: profile[vector.field] })),
);

test.each(vectors)('$type: $field, $value becomes what is published', (vector) => {
  const { of, value, hash, hashOf, plain, refused, source } = vector;
  expect(source).toMatch(/^[a-z.]+\.com\//);
  const form = of && formField(of, value);
  if (refused) expect(form).toMatchObject({ status: 'refused' });
  else expect(form).toEqual({ status: 'formed', value: hash ?? plain ?? sha256(hashOf ?? '') });
});

test.each(Object.entries(profiles))('every field of %s has a vector', (type, profile) => {
  expect(new Set(vectorsOf(type).map(({ field }) => field))).toEqual(new Set(Object.keys(profile)));
});
