import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { capturedTerminal } from '../../testing/captured-terminal.ts';
import { commandsOf, documents, root, wordsOf, type DocumentedCommand } from '../../testing/documents.ts';
import { settled, startActivation, type RunningActivation } from '../../testing/run-activation.ts';
import { run } from '../main.ts';

const all = documents();
const readme = all.find(({ path }) => path === 'README.md')?.text ?? '';

/** A document whose commands are run in their order, in a folder of its own. */
interface Session {
  readonly path: string;
  /** With which words a machine is started for it; none is where they are missing. */
  readonly machine?: readonly string[];
  /** The activation file for which Adobe's side is started; absent where no command calls it. */
  readonly adobe?: string;
  /** Sent, or run, before the first command that begins so. */
  readonly before?: Readonly<Record<string, readonly string[]>>;
}

const vendorMachine = ['--activations', 'my.yaml', '--vendor'];
const tutorialFile = 'docs/tutorial/activations.yaml';
const tutorialMachine = ['--activations', tutorialFile];
const [logIn, exit] = ['docs/tutorial/2-log-in.json', 'docs/tutorial/3-exit.json'].map(
  (file) => `activation send ${file}`,
) as [string, string];
const stranger = 'libs/audience-events/fixtures/known-customer.json';
const pauseCrm = `activation pause crm --activations ${tutorialFile} --reason "the CRM is migrated"`;

const sessions: readonly Session[] = [
  { path: 'README.md', machine: vendorMachine },
  { path: 'apps/cli/README.md', machine: vendorMachine },
  { path: 'docs/operating/deploy.md', machine: vendorMachine },
  { path: 'docs/tutorial/README.md', machine: tutorialMachine, adobe: tutorialFile },
  { path: 'docs/how-to/add-a-destination.md' },
  { path: 'docs/how-to/add-an-audience.md', adobe: tutorialFile },
  { path: 'docs/how-to/ask-for-consent.md' },
  { path: 'docs/how-to/fill-a-new-route.md', machine: tutorialMachine, before: { 'activation plan': [logIn] } },
  {
    path: 'docs/how-to/look-before-it-goes-out.md',
    machine: tutorialMachine,
    before: { [`activation shadow crm --activations ${tutorialFile} --look`]: [logIn] },
  },
  { path: 'docs/how-to/own-repository.md' },
  {
    path: 'docs/how-to/pause-now.md',
    machine: tutorialMachine,
    before: { 'activation pause': [logIn], 'activation resume': [exit] },
  },
  {
    path: 'docs/how-to/see-a-person.md',
    machine: tutorialMachine,
    before: { 'activation explain': [logIn, pauseCrm, exit, `activation resume crm --activations ${tutorialFile}`] },
  },
  { path: 'docs/how-to/upgrade.md' },
];

/** What of them is not run here, and why; only in those pages, where there are some. */
const leftOut: readonly { readonly is: RegExp; readonly because: string; readonly in?: RegExp }[] = [
  {
    is: /^activation local /,
    because: 'runs until it is ended: it is started for the document, and local.test.ts runs it',
  },
  { is: /^activation local$/, because: 'runs until it is ended: local.test.ts runs it' },
  { is: /^activation event-hubs /, because: 'runs until it is ended: the suite of the emulator runs it' },
  { is: /--environment|^activation azure /, because: 'needs a stack in Azure, or a subscription: azure/*.test.ts' },
  { is: /^activation aep emulator /, because: 'runs until it is ended: it is started for the document' },
  { is: /^activation destinations probe /, because: 'asks a vendor: destinations/probe.test.ts asks the stand-ins' },
  {
    is: /^activation aep /,
    because: "needs Adobe's side: aep/*.test.ts run it against the stand-in",
    in: /^(README|apps|docs\/operating)/,
  },
  {
    is: /^activation (resync|retire) /,
    because: 'calls the third party itself: files-change.test.ts runs it',
    in: /^(README|apps|docs\/operating)/,
  },
  {
    is: /^activation plan /,
    because: 'shows a file that has changed: files-change.test.ts runs it',
    in: /^(README|apps|docs\/operating)/,
  },
  { is: /^activation dead-letters /, because: 'shows what a destination refused: operator.test.ts runs it' },
];
const isLeftOut = (path: string, line: string): boolean =>
  leftOut.some(({ is, in: pages }) => is.test(bare(line)) && (pages?.test(path) ?? true));

/** The line without variables before it, and without npx. */
const bare = (line: string): string => line.replace(/^(?:[A-Z][A-Z_]+=\S+ )*(?:npx )?/, '');
const isShown = ({ line, isInline }: DocumentedCommand): boolean => !isInline && bare(line).startsWith('activation');
/** A story of refusals, which no stand-in gives at will. */
const isIllustration = ({ output }: DocumentedCommand): boolean => output.some((line) => line.includes('throttled:'));

let folder: string;
let crm: Server;
const running: RunningActivation[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'activation-documents-'));
  for (const each of ['apps', 'libs']) await symlink(join(root, each), join(folder, each), 'junction');
  const [, file = ''] = /```yaml\n(.*?)```/s.exec(readme) ?? [];
  for (const name of ['my.yaml', 'my-activations.yaml']) await writeFile(join(folder, name), file);
  // The receiver of the tutorial, on a port that is free.
  crm = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(204).end());
  });
  crm.listen(0, '127.0.0.1');
  await once(crm, 'listening');
  const url = `http://127.0.0.1:${(crm.address() as AddressInfo).port}`;
  for (const page of ['tutorial', 'how-to']) {
    const from = join(root, 'docs', page);
    await mkdir(join(folder, 'docs', page), { recursive: true });
    for (const name of (await readdir(from)).filter((each) => /\.(json|yaml)$/.test(each))) {
      const text = await readFile(join(from, name), 'utf8');
      await writeFile(join(folder, 'docs', page, name), text.replaceAll('http://localhost:3000', url));
    }
  }
  const two = await readFile(join(folder, 'docs', 'how-to', 'activations.yaml'), 'utf8');
  await writeFile(
    join(folder, 'retired.yaml'),
    two.replace('{ destination: newsletter,', '{ destination: newsletter, mode: retired,'),
  );
});

afterAll(async () => {
  await Promise.all(running.map((each) => each.end('SIGKILL')));
  crm.close();
  await rm(folder, { recursive: true, force: true });
});

/**
 * The expression for what a document says is printed: `…` stands for anything, a line of it for any
 * lines, a time for any time.
 */
function expected(output: readonly string[]): RegExp {
  const lines = output.join('\n').trimEnd().split('\n');
  const patterns = lines.map((line) => (line.trim() === '…' ? '(?:.*\\n)*?' : `${patternOf(line)}\\s*?(?:\\n|$)`));
  return new RegExp(`^${patterns.join('')}$`);
}

const time = '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z';
const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';

function patternOf(line: string): string {
  return line
    .split(new RegExp(`(${time}|…|\\s+|\\d+\\.\\d s|"latencyMs":\\d+|by \\w+:|the dataflow ${uuid})`))
    .map((part) => {
      if (new RegExp(`^${time}$`).test(part)) return time;
      if (part === '…') return '.*';
      if (/^\s+$/.test(part)) return '\\s+';
      if (/^\d+\.\d s$/.test(part)) return '\\d+\\.\\d s';
      if (part.startsWith('"latencyMs":')) return '"latencyMs":\\d+';
      if (/^by \w+:$/.test(part)) return 'by \\S+:';
      if (part.startsWith('the dataflow ')) return `the dataflow ${uuid}`;
      return part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
    })
    .join('');
}

/** Runs a line, pipes included, and gives what it printed and said. */
async function printedBy(line: string, environment: Readonly<Record<string, string>>): Promise<string> {
  let input = '';
  for (const part of line.split(' | ')) {
    const terminal = capturedTerminal({ stdin: Readable.from([input]), environment, folder });
    await run(wordsOf(bare(part)).slice(1), terminal);
    input = [...terminal.printed, ...terminal.said].join('\n');
  }
  return input;
}

const secrets = { ACTIVATION_SECRET_CRM_SIGNING_SECRET: 'whsec_a2tra2tra2tra2tra2tra2tra2tra2tr' };
const freePorts = ['--event-hubs-port', '0', '--storage-port', '0'];

async function startMachine(words: readonly string[]): Promise<RunningActivation> {
  const quiet = ['--no-simulator', '--no-console', ...freePorts];
  const local = startActivation(['local', ...words, ...quiet], { folder, environment: secrets });
  running.push(local);
  await local.event('ready');
  return local;
}

/** Adobe's side with the audiences of a file: what the commands need to find it. */
async function startAdobe(file: string): Promise<Readonly<Record<string, string>>> {
  const ports = ['--port', '0', '--event-hubs-port', '0', '--management-port', '0', '--rate', '0'];
  const adobe = startActivation(['aep', 'emulator', '-a', file, ...ports], { folder, environment: secrets });
  running.push(adobe);
  return (await adobe.event('ready')).variables as Readonly<Record<string, string>>;
}

test.each(sessions)(
  'what $path shows is what its commands print',
  { timeout: 300_000 },
  async ({ path, machine, adobe, before = {} }) => {
    const document = all.find((each) => each.path === path) ?? { path, text: '' };
    const shown = commandsOf(document).filter(isShown);
    const toRun = shown.filter((each) => !isIllustration(each) && !isLeftOut(path, each.line));
    expect(toRun).not.toEqual([]);
    const local = machine === undefined ? undefined : await startMachine(machine);
    const ready = await local?.event('ready');
    const environment = {
      ...secrets,
      ...(adobe === undefined ? {} : await startAdobe(adobe)),
      EVENT_HUB_CONNECTION_STRING: String(ready?.eventHubsConnectionString),
      DATA_STORAGE_CONNECTION_STRING: String(ready?.storageConnectionString),
    };
    let sent = 0;
    // A worker looks for pauses when events come, every few seconds: these are of a person whom no
    // route names.
    const followedPause = async (): Promise<void> => {
      const isFollowed = async (): Promise<boolean> => {
        await runLine(`activation send ${stranger}`);
        return local?.events.some(({ event }) => event === 'destination-paused') ?? true;
      };
      await expect.poll(isFollowed, { interval: 500 }).toBe(true);
    };
    const runLine = async (line: string): Promise<string> => {
      // From a folder outside of the repository, which the documents are not, the command has no
      // shorter name.
      const printed = (await printedBy(line, environment)).replaceAll(/\bnode \S*activation\.js\b/g, 'npx activation');
      sent += Number(/^Sent (\d+) /.exec(printed)?.[1] ?? 0);
      if (local !== undefined) await settled(local, sent);
      if (printed.startsWith('Paused ')) await followedPause();
      return `${printed}\n`;
    };
    const open = new Map(Object.entries(before));
    for (const { place, line, output } of toRun) {
      for (const [beginning, lines] of open) {
        if (!bare(line).startsWith(beginning)) continue;
        open.delete(beginning);
        for (const each of lines) await runLine(each);
      }
      const wanted = expected(output.length === 0 ? ['…'] : output);
      // A story goes on: a retry may be under way.
      if (bare(line).startsWith('activation explain'))
        await expect.poll(() => runLine(line), { message: `${place}: ${line}` }).toMatch(wanted);
      else expect(await runLine(line), `${place}: ${line}`).toMatch(wanted);
    }
    expect([...open.keys()], 'no command begins so').toEqual([]);
    expect((await local?.end('SIGTERM')) ?? 0).toBe(0);
  },
);

test('every page of the tutorial and of how-to that shows a command of ours is run', () => {
  const pages = all.filter(({ path }) => /^docs\/(tutorial|how-to)\//.test(path));
  const showing = pages.filter((page) => commandsOf(page).some(isShown)).map(({ path }) => path);
  expect(showing.filter((path) => !sessions.some((session) => session.path === path))).toEqual([]);
});

test('nothing is left out that is not there', () => {
  const ofSessions = all.filter(({ path }) => sessions.some((session) => session.path === path));
  for (const { is, because, in: pages } of leftOut) {
    const lines = ofSessions.filter(({ path }) => pages?.test(path) ?? true).flatMap(commandsOf);
    expect(
      lines.some((command) => isShown(command) && is.test(bare(command.line))),
      because,
    ).toBe(true);
  }
});

test('control: another output is found to be another', () => {
  expect('Sent 1 event to exports.\n').toMatch(expected(['Sent 1 event to exports.']));
  expect('Sent 2 events to exports.\n').not.toMatch(expected(['Sent 1 event to exports.']));
  expect('a\nb\nc\nd\n').toMatch(expected(['a', '…', 'd']));
  expect('a\nb\nc\nd\n').not.toMatch(expected(['a', '…', 'c']));
  expect('At 2026-01-31T12:00:00.000Z.\n').toMatch(expected(['At 2026-11-29T18:00:00Z.']));
});
