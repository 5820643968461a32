import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { destinationDefinitions } from './registry.ts';

test('every folder holds a destination of its name, its settings, its test and its README', () => {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual([...destinationDefinitions.keys()].sort());
  for (const { name } of folders) {
    const files = readdirSync(`${import.meta.dirname}/${name}`);
    expect(files).toEqual(
      expect.arrayContaining(['destination.ts', 'settings.ts', 'destination.test.ts', 'README.md']),
    );
  }
});

test.each([...destinationDefinitions])(
  '%s is registered under its type and describes each of its settings',
  (type, definition) => {
    expect(definition.type).toBe(type);
    const { properties = {} } = z.toJSONSchema(definition.settings, { io: 'input' });
    for (const [name, setting] of Object.entries(properties)) {
      expect(setting, name).toHaveProperty('description');
    }
  },
);
