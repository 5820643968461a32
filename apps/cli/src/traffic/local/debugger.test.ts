import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join, matchesGlob, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { connectDebugger, type InspectorEvent } from '../../../testing/debugger-client.ts';
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

interface MappedScript {
  readonly url: string;
  readonly map: SourceMapPayload;
  /** Absolute paths of the sources of the map, as the map has them. */
  readonly sources: readonly string[];
}

/** The first script, of those that come, whose source map has decide.ts among its sources. */
async function scriptOfSource(parsed: AsyncIterable<InspectorEvent>): Promise<MappedScript> {
  for await (const { url, sourceMapURL } of parsed) {
    if (sourceMapURL === '' || !String(url).startsWith('file:')) continue;
    const mapFile = fileURLToPath(new URL(String(sourceMapURL), String(url)));
    if (!existsSync(mapFile)) continue;
    const map = JSON.parse(await readFile(mapFile, 'utf8')) as SourceMapPayload;
    // Of a map that does not say it, the folder of the map.
    const folder = resolve(dirname(mapFile), map.sourceRoot);
    const sources = map.sources.map((each) => resolve(folder, each));
    if (sources.includes(source)) return { url: String(url), map, sources };
  }
  throw new Error('The connection ended before the process loaded decide.ts.');
}

/** Where in the script this line of decide.ts begins; lines and columns from 0. */
async function placeIn({ url, map, sources }: MappedScript, line: number) {
  const entries = new SourceMap(map);
  const lines = (await readFile(new URL(url), 'utf8')).split('\n');
  for (const [lineNumber, text] of lines.entries()) {
    for (let columnNumber = 0; columnNumber < text.length; columnNumber += 1) {
      const entry = entries.findEntry(lineNumber, columnNumber);
      if (!('originalSource' in entry) || entry.originalLine !== line) continue;
      if (sources[map.sources.indexOf(entry.originalSource)] === source) return { lineNumber, columnNumber };
    }
  }
  throw new Error(`Line ${line + 1} of decide.ts is not in ${url}.`);
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
    // The handler loads the code that decides after its start: this script may come late.
    const script = await scriptOfSource(client.each('Debugger.scriptParsed'));
    expect(takesSourceMap(script.url, configuration), script.url).toBe(true);
    const place = await placeIn(script, line);
    const { breakpointId } = await client.call('Debugger.setBreakpointByUrl', { url: script.url, ...place });

    const { callFrames, hitBreakpoints } = await client.event('Debugger.paused');
    expect(hitBreakpoints).toEqual([breakpointId]);
    const [frame] = callFrames as { functionName: string }[];
    expect(frame?.functionName).toBe('decide');
    await client.call('Debugger.removeBreakpoint', { breakpointId });
    await client.call('Debugger.resume');
    client.close();
    expect(await local.end('SIGTERM')).toBe(0);
    expect(existsSync(dirname(fileURLToPath(script.url)))).toBe(false);
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
