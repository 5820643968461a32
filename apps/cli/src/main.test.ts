import { execFile } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { runActivation } from '../testing/run-activation.ts';

const example = join(import.meta.dirname, '..', 'examples', 'activation.yaml');

test('no verb shows the help as an error', async () => {
  const { code, output, errors } = await runActivation([]);
  expect(code).toBe(2);
  expect(output).toBe('');
  expect(errors).toContain('Usage: activation');
});

test('with --json a failure is one JSON object on standard error', async () => {
  const { code, errors } = await runActivation(['simulate', '--rate', 'fast', '--json']);
  expect(code).toBe(2);
  expect(JSON.parse(errors)).toMatchObject({ event: 'failed', exitCode: 2 });
});

test('an old Node starts the command again with the pinned one, and passes on its exit code and its output', async () => {
  const old = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.0.0' } });`;
  const nodeOptions = ['--import', `data:text/javascript,${encodeURIComponent(old)}`];
  const wrong = await runActivation(['local', '--bogus'], { nodeOptions });
  expect(wrong.errors).toContain('unknown option --bogus');
  expect(wrong.code).toBe(2);
  const { code, output } = await runActivation(['simulate', '--print', '--count', '2'], { nodeOptions });
  expect(output.trim().split('\n')).toHaveLength(2);
  expect(code).toBe(0);
});

test('check exits with 2 and names file, line and column, as text and as JSON', async () => {
  const folder = await temporaryFolder();
  const good =
    'version: 1\ndestinations:\n  a: { type: log }\naudiences:\n  x:\n    id: 0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02\n    activate: [{ destination: a, identity: email }]\n';
  await writeFile(join(folder, 'good.yaml'), good);
  await writeFile(join(folder, 'bad.yaml'), good.replace('destination: a', 'destination: b'));

  const fine = await runActivation(['check', 'good.yaml'], { folder });
  expect(fine.output).toMatch(/good\.yaml\n.*audience +destination +mode.*\n +x +a +live +email/);
  expect(fine.output).not.toContain('\u001b');
  expect(fine.code).toBe(0);

  const bad = await runActivation(['check', 'good.yaml', 'bad.yaml'], { folder });
  expect(bad.errors).toMatch(/^bad\.yaml:7:\d+: /);
  expect(bad.code).toBe(2);

  const json = await runActivation(['check', 'good.yaml', 'bad.yaml', '--json'], { folder });
  expect(JSON.parse(json.output)).toMatchObject({
    event: 'checked',
    ok: false,
    files: [
      { file: 'good.yaml', problems: [], routes: [{ audience: 'x', destination: 'a' }] },
      { file: 'bad.yaml', problems: [{ line: 7 }] },
    ],
  });
  expect(json.code).toBe(2);

  const none = await runActivation(['check'], { folder });
  expect(none.errors).toContain('Give the path of one');
  expect(none.code).toBe(2);
});

test('check without a file finds those of the handler from a folder below', async () => {
  const root = await temporaryFolder();
  const below = join(root, 'apps', 'cli');
  const activations = join(root, 'apps', 'handler', 'activations');
  await Promise.all([below, activations].map((each) => mkdir(each, { recursive: true })));
  for (const name of ['dev.yaml', 'prod.yaml']) await copyFile(example, join(activations, name));
  const { code, output } = await runActivation(['check', '--json'], { folder: below });
  const { files } = JSON.parse(output) as { files: { file: string }[] };
  expect(files.map(({ file }) => file)).toEqual(
    ['dev.yaml', 'prod.yaml'].map((name) => join('..', 'handler', 'activations', name)),
  );
  expect(code).toBe(0);
});

test('the end of a pipe is the end of the work, and no failure', async () => {
  const command = `"${process.execPath}" "${join(import.meta.dirname, '..', 'bin', 'activation.js')}" simulate --print`;
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', `(${command}; echo "exit $?" >&2) | head -n 3`]);
  expect(stdout.trim().split('\n')).toHaveLength(3);
  expect(stderr).toBe('exit 0\n');
});

test('what simulate prints is the same every time, and inspect reads it and shows requests without secrets', async () => {
  const words = ['simulate', '--print', '--count', '40', '--start-at', '2026-01-31T12:00:00Z'];
  const [first, second] = await Promise.all([runActivation(words), runActivation(words)]);
  expect(first.output).toBe(second.output);
  const [event = ''] = first.output.split('\n');

  const json = await runActivation(['inspect', '-', '-a', example, '--json'], { input: event });
  expect(json.code).toBe(0);
  const inspected = JSON.parse(json.output) as {
    decisions: object[];
    requests: { headers: Record<string, string>; body: string }[];
  };
  expect(inspected.decisions.length).toBeGreaterThan(0);
  expect(inspected.requests[0]?.headers['webhook-signature']).toBe('[secret]');
  expect(JSON.parse(inspected.requests[0]?.body ?? '')).toMatchObject({
    type: 'audience.changes',
    data: [{ change: 'entered' }],
  });

  const prose = await runActivation(['inspect', '-', '-a', example], { input: event });
  for (const stage of ['1 read', '2 route', '3 resolve', '4 decide', '5 tell']) expect(prose.output).toContain(stage);
  expect(prose.code).toBe(0);
});

test('inspect of what is no export says why and exits with 2', async () => {
  const { code, output, errors } = await runActivation(['inspect', '-', '-a', example], {
    input: '{"hello": "world"}',
  });
  expect(output).toContain('not-an-export');
  expect(errors).toContain('dead letter');
  expect(code).toBe(2);
});

test('what Node compiles of the command is kept in the repository, or where the environment says', async () => {
  const folder = await temporaryFolder();
  const say = `import { getCompileCacheDir } from 'node:module'; process.on('exit', () => console.error(getCompileCacheDir(), process.env.NODE_COMPILE_CACHE));`;
  const nodeOptions = ['--import', `data:text/javascript,${encodeURIComponent(say)}`];
  const own = await runActivation(['--help'], { nodeOptions, environment: { NODE_COMPILE_CACHE: undefined } });
  const kept = join(import.meta.dirname, '..', '..', '..', 'node_modules', '.cache', 'compiled');
  expect(own.errors).toContain(join(kept, process.version));
  expect(own.errors.trim().endsWith(kept)).toBe(true);
  const elsewhere = await runActivation(['--help'], { nodeOptions, environment: { NODE_COMPILE_CACHE: folder } });
  expect(elsewhere.errors).toContain(join(folder, process.version));
});
