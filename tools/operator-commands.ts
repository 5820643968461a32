import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { root } from './repository.ts';
import { readWorkflows } from './workflow.ts';

/**
 * The commands with which a line of an operator's page may begin; what begins otherwise is no
 * command.
 */
const commandNames = ['activation', 'az', 'curl', 'gh', 'git', 'node', 'npm', 'npx', 'pulumi'];

/**
 * The commands of `az` that pages use, with their options, as learn.microsoft.com/cli/azure
 * documents them.
 */
const azCommands: Readonly<Record<string, readonly string[]>> = {
  'account set': ['--subscription'],
  'deployment sub show': ['--name'],
  'eventhubs namespace show': ['--name', '--resource-group'],
  'functionapp list': ['--resource-group'],
  'functionapp keys list': ['--name', '--resource-group'],
  'functionapp restart': ['--ids', '--name', '--resource-group'],
  'functionapp show': ['--ids', '--name', '--resource-group'],
  'functionapp stop': ['--ids', '--name', '--resource-group'],
  'functionapp start': ['--ids', '--name', '--resource-group'],
  'keyvault secret set': ['--vault-name', '--name', '--file', '--value'],
  'lock create': ['--name', '--lock-type', '--resource-group', '--notes'],
  'lock delete': ['--name', '--resource-group'],
  'network vnet subnet show': ['--name', '--vnet-name', '--resource-group'],
  'monitor log-analytics workspace update': ['--resource-group', '--workspace-name', '--quota'],
  'role assignment create': ['--role', '--assignee', '--scope'],
  'storage account failover': ['--name', '--resource-group'],
  'storage blob delete-batch': ['--account-name', '--source', '--auth-mode'],
  'storage blob download': ['--account-name', '--container-name', '--name', '--file', '--auth-mode'],
  'storage blob list': ['--account-name', '--container-name', '--auth-mode', '--prefix'],
  'storage table create': ['--account-name', '--name', '--auth-mode'],
  'storage table delete': ['--account-name', '--name', '--auth-mode'],
  login: [],
};
const azGlobalOptions = ['--query', '--output', '--only-show-errors'];

/**
 * The commands of a page: the lines of its blocks without a language, and what stands between
 * backticks.
 */
export function commandsOf(page: string): readonly string[] {
  const blocks = [...page.matchAll(/^ *```(?:sh|bash)?\n([^]*?)^ *```$/gm)].flatMap(([, block = '']) =>
    block
      .replaceAll('\\\n', ' ')
      .split('\n')
      .map((line) =>
        line
          .trim()
          .replace(/^\$ /, '')
          .replace(/\s+#.*$/, ''),
      ),
  );
  const spans = [...page.replaceAll(/^ *```[^]*?^ *```$/gm, '').matchAll(/`([^`\n]+(?:\n[^`\n]+)?)`/g)].map(
    ([, span = '']) => span.replaceAll('\n', ' '),
  );
  return [...blocks, ...spans].filter((line) => commandNames.includes(line.split(' ')[0] ?? '') && line.includes(' '));
}

/**
 * What is wrong with a command; nothing where it can be run as it stands, its placeholders filled
 * in.
 */
export async function commandFaults(command: string): Promise<readonly string[]> {
  const text = command.replaceAll(/<[^<>]+>/g, 'placeholder');
  const { status, stderr } = spawnSync('bash', ['-n', '-c', text], { encoding: 'utf8' });
  if (status !== 0) return [`bash cannot read it: ${stderr.trim()}`];
  const faults: string[] = [];
  for (const words of simpleCommands(text)) faults.push(...(await wordFaults(words)));
  return faults;
}

/** The commands inside `$(…)` and those of a pipe, each as its words, without quotes. */
function simpleCommands(text: string): readonly (readonly string[])[] {
  const inner: string[] = [];
  const outer = text.replaceAll(/\$\(([^()]*)\)/g, (_all, command: string) => {
    inner.push(command);
    return 'value';
  });
  return [...inner, ...outer.split(/ (?:\||&&|;) /)].map((command) =>
    [...command.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replaceAll(/["']/g, '')),
  );
}

async function wordFaults(words: readonly string[]): Promise<readonly string[]> {
  const [name = '', ...rest] = words;
  if (name === 'npx') return rest[0] === 'activation' ? activationFaults(rest.slice(1)) : [];
  if (name === 'activation') return activationFaults(rest);
  if (name === 'az') return azFaults(rest);
  if (name === 'gh') return ghFaults(rest);
  if (name === 'pulumi') return pulumiFaults(rest);
  if (name === 'node') return existsSync(join(root, rest[0] ?? '')) ? [] : [`${rest[0] ?? ''} does not exist`];
  return [];
}

const optionsIn = (words: readonly string[]): readonly string[] =>
  words.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.split('=')[0] ?? word);
const verbsIn = (words: readonly string[]): readonly string[] => {
  const end = words.findIndex((word) => word.startsWith('-'));
  return end < 0 ? words : words.slice(0, end);
};

/**
 * The help of a verb of our own command says which options it has; its usage, how far the verb
 * goes.
 */
async function activationFaults(words: readonly string[]): Promise<readonly string[]> {
  const command = join(root, 'apps', 'cli', 'bin', 'activation.js');
  const verbs = verbsIn(words);
  for (let count = verbs.length; count > 0; count -= 1) {
    const verb = verbs.slice(0, count).join(' ');
    const help = await helpOf(command, verbs.slice(0, count));
    if (!help.startsWith(`Usage: activation ${verb} `)) continue;
    const known = new Set([...help.matchAll(/(?<=^ {2}|, )--?[a-z][\w-]*/gm)].map(([option]) => option));
    if (/^Usage: .* \[command\]$/m.test(help)) return [`activation ${verb} needs one of its verbs`];
    return optionsIn(words)
      .filter((option) => !known.has(option))
      .map((option) => `activation ${verb} has no ${option}`);
  }
  return [`activation has no ${verbs.join(' ')}`];
}

const helps = new Map<string, Promise<string>>();

/** What a verb says of itself, asked once; nothing for one that does not exist. */
function helpOf(command: string, verbs: readonly string[]): Promise<string> {
  const key = verbs.join(' ');
  const help =
    helps.get(key) ??
    promisify(execFile)(process.execPath, [command, ...verbs, '--help']).then(
      ({ stdout }) => stdout,
      (error: unknown) => {
        if (typeof error === 'object' && error !== null && 'stdout' in error) return '';
        throw error;
      },
    );
  helps.set(key, help);
  return help;
}

function azFaults(words: readonly string[]): readonly string[] {
  const verb = verbsIn(words).join(' ');
  const known = azCommands[verb];
  if (known === undefined) return [`az ${verb} is not among the commands that we looked up (azCommands)`];
  return optionsIn(words)
    .filter((option) => ![...known, ...azGlobalOptions].includes(option))
    .map((option) => `az ${verb} has no ${option}`);
}

function ghFaults(words: readonly string[]): readonly string[] {
  const workflows = readWorkflows();
  if (words[0] === 'run' && words[1] === 'list') {
    const file = words[words.indexOf('--workflow') + 1] ?? '';
    return workflows.some(({ name }) => name === file) ? [] : [`there is no workflow ${file}`];
  }
  if (words[0] !== 'workflow' || words[1] !== 'run') return [];
  const workflow = workflows.find(({ name }) => name === words[2]);
  const dispatch = workflow?.on.workflow_dispatch as
    { readonly inputs?: Readonly<Record<string, { readonly options?: readonly string[] }>> } | null | undefined;
  if (dispatch === undefined) return [`there is no workflow ${words[2] ?? ''} that is started by hand`];
  const given = words.flatMap((word, index) => (words[index - 1] === '-f' ? [word] : []));
  return given.flatMap((pair) => {
    const [key = '', value = ''] = pair.split('=');
    const input = dispatch?.inputs?.[key];
    if (input === undefined) return [`${words[2] ?? ''} has no input ${key}`];
    const isKnown = input.options === undefined || value === 'placeholder' || input.options.includes(value);
    return isKnown ? [] : [`${key} of ${words[2] ?? ''} is never ${value}`];
  });
}

function pulumiFaults(words: readonly string[]): readonly string[] {
  const rest = words[0] === '-C' ? words.slice(2) : words;
  if (rest[0] === 'stack' && rest[1] === 'output' && rest[2] !== undefined && !rest[2].startsWith('-')) {
    const program = readFileSync(join(root, 'infra', 'index.ts'), 'utf8');
    return new RegExp(`\\b${rest[2]}:`).test(program) ? [] : [`the stack has no output ${rest[2]}`];
  }
  if (rest[0] !== 'config' || rest[1] !== 'set') return [];
  const path = rest.slice(2).find((word) => !word.startsWith('-')) ?? '';
  const key = rest.includes('--path') ? path.replace(/[.[].*$/, '') : path;
  const project = parse(readFileSync(join(root, 'infra', 'Pulumi.yaml'), 'utf8')) as { readonly config: object };
  return key in project.config || key.startsWith('secret-') ? [] : [`the stack has no key ${key}`];
}
