import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join, matchesGlob, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { connectDebugger } from '../../../testing/debugger-client.ts';
import { runActivation, startActivation, type RunningActivation } from '../../../testing/run-activation.ts';

const root = fileURLToPath(new URL('../../../../..', import.meta.url));
const source = join(root, 'libs', 'membership', 'src', 'decide.ts');
const freePorts = ['--event-hubs-port', '0', '--storage-port', '0', '--no-console'];

interface LaunchConfiguration {
  readonly request: 'launch' | 'attach';
  readonly args?: readonly string[];
  readonly port?: number;
  readonly outFiles: readonly string[];
}

const { configurations } = JSON.parse(await readFile(join(root, '.vscode', 'launch.json'), 'utf8')) as {
  configurations: readonly LaunchConfiguration[];
};

const running: RunningActivation[] = [];
afterAll(async () => {
  await Promise.all(running.map((each) => each.end('SIGKILL')));
});

/**
 * VS Code's rule, of its page "Node.js debugging": `resolveSourceMapLocations` says of which
 * scripts source maps are used, and is `outFiles` where it is not given.
 */
function takesSourceMap(url: string, { outFiles }: LaunchConfiguration): boolean {
  if (!url.startsWith('file:')) return false;
  return outFiles.some((pattern) =>
    matchesGlob(fileURLToPath(url), pattern.replace('${workspaceFolder}', resolve(root))),
  );
}

/**
 * Where in a script a line of a source begins, as its source map says; lines and columns from 0.
 */
async function placeIn(url: string, sourceMapUrl: string, line: number) {
  const payload = JSON.parse(await readFile(new URL(sourceMapUrl, url), 'utf8')) as SourceMapPayload;
  // Of a map that does not say it, the folder of the map.
  const folder = resolve(dirname(fileURLToPath(new URL(sourceMapUrl, url))), payload.sourceRoot);
  const map = new SourceMap(payload);
  const lines = (await readFile(new URL(url), 'utf8')).split('\n');
  for (const [lineNumber, text] of lines.entries()) {
    for (let columnNumber = 0; columnNumber < text.length; columnNumber += 1) {
      const entry = map.findEntry(lineNumber, columnNumber);
      if (!('originalSource' in entry) || entry.originalLine !== line) continue;
      if (resolve(folder, entry.originalSource) === source) return { lineNumber, columnNumber };
    }
  }
  return undefined;
}

test('F5 starts it with a debugger, and attaches where it listens', () => {
  expect(configurations.map(({ request }) => request)).toEqual(['launch', 'attach']);
  const [launch, attach] = configurations;
  expect(launch?.args).toEqual(['local', '--inspect', String(attach?.port)]);
});

test.each(configurations)(
  'a breakpoint in decide.ts is hit, with the source maps that VS Code takes ($request)',
  { timeout: 300_000 },
  async (configuration) => {
    const lines = (await readFile(source, 'utf8')).split('\n');
    const line = lines.findIndex((text) => /^export function decide\b/.test(text));
    expect(line).toBeGreaterThan(-1);
    const local = startActivation(['local', ...freePorts, '--inspect', '0', '--rate', '20'], {});
    running.push(local);
    const { inspectPorts } = (await local.event('ready')) as unknown as { inspectPorts: number[] };
    expect(inspectPorts).toHaveLength(1);

    const client = await connectDebugger(inspectPorts[0] ?? 0);
    await client.call('Debugger.enable');
    const scripts = client.events.flatMap(({ method, params }) =>
      method === 'Debugger.scriptParsed' && params.sourceMapURL !== '' ? [params] : [],
    );
    const taken = scripts.filter(({ url }) => takesSourceMap(String(url), configuration));
    expect(taken.map(({ url }) => relative(root, fileURLToPath(String(url))))).not.toEqual([]);
    const breakpoints: string[] = [];
    for (const { url, sourceMapURL } of taken) {
      const place = await placeIn(String(url), String(sourceMapURL), line);
      if (place === undefined) continue;
      const { breakpointId } = await client.call('Debugger.setBreakpointByUrl', { url, ...place });
      breakpoints.push(String(breakpointId));
    }
    expect(breakpoints).not.toEqual([]);

    const { callFrames, hitBreakpoints } = await client.event('Debugger.paused');
    expect(breakpoints).toEqual(expect.arrayContaining(hitBreakpoints as string[]));
    const [frame] = callFrames as { functionName: string }[];
    expect(frame?.functionName).toBe('decide');
    for (const breakpointId of breakpoints) await client.call('Debugger.removeBreakpoint', { breakpointId });
    await client.call('Debugger.resume');
    client.close();
    expect(await local.end('SIGTERM')).toBe(0);
    const folders = scripts.map(({ url }) => dirname(fileURLToPath(String(url))));
    expect(folders.filter((folder) => folder.includes('inspected') && existsSync(folder))).toEqual([]);
  },
);

test('a port that is taken is said, instead of a debugger that is not there', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { code, errors } = await runActivation(['local', ...freePorts, '--no-simulator', '--inspect', String(port)]);
  server.close();
  expect(errors).toContain(`the debugger cannot listen, for port ${port} is taken`);
  expect(code).toBe(1);
});
