import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { activationFileJsonSchema } from '@activation-hub/activation-file';
import { Ajv } from 'ajv';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { definitions, everyDestination } from '../../testing/every-destination.ts';

const published = fileURLToPath(new URL('../../schema/activation-file.schema.json', import.meta.url));
const schema = activationFileJsonSchema(definitions);
const matches = new Ajv({ strict: true, allowUnionTypes: true, validateFormats: false }).compile(schema);

test('the schema that editors read is the one of all destinations that there are; `vitest -u` writes it', async () => {
  const text = await format(JSON.stringify(schema), { ...(await resolveConfig(published)), parser: 'json' });
  expect(readFileSync(published, 'utf8')).not.toBe('');
  await expect(text).toMatchFileSnapshot(published);
});

test('a file with every kind of destination matches it', () => {
  expect(matches(everyDestination()), JSON.stringify(matches.errors)).toBe(true);
});

/**
 * What an editor offers under `settings` of a destination of this type: the keys of the one variant
 * with that type.
 */
function settingsOffered(type: string): readonly string[] {
  const { properties } = schema as {
    properties: {
      destinations: {
        additionalProperties: {
          oneOf: { properties: { type: { const: string }; settings?: { properties?: object } } }[];
        };
      };
    };
  };
  const variants = properties.destinations.additionalProperties.oneOf.filter(
    (each) => each.properties.type.const === type,
  );
  expect(variants).toHaveLength(1);
  return Object.keys(variants[0]?.properties.settings?.properties ?? {});
}

test('settings are offered by type', () => {
  expect(settingsOffered('webhook')).toEqual(expect.arrayContaining(['url', 'signingSecret', 'body']));
  expect(settingsOffered('webhook')).not.toContain('accessToken');
  expect(settingsOffered('hubspot')).toContain('accessToken');
  expect(settingsOffered('hubspot')).not.toContain('url');
});

test.each(['webhook', 'hubspot'])('a setting of another kind is marked under a %s', (type) => {
  const file = everyDestination() as { destinations: Record<string, { settings: Record<string, unknown> }> };
  Object.assign(file.destinations[type]?.settings ?? {}, { adAccountId: '1234567890' });
  expect(matches(file)).toBe(false);
});

test('VS Code reads this schema for every activation file of the repository', () => {
  const root = new URL('../../../../', import.meta.url);
  const { 'yaml.schemas': schemas } = JSON.parse(readFileSync(new URL('.vscode/settings.json', root), 'utf8')) as {
    'yaml.schemas': Record<string, readonly string[]>;
  };
  const [[path, globs] = ['', []]] = Object.entries(schemas);
  expect(fileURLToPath(new URL(path, root))).toBe(published);
  expect(globs).toContain('apps/handler/activations/*.yaml');
});
