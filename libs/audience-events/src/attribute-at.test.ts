import { expect, test } from 'vitest';
import { attributeAt, isNestedTooDeep } from './attribute-at.ts';
import type { JsonValue } from './profile-export.ts';
import type { JsonObject } from './profile-export.ts';

const body = JSON.parse(`{
  "person": { "name": { "firstName": "Ada", "middleName": null } },
  "_tenant": { "loyalty": { "points": 0, "isGold": false } },
  "tags": ["first"],
  "__proto__": { "polluted": "own" }
}`) as JsonObject;

test.for([
  [['person', 'name', 'firstName'], 'Ada'],
  [['person', 'name', 'middleName'], null],
  [['person', 'name'], { firstName: 'Ada', middleName: null }],
  [['_tenant', 'loyalty', 'points'], 0],
  [['_tenant', 'loyalty', 'isGold'], false],
  [['tags'], ['first']],
  [['__proto__', 'polluted'], 'own'],
] as const)('%j leads to %j', ([path, expected]) => {
  expect(attributeAt(body, path)).toEqual(expected);
});

test.for([
  [['person', 'name', 'lastName']],
  [['person', 'name', 'firstName', 'length']],
  [['person', 'name', 'middleName', 'anything']],
  [['tags', '0']],
  [['tags', 'length']],
  [['constructor']],
  [['toString', 'name']],
  [['person', '__proto__']],
  [['person', 'constructor', 'name']],
] as const)('%j leads nowhere', ([path]) => {
  expect(attributeAt(body, path)).toBeUndefined();
});

test('the empty path is the object itself', () => {
  expect(attributeAt(body, [])).toBe(body);
});

test.each([
  ['[', ']'],
  ['{"a":', '}'],
  ['[0,{"a":null,"b":', '}]'],
])('an attribute of %s%s may be nested 100 levels deep and no deeper', (open, close) => {
  const perRound = (open + close).match(/[[{]/g)?.length ?? 1;
  const nested = (rounds: number): string => `${open.repeat(rounds)}1${close.repeat(rounds)}`;
  expect(isNestedTooDeep(JSON.parse(nested(100 / perRound)) as JsonValue)).toBe(false);
  expect(isNestedTooDeep(JSON.parse(`[${nested(100 / perRound)}]`) as JsonValue)).toBe(true);
  expect(isNestedTooDeep(JSON.parse(nested(100_000)) as JsonValue)).toBe(true);
});
