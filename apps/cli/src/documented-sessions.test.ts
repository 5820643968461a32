import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { capturedTerminal } from '../testing/captured-terminal.ts';
import { commandsOf, documents, root, wordsOf, type DocumentedCommand } from '../testing/documents.ts';
import { startActivation, type RunningActivation } from '../testing/run-activation.ts';
import { run } from './main.ts';

const all = documents();
const readme = all.find(({ path }) => path === 'README.md')?.text ?? '';

/** Documents whose commands are run in their order, on one machine that was started for the document. */
const sessions = ['README.md', 'apps/cli/README.md', 'docs/operating/deploy.md'];

/** What of them is not run here, and why. */
const leftOut: readonly { readonly is: RegExp; readonly because: string }[] = [
  {
    is: /^activation local /,
    because: 'runs until it is ended: it is started for the document, and local.test.ts runs it',
  },
  { is: /^activation local$/, because: 'runs until it is ended: local.test.ts runs it' },
  { is: /^activation event-hubs /, because: 'runs until it is ended: the suite of the emulator runs it' },
  { is: /--environment|^activation azure /, because: 'needs a stack in Azure, or a subscription: azure/*.test.ts' },
  { is: /^activation aep /, because: "needs Adobe's side: aep/*.test.ts run it against the stand-in" },
  { is: /^activation (resync|retire) /, because: 'calls the third party itself: files-change.test.ts runs it' },
  { is: /^activation plan /, because: 'shows a file that has changed: files-change.test.ts runs it' },
  { is: /^activation dead-letters /, because: 'shows what a destination refused: operator.test.ts runs it' },
];

const bare = (line: string): string => line.replace(/^npx /, '');
const isShown = ({ line, isInline }: DocumentedCommand): boolean => !isInline && bare(line).startsWith('activation');
/** A story of refusals, which no stand-in gives at will. */
const isIllustration = ({ output }: DocumentedCommand): boolean => output.some((line) => line.includes('throttled:'));

let folder: string;
const running: RunningActivation[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'activation-documents-'));
  for (const each of ['apps', 'libs']) await symlink(join(root, each), join(folder, each), 'junction');
  const [, file = ''] = /```yaml\n(.*?)```/s.exec(readme) ?? [];
  for (const name of ['my.yaml', 'my-activations.yaml']) await writeFile(join(folder, name), file);
});

afterAll(async () => {
  await Promise.all(running.map((each) => each.end('SIGKILL')));
  await rm(folder, { recursive: true, force: true });
});

/** The expression for what a document says is printed: `…` stands for anything, a line of it for any lines, a time for any time. */
function expected(output: readonly string[]): RegExp {
  const lines = output.join('\n').trimEnd().split('\n');
  const patterns = lines.map((line) => (line.trim() === '…' ? '(?:.*\\n)*?' : `${patternOf(line)}\\s*?(?:\\n|$)`));
  return new RegExp(`^${patterns.join('')}$`);
}

const time = '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z';

function patternOf(line: string): string {
  return line
    .split(new RegExp(`(${time}|…|\\s+|\\d+\\.\\d s|"latencyMs":\\d+|by \\w+:)`))
    .map((part) => {
      if (new RegExp(`^${time}$`).test(part)) return time;
      if (part === '…') return '.*';
      if (/^\s+$/.test(part)) return '\\s+';
      if (/^\d+\.\d s$/.test(part)) return '\\d+\\.\\d s';
      if (part.startsWith('"latencyMs":')) return '"latencyMs":\\d+';
      if (/^by \w+:$/.test(part)) return 'by \\S+:';
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

async function startMachine(): Promise<{ local: RunningActivation; environment: Readonly<Record<string, string>> }> {
  const words = ['--vendor', '--no-simulator', '--no-console', '--event-hubs-port', '0', '--storage-port', '0'];
  const local = startActivation(['local', '--activations', 'my.yaml', ...words], { folder });
  running.push(local);
  const { eventHubsConnectionString, storageConnectionString } = await local.event('ready');
  const environment = {
    EVENT_HUB_CONNECTION_STRING: String(eventHubsConnectionString),
    DATA_STORAGE_CONNECTION_STRING: String(storageConnectionString),
  };
  return { local, environment };
}

/** Waits until the machine has settled so many events in all. */
async function settled(local: RunningActivation, events: number): Promise<void> {
  const sum = (): number =>
    local.events.reduce((total, each) => total + (each.event === 'batch-settled' ? Number(each.events) : 0), 0);
  while (sum() < events) await local.next();
}

test.each(sessions)('what %s shows is what its commands print', { timeout: 240_000 }, async (path) => {
  const document = all.find((each) => each.path === path) ?? { path, text: '' };
  const shown = commandsOf(document).filter(isShown);
  const toRun = shown.filter((each) => !isIllustration(each) && !leftOut.some(({ is }) => is.test(bare(each.line))));
  expect(toRun).not.toEqual([]);
  const { local, environment } = await startMachine();
  let sent = 0;
  for (const { place, line, output } of toRun) {
    // From a folder outside of the repository, which the documents are not, the command has no shorter name.
    const printed = (await printedBy(line, environment)).replaceAll(/\bnode \S*activation\.js\b/g, 'npx activation');
    sent += Number(/^Sent (\d+) /.exec(printed)?.[1] ?? 0);
    await settled(local, sent);
    expect(`${printed}\n`, `${place}: ${line}`).toMatch(expected(output.length === 0 ? ['…'] : output));
  }
  expect(await local.end('SIGTERM')).toBe(0);
});

test('nothing is left out that is not there', () => {
  const lines = all
    .filter(({ path }) => sessions.includes(path))
    .flatMap(commandsOf)
    .filter(isShown);
  for (const { is, because } of leftOut)
    expect(
      lines.some(({ line }) => is.test(bare(line))),
      because,
    ).toBe(true);
});

test('control: another output is found to be another', () => {
  expect('Sent 1 event to exports.\n').toMatch(expected(['Sent 1 event to exports.']));
  expect('Sent 2 events to exports.\n').not.toMatch(expected(['Sent 1 event to exports.']));
  expect('a\nb\nc\nd\n').toMatch(expected(['a', '…', 'd']));
  expect('a\nb\nc\nd\n').not.toMatch(expected(['a', '…', 'c']));
  expect('At 2026-01-31T12:00:00.000Z.\n').toMatch(expected(['At 2026-11-29T18:00:00Z.']));
});
