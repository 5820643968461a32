import { existsSync } from 'node:fs';
import { appendFile, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  ActivationFileError,
  parseActivationFile,
  problemLine,
  type ActivationFile,
} from '@activation-hub/activation-file';
import type { DestinationDefinition } from '@activation-hub/destination-kit';
import { destinationTypes } from '@activation-hub/destinations';
import type { Command } from 'commander';
import { CommandError } from '../../terminal/command-error.ts';
import { fileFailure } from '../../terminal/file-failure.ts';
import { definitionOf } from '../destinations/describe.ts';
import { newSigningSecret } from '../../traffic/local/example.ts';
import { quoted } from '../../terminal/quoted.ts';
import { report } from '../../terminal/reporter.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { chooseAudiences } from './choose-audiences.ts';
import { environmentText, newActivationFile, sampleExport } from './new-hub.ts';

interface InitOptions {
  readonly destination?: string;
  readonly audience?: readonly string[];
  readonly force?: true;
  readonly json?: true;
}

const schemaFile = fileURLToPath(new URL('../../../schema/activation-file.schema.json', import.meta.url));
const receiverFile = fileURLToPath(new URL('../../../examples/receiver.mjs', import.meta.url));
const commandFile = fileURLToPath(new URL('../../../bin/activation.js', import.meta.url));
/** How long before now the person of the sample entered; they leave now. */
const memberForMs = 60_000;

export function addInitCommand(program: Command, terminal: Terminal): void {
  program
    .command('init')
    .summary('writes an activation file of your own')
    .description(
      'Writes an activation file for one destination and your audiences, exports of a made-up person who enters and leaves them, the variables of its secrets, and for a webhook a receiver. Asks for what is not given.',
    )
    .argument('[folder]', 'where to write; made when it is missing', '.')
    .option('-d, --destination <type>', `${destinationTypes.join(', ')}, or an installed package`)
    .option(
      '--audience <id>',
      "an audience's id as AEP shows it, or with the AEP_… variables its name; once for each",
      (word: string, before?: readonly string[]) => [...(before ?? []), word],
    )
    .option('--force', 'overwrites what is there')
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
Files: activation.yaml, export-entered.json, export-exited.json, .env.example, and for a webhook receiver.mjs and a .env with a
signing secret of its own. A .gitignore keeps .env out of Git.

Examples:
  $ activation init my-hub
  $ activation init my-hub --destination webhook --audience 0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02
  $ activation init my-hub --destination hubspot --audience "Sports Fans" --audience Newcomers`,
    )
    .action((folder: string, options: InitOptions) => runInit(folder, options, terminal));
}

async function runInit(folder: string, options: InitOptions, terminal: Terminal): Promise<void> {
  const target = resolve(terminal.folder, folder);
  const type = options.destination ?? (await askDestination(terminal));
  const definition = await definitionOf(type);
  refuseToOverwrite(target, folder, type, options);
  const audiences = await chooseAudiences(options.audience ?? [], terminal);
  const text = newActivationFile(type, definition, audiences, schemaAddress(target));
  const file = parsedOf(text, type, definition);
  const files = filesOf(file, text, definition, Date.now());
  await writeFiles(target, folder, files);
  const commands = nextCommands(target, type);
  const names = fileNames(type);
  const place = relative(terminal.folder, target);
  const isWebhook = type === 'webhook';
  report(
    { event: 'initialised', folder: target, files: names, warnings: file.warnings, ...commands },
    () => [
      `Wrote ${names.join(', ')} to ${folder === '.' ? 'this folder' : folder}.`,
      ...file.warnings.map((warning) => `${terminal.colors.yellow('warning')} ${problemLine(warning)}`),
      ...(isWebhook ? [] : ['The settings in activation.yaml are made up: put in your own before you deploy it.']),
      '',
      'Next:',
      ...[...(place === '' ? [] : [`cd ${quoted(place)}`]), ...commands.next].map((line) => `  ${line}`),
      `And in a second terminal, ${isWebhook ? 'the receiver and what AEP would send' : 'what AEP would send'}:`,
      ...commands.besides.map((line) => `  ${line}`),
    ],
    options,
    terminal,
  );
}

async function askDestination({ ask, say }: Terminal): Promise<string> {
  if (ask === undefined) {
    throw new CommandError(
      2,
      `Failed to choose a destination: none is named. Give --destination with one of ${destinationTypes.join(', ')}.`,
    );
  }
  say(`Kinds of destinations: ${destinationTypes.join(', ')}`);
  return (await ask('Which one? (Enter is webhook): ')) || 'webhook';
}

const fileNames = (type: string): readonly string[] => [
  'activation.yaml',
  'export-entered.json',
  'export-exited.json',
  '.env.example',
  ...(type === 'webhook' ? ['receiver.mjs', '.env'] : []),
];

function refuseToOverwrite(target: string, folder: string, type: string, { force }: InitOptions): void {
  const there = force ? [] : fileNames(type).filter((name) => existsSync(join(target, name)));
  if (there.length === 0) return;
  throw new CommandError(
    2,
    `Failed to write to ${folder}: ${there.join(', ')} ${there.length === 1 ? 'is' : 'are'} there already. Choose another folder, or give --force to overwrite.`,
    { details: { there } },
  );
}

/** The text of each file but the receiver, by its name. */
function filesOf(
  file: ActivationFile,
  text: string,
  definition: DestinationDefinition,
  nowMs: number,
): ReadonlyMap<string, string> {
  const isWebhook = definition.type === 'webhook';
  const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;
  const known = isWebhook ? { 'webhook-signing-secret': newSigningSecret() } : {};
  return new Map([
    ['activation.yaml', text],
    ['export-entered.json', json(sampleExport(file, 'realized', nowMs - memberForMs))],
    ['export-exited.json', json(sampleExport(file, 'exited', nowMs))],
    ['.env.example', environmentText(file, definition, {})],
    ...(isWebhook ? [['.env', environmentText(file, definition, known)] as const] : []),
  ]);
}

/**
 * What is wrong with the file is wrong with the ids of --audience, for all else comes from the
 * schemas.
 */
function parsedOf(text: string, type: string, definition: DestinationDefinition): ActivationFile {
  try {
    return parseActivationFile(text, { destinations: new Map([[type, definition]]), fileName: 'activation.yaml' });
  } catch (error) {
    if (!(error instanceof ActivationFileError)) throw error;
    const lines = error.problems.map(({ message }) => message);
    throw new CommandError(2, ['Failed to make an activation file of this:', ...lines].join('\n'), { cause: error });
  }
}

/** Relative where it can be, so that the folder may move with the repository. */
function schemaAddress(target: string): string {
  const path = relative(target, schemaFile);
  return /^[A-Za-z]:|^\\\\/.test(path) ? pathToFileURL(schemaFile).href : path.replaceAll('\\', '/');
}

async function writeFiles(target: string, folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  try {
    await mkdir(target, { recursive: true });
    await ignoreSecrets(join(target, '.gitignore'));
    // A file that is there keeps its rights.
    for (const [name, text] of files) await writeFile(join(target, name), text, name === '.env' ? { mode: 0o600 } : {});
    if (files.has('.env')) await copyFile(receiverFile, join(target, 'receiver.mjs'));
  } catch (error) {
    throw fileFailure('write', folder, error);
  }
}

/** Keeps `.env` out of Git, before it is there; what the file has otherwise stays. */
async function ignoreSecrets(path: string): Promise<void> {
  const kept = existsSync(path) ? await readFile(path, 'utf8') : '';
  if (/^\/?\.env\r?$/m.test(kept)) return;
  await appendFile(path, `${kept === '' || kept.endsWith('\n') ? '' : '\n'}.env\n`);
}

/** What to run next, in the folder: there, and besides in another terminal. */
function nextCommands(
  target: string,
  type: string,
): { readonly next: readonly string[]; readonly besides: readonly string[] } {
  const activation = hasCommand(target) ? 'npx activation' : `node ${relative(target, commandFile)}`;
  const standIn = type === 'webhook' ? '' : ' --vendor';
  return {
    next: [
      `${activation} check activation.yaml`,
      `${activation} inspect export-entered.json --activations activation.yaml`,
      `${activation} local --activations activation.yaml --no-simulator${standIn}`,
    ],
    besides: [
      ...(type === 'webhook' ? ['node --env-file=.env receiver.mjs'] : []),
      `${activation} send export-entered.json`,
      `${activation} send export-exited.json`,
    ],
  };
}

/** Whether npx finds the command from this folder: npm looks in the folders above too. */
function hasCommand(folder: string): boolean {
  if (existsSync(join(folder, 'node_modules', '.bin', 'activation'))) return true;
  return dirname(folder) !== folder && hasCommand(dirname(folder));
}
