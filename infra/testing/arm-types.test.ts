import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { armTypesFolder, type ArmType } from './arm-types.ts';
import { trimArmTypes, typesText, usedTypes } from './trim-arm-types.ts';

const kept = (file: string): string => readFileSync(join(armTypesFolder, file), 'utf8');
const typesIn = (file: string): readonly ArmType[] => JSON.parse(kept(file)) as readonly ArmType[];

test('the files that are kept are those whose types are used', () => {
  const files = readdirSync(armTypesFolder).filter((file) => file.endsWith('.json'));
  expect(files.toSorted()).toEqual([...usedTypes().keys()]);
});

test.each([...usedTypes()])('%s holds what is used of it and nothing else', (file, resources) => {
  expect(typesText(trimArmTypes(typesIn(file), resources))).toBe(kept(file));
});

test('no text of Azure’s is kept', () => {
  const facts = [
    ...['$ref', '$type', 'additionalProperties', 'baseProperties', 'body', 'discriminator', 'elements', 'flags'],
    ...['itemType', 'maxLength', 'maxValue', 'minLength', 'minValue', 'name', 'pattern', 'properties', 'type', 'value'],
  ];
  const own = [...usedTypes().keys()].flatMap((file) => typesIn(file).flatMap((type) => Object.keys(type)));
  expect([...new Set(own)].filter((key) => !facts.includes(key))).toEqual([]);
});

const source: readonly ArmType[] = [
  { $type: 'StringType', maxLength: 5, description: 'a text' },
  {
    $type: 'ObjectType',
    properties: { mine: { type: { $ref: '#/0' }, flags: 1 }, yours: { type: { $ref: '#/4' }, flags: 2 } },
  },
  { $type: 'ResourceType', name: 'Microsoft.A/b@2024-01-01', body: { $ref: '#/1' } },
  { $type: 'ResourceType', name: 'Microsoft.A/c@2024-01-01', body: { $ref: '#/4' } },
  { $type: 'ArrayType', itemType: { $ref: '#/0' } },
] as readonly ArmType[];

test('a resource is kept with what it refers to, without texts, and without the inside of what only Azure sets', () => {
  const trimmed = trimArmTypes(source, ['Microsoft.A/b']);
  expect(trimmed).toEqual([
    { $type: 'ResourceType', name: 'Microsoft.A/b@2024-01-01', body: { $ref: '#/1' } },
    {
      $type: 'ObjectType',
      properties: { mine: { type: { $ref: '#/2' }, flags: 1 }, yours: { type: { $ref: '#/3' }, flags: 2 } },
    },
    { $type: 'StringType', maxLength: 5 },
    { $type: 'AnyType' },
  ]);
});

test('a resource that is not in the file is named', () => {
  expect(() => trimArmTypes(source, ['Microsoft.A/d'])).toThrow('Microsoft.A/d is not in the file');
});
