import type { Argument, Command } from 'commander';

/**
 * The reference of the command in Markdown, by file name: a page for each verb, with what its help
 * says, and `README.md`, which leads to them.
 */
export function commandPages(program: Command): ReadonlyMap<string, string> {
  const pages = program.commands.map((verb) => [`${verb.name()}.md`, page(blocksOf(verb))] as const);
  return new Map([['README.md', page(indexBlocks(program))], ...pages]);
}

const page = (blocks: readonly string[]): string => `${blocks.join('\n\n')}\n`;

function indexBlocks(program: Command): readonly string[] {
  const rows = program.commands.map((verb) => [`[${verb.name()}](${verb.name()}.md)`, escaped(verb.summary())]);
  return [
    '# Commands',
    escaped(program.description()),
    'In this repository: `npx activation <command>`. Every command has `--help` and `--json`, reads secrets from the environment and shows none. Exit codes: 0 fine, 1 failed, 2 wrong usage or wrong file. What a day with them looks like: [the command line](../../../apps/cli/README.md).',
    table(['command', 'what it does'], rows),
    'These pages are made from the help of the commands by `npm run reference`.',
  ];
}

/** A verb, and below it each of its own verbs. */
function blocksOf(command: Command, above = 'activation', level = '#'): readonly string[] {
  const name = `${above} ${command.name()}`;
  const help = command.createHelp();
  const { notes, examples } = afterHelp(command);
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  const optionRows = options.map((option) => [
    `\`${escapedInCode(option.flags)}\``,
    escaped(help.optionDescription(option)),
  ]);
  const argumentRows = command.registeredArguments.map((argument) => [
    `\`${argumentTerm(argument)}\``,
    escaped(help.argumentDescription(argument)),
  ]);
  return [
    `${level} ${name}`,
    escaped(command.description()),
    `Usage: \`${above} ${command.name()} ${command.usage()}\``,
    ...(argumentRows.length > 0 ? [table(['argument', 'meaning'], argumentRows)] : []),
    ...(optionRows.length > 0 ? [table(['option', 'meaning'], optionRows)] : []),
    ...notes.map(escaped),
    ...(examples === undefined ? [] : [`\`\`\`text\n${examples}\n\`\`\``]),
    ...command.commands.flatMap((own) => blocksOf(own, name, '##')),
  ];
}

/** What the help shows below the options: paragraphs, and examples of the command line. */
function afterHelp(command: Command): { readonly notes: readonly string[]; readonly examples: string | undefined } {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  const [before = '', examples] = text.slice(command.helpInformation().length).split(/^Examples:\n/m);
  const notes = before.split(/\n{2,}/).map((paragraph) => paragraph.trim());
  return { notes: notes.filter(Boolean), examples: examples?.replaceAll(/^ {2}/gm, '').trimEnd() };
}

const argumentTerm = (argument: Argument): string => {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
};

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Text of a help as Markdown shows it letter for letter. */
const escaped = (text: string): string => text.replaceAll(/[\\<>*_|`[\]]/g, '\\$&').replaceAll('\n', ' ');

const escapedInCode = (text: string): string => text.replaceAll('|', '\\|');
