import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { hasLanguageHost, makeWorkspace, writeConfiguration, type Workspace } from './engine-workspace.ts';

/** A folder with a pulumi that no test starts, and a workspace for it. */
function emptyWorkspace(...besidePulumi: readonly string[]): {
  readonly pulumi: string;
  readonly workspace: Workspace;
} {
  const folder = mkdtempSync(join(tmpdir(), 'engine-workspace-'));
  mkdirSync(join(folder, 'bin'));
  for (const name of besidePulumi) writeFileSync(join(folder, 'bin', name), '', { mode: 0o755 });
  const pulumi = join(folder, 'bin', 'pulumi');
  const workspace = makeWorkspace(pulumi, { stack: 'dev', variables: { ACTIVATIONS_FOLDER: 'elsewhere' } });
  onTestFinished(() => {
    for (const made of [folder, workspace.folder]) rmSync(made, { recursive: true });
  });
  return { pulumi, workspace };
}

test('the project is the product’s own, with paths that count from anywhere', () => {
  const { workspace } = emptyWorkspace();
  const read = (file: string) => parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const { main, plugins, ...others } = read(join(workspace.folder, 'Pulumi.yaml'));
  expect({ ...others, main: 'main.ts', plugins: expect.anything() as unknown }).toEqual(
    read(join(import.meta.dirname, '..', 'Pulumi.yaml')),
  );
  expect(main).toBe(join(import.meta.dirname, 'programs', 'activations-elsewhere.ts'));
  const { providers } = plugins as { readonly providers: readonly { readonly path: string }[] };
  expect(providers.map(({ path }) => isAbsolute(path))).toEqual([true]);
});

test('a language host that is installed beside Pulumi is not replaced', () => {
  const { pulumi, workspace } = emptyWorkspace('pulumi-language-nodejs');
  expect(hasLanguageHost(pulumi)).toBe(true);
  expect(readdirSync(join(workspace.folder, 'plugins'))).toEqual(['pulumi-resource-azure-native']);
});

test('the commands see nothing of the user’s variables but the PATH and where Node keeps what it compiled', () => {
  const { workspace } = emptyWorkspace();
  const own = ['PATH', 'HOME', 'NO_COLOR', 'NODE_OPTIONS', 'NODE_COMPILE_CACHE', 'ACTIVATIONS_FOLDER'];
  const others = Object.keys(workspace.variables).filter((name) => !own.includes(name));
  expect(others.filter((name) => !name.startsWith('PULUMI_'))).toEqual([]);
  expect(workspace.variables.NODE_COMPILE_CACHE).toBe(process.env.NODE_COMPILE_CACHE);
  expect(workspace.variables.HOME).toBe(join(workspace.folder, 'home'));
});

test('configuration is set on top of what the engine has written, and a date stays text', () => {
  const { workspace } = emptyWorkspace();
  writeFileSync(workspace.configurationFile, 'encryptionsalt: v1:salt\n');
  writeConfiguration(workspace, { budgetStart: '2026-12-01', partitionCount: 2 });
  writeConfiguration(workspace, { partitionCount: 4 });
  expect(readFileSync(workspace.configurationFile, 'utf8')).toBe(
    'encryptionsalt: "v1:salt"\nconfig:\n  activation-hub:budgetStart: "2026-12-01"\n  activation-hub:partitionCount: 4\n',
  );
});
