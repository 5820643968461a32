import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, 'aep-plugin');

test('the plugin can be started where Pulumi looks for its bare name, and on Windows, where it looks for .exe and .cmd', () => {
  expect(readdirSync(folder).sort()).toEqual(['pulumi-resource-aep', 'pulumi-resource-aep.cmd']);
  const script = readFileSync(join(folder, 'pulumi-resource-aep.cmd'), 'utf8');
  expect(script.split('\r\n').at(-2)).toBe('node "%~dp0pulumi-resource-aep" %*');
});
